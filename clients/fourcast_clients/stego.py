"""Steganography as a caller sees it: pictures and texts in, frozen records coming back."""

from dataclasses import dataclass
from enum import Enum

from fourcast.stego.v1 import stego_pb2, stego_pb2_grpc
from fourcast_clients.calls import Calls
from fourcast_clients.cancellation import Cancellation


class Profile(Enum):
    """What a picture with a text in it must survive."""

    CAPACITY = "capacity"
    """Storing without loss, as in PNG files. Holds much."""
    ROBUST = "robust"
    """What messengers and web sites do to pictures: JPEG, resizing, brightness. Holds less."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A picture that was read back before it was sent, so it gives its text exactly.

    Attributes:
        image: A PNG file. Transparency is kept and the orientation applied; all other metadata of
            the picture given, such as camera and place, is dropped.
        psnr_db: How like the picture given it is: peak signal-to-noise ratio in dB, about 40 to 60.
        ssim: The same as structural similarity, at most 1.
        bytes_used: Bytes that the text takes, compressed where that helps, with its check.
        bytes_available: Bytes that there were for it.
        profile: How it was hidden.
        survives_jpeg: Whether the text was read back after a JPEG of quality 50, too; looked at
            with `Profile.ROBUST` only, and False otherwise.
        encoder_version: The version of the network that hid it, a whole number as text.
        decoder_version: The version of the network that read it back.
        comparison: A PNG file to look at: the picture given, the result and their amplified
            difference side by side; None unless asked for.
    """

    image: bytes
    psnr_db: float
    ssim: float
    bytes_used: int
    bytes_available: int
    profile: Profile
    survives_jpeg: bool
    encoder_version: str
    decoder_version: str
    comparison: bytes | None


@dataclass(frozen=True, slots=True)
class Revealed:
    """A text that was hidden in a picture.

    Attributes:
        text: Exactly as it was.
        profile: How it was hidden.
        corrected_bits: Bits that were wrong and were corrected.
        decoder_version: The version of the network that read it, a whole number as text.
    """

    text: str
    profile: Profile
    corrected_bits: int
    decoder_version: str


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much text a picture holds.

    Attributes:
        bytes_available: Bytes of UTF-8; more if the text can be compressed.
        profile: What this is about.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
    """

    bytes_available: int
    profile: Profile
    width: int
    height: int


class Stego:
    """The calls of a server that hide texts in pictures; reached as ``Fourcast.stego``.

    A picture is a PNG, JPEG, WebP, GIF or BMP file, each side of 64 to 8,192 pixels. A text comes
    back exactly, or there is an error; never another text.

    The calls raise `FourcastError`. Code ``"INVALID_ARGUMENT"`` has the ``field``: ``"image"`` for
    a picture that cannot be read or whose size is out of range, ``"text"`` for one that is too long
    (the message has the bytes available). With the field ``"image"``, ``"FAILED_PRECONDITION"`` is
    a picture that does not give the text back when it is hidden, or has none when it is revealed,
    and ``"DATA_LOSS"`` a text that is damaged. ``"UNAUTHENTICATED"`` with the field
    ``"passphrase"`` is a passphrase that is wrong, missing or one too many; without a field, the
    server wants another token. ``"NOT_FOUND"``: the server has no networks for the profile.
    ``"UNAVAILABLE"``: no server answers. ``timeout`` is in seconds, None the client's own; after it
    the code is ``"DEADLINE_EXCEEDED"``; the largest pictures take minutes. After a cancellation it
    is ``"CANCELLED"``.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = stego_pb2_grpc.StegoServiceStub(calls.channel)

    def hide(
        self,
        image: bytes,
        text: str,
        *,
        profile: Profile = Profile.ROBUST,
        passphrase: str | None = None,
        compare: bool = False,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Hidden:
        """Hide a text in a picture.

        Args:
            image: The picture, a file.
            text: Any.
            profile: What the result must survive.
            passphrase: Encrypts the text; None does not. Never empty.
            compare: Whether to have a comparison drawn, too.
            timeout: See the class.
            cancellation: See the class.

        Raises:
            FourcastError: See the class.
            ValueError: If the text or the passphrase is not valid Unicode.
        """
        request = stego_pb2.HideRequest(
            image=image,
            text=_checked("text", text) or "",
            profile=_NUMBERS[profile],
            passphrase=_checked("passphrase", passphrase),
            compare=compare,
        )
        reply = self._calls.call(self._stub.Hide, request, timeout, cancellation)
        return Hidden(
            image=reply.image,
            psnr_db=reply.psnr_db,
            ssim=reply.ssim,
            bytes_used=reply.bytes_used,
            bytes_available=reply.bytes_available,
            profile=_PROFILES[reply.profile],
            survives_jpeg=reply.survives_jpeg,
            encoder_version=reply.encoder_version,
            decoder_version=reply.decoder_version,
            comparison=reply.comparison or None,
        )

    def reveal(
        self,
        image: bytes,
        *,
        passphrase: str | None = None,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Revealed:
        """Find the text that is hidden in a picture, in whatever profile.

        Args:
            image: The picture, a file.
            passphrase: Of the text; None for a text without one.
            timeout: See the class.
            cancellation: See the class.

        Raises:
            FourcastError: See the class.
            ValueError: If the passphrase is not valid Unicode.
        """
        request = stego_pb2.RevealRequest(
            image=image, passphrase=_checked("passphrase", passphrase)
        )
        reply = self._calls.call(self._stub.Reveal, request, timeout, cancellation)
        return Revealed(
            text=reply.text,
            profile=_PROFILES[reply.profile],
            corrected_bits=reply.corrected_bits,
            decoder_version=reply.decoder_version,
        )

    def capacity(
        self,
        *,
        image: bytes | None = None,
        size: tuple[int, int] | None = None,
        profile: Profile = Profile.ROBUST,
        encrypted: bool = False,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Capacity:
        """How much text a picture holds, given as a file or as its size.

        Args:
            image: The picture, a file.
            size: Its width and height in pixels.
            profile: What the result must survive.
            encrypted: Whether a passphrase will be given, which takes some room.
            timeout: See the class.
            cancellation: See the class.

        Raises:
            FourcastError: See the class; the field may be ``"size"``, too.
            ValueError: If not exactly one of ``image`` and ``size`` is given, or the size is not
                two whole numbers from 0.
        """
        request = stego_pb2.GetCapacityRequest(profile=_NUMBERS[profile], encrypted=encrypted)
        if image is not None and size is None:
            request.image = image
        elif size is not None and image is None:
            try:
                width, height = size
                request.size.CopyFrom(stego_pb2.Size(width=width, height=height))
            except (TypeError, ValueError):
                raise ValueError(f"size is {size!r}: expected (width, height) in pixels") from None
        else:
            raise ValueError("capacity takes either image= or size=, and exactly one of them")
        reply = self._calls.call(self._stub.GetCapacity, request, timeout, cancellation)
        return Capacity(
            bytes_available=reply.bytes_available,
            profile=_PROFILES[reply.profile],
            width=reply.size.width,
            height=reply.size.height,
        )


_PROFILES = {
    stego_pb2.PROFILE_CAPACITY: Profile.CAPACITY,
    stego_pb2.PROFILE_ROBUST: Profile.ROBUST,
}
_NUMBERS = {profile: number for number, profile in _PROFILES.items()}


def _checked(name: str, text: str | None) -> str | None:
    """The text, if it can be sent; ValueError if it is not Unicode."""
    try:
        (text or "").encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"the {name} is not valid Unicode at character {error.start}: it cannot be sent"
        ) from None
    return text
