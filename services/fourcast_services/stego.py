"""StegoService: translate, delegate, translate back."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from grpc.aio import ServicerContext

from fourcast.stego.v1 import stego_pb2 as wire
from fourcast.stego.v1 import stego_pb2_grpc
from fourcast_models.stego.codec import PROFILES
from fourcast_models.stego.comparison import side_by_side
from fourcast_models.stego.errors import StegoError, TextTooLongError
from fourcast_models.stego.hide import capacity, hide, reveal
from fourcast_models.stego.pictures import Picture, write_png
from fourcast_services import stego_wire as translate
from fourcast_services.errors import FieldError
from fourcast_services.inference_backend import InferenceBackend
from fourcast_services.stego_networks import StegoNetworks
from fourcast_services.threads import Threads

SERVICE_NAME = wire.DESCRIPTOR.services_by_name["StegoService"].full_name

_HideContext = ServicerContext[wire.HideRequest, wire.HideResponse]
_RevealContext = ServicerContext[wire.RevealRequest, wire.RevealResponse]
_CapacityContext = ServicerContext[wire.GetCapacityRequest, wire.GetCapacityResponse]

_Result = TypeVar("_Result")


class StegoServicer(stego_pb2_grpc.StegoServiceServicer):
    """Texts in pictures; the proto says what each method promises."""

    def __init__(
        self, backend: InferenceBackend, threads: Threads, *, max_image_pixels: int
    ) -> None:
        """Offer steganography.

        Args:
            backend: Runs the networks.
            threads: Where pictures are worked on.
            max_image_pixels: The largest image, width times height.
        """
        self._backend = backend
        self._threads = threads
        self._max_image_pixels = max_image_pixels

    async def Hide(  # noqa: N802 - the name is the proto's
        self,
        request: wire.HideRequest,
        context: _HideContext,
    ) -> wire.HideResponse:
        """The picture with a text in it."""
        profile = translate.read_profile(request.profile)
        passphrase = translate.read_passphrase(request)
        networks = StegoNetworks(self._backend)

        def work() -> wire.HideResponse:
            picture = translate.read_image(request.image, self._max_image_pixels)
            try:
                hidden = hide(
                    networks.of(profile), profile, picture.pixels, request.text, passphrase
                )
            except TextTooLongError as error:
                raise FieldError("text", str(error)) from None
            return wire.HideResponse(
                image=write_png(Picture(hidden.pixels, picture.alpha)),
                psnr_db=hidden.psnr,
                ssim=hidden.ssim,
                bytes_used=hidden.used,
                bytes_available=hidden.available,
                profile=translate.write_profile(profile.name),
                survives_jpeg=hidden.survives_jpeg,
                encoder_version=networks.versions[profile.encoder],
                decoder_version=networks.versions[profile.decoder],
                comparison=write_png(Picture(side_by_side(picture.pixels, hidden.pixels)))
                if request.compare
                else b"",
            )

        return await self._run(work, networks)

    async def Reveal(  # noqa: N802 - the name is the proto's
        self,
        request: wire.RevealRequest,
        context: _RevealContext,
    ) -> wire.RevealResponse:
        """The text that is hidden in a picture."""
        passphrase = translate.read_passphrase(request)
        networks = StegoNetworks(self._backend)

        def work() -> wire.RevealResponse:
            picture = translate.read_image(request.image, self._max_image_pixels)
            profiles = {profile: networks.of(profile) for profile in PROFILES.values()}
            revealed = reveal(profiles, picture.pixels, passphrase)
            return wire.RevealResponse(
                text=revealed.text,
                profile=translate.write_profile(revealed.profile),
                corrected_bits=revealed.corrected,
                decoder_version=networks.versions[PROFILES[revealed.profile].decoder],
            )

        return await self._run(work, networks)

    async def GetCapacity(  # noqa: N802 - the name is the proto's
        self,
        request: wire.GetCapacityRequest,
        context: _CapacityContext,
    ) -> wire.GetCapacityResponse:
        """How much text a picture holds."""
        profile = translate.read_profile(request.profile)
        match request.WhichOneof("cover"):
            case "size":
                field, width, height = "size", request.size.width, request.size.height
            case "image":
                field = "image"
                picture = await self._threads.run(
                    lambda: translate.read_image(request.image, self._max_image_pixels)
                )
                height, width = picture.pixels.shape[:2]
            case _:
                raise FieldError("cover", "missing; set image (a file) or size")
        try:
            available = capacity(profile, height, width, encrypted=request.encrypted)
        except StegoError as error:
            raise FieldError(field, str(error)) from None
        return wire.GetCapacityResponse(
            bytes_available=available,
            profile=translate.write_profile(profile.name),
            size=wire.Size(width=width, height=height),
        )

    async def _run(self, work: Callable[[], _Result], networks: StegoNetworks) -> _Result:
        try:
            return await self._threads.run(work)
        except asyncio.CancelledError:
            networks.stop()
            raise
