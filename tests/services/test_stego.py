"""Hide, Reveal and GetCapacity over gRPC, with the lattice code that training begins with."""

import io
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from fourcast.stego.v1 import stego_pb2 as wire
from fourcast.stego.v1 import stego_pb2_grpc
from fourcast_models.stego.metrics import psnr
from tests.services.running import run_server
from tests.services.small_model import publish_small_model
from tests.services.small_stego import publish_small_stego
from tests.services.status import failure

Stego = stego_pb2_grpc.StegoServiceStub

TEXT = "¡Hola, ñandú! \U0001f388\n"
LONG_TEXT = np.random.default_rng(1).bytes(3000).hex()


@pytest.fixture(scope="module")
def stego(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stego]:
    repository = publish_small_stego(tmp_path_factory.mktemp("stego"))
    with (
        run_server(repository, "--max-image-pixels", "100000") as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        yield Stego(channel)
        assert "Traceback" not in server.log()


def cover(side: int = 256, mode: str = "RGB", form: str = "PNG") -> bytes:
    """A picture with light, waves and grain."""
    rng = np.random.default_rng(side)
    y, x = np.mgrid[:side, :side]
    waves = 120 + 50 * np.sin(x / 17) + 40 * np.cos(y / 23)
    pixels = (waves[..., None] + rng.normal(0, 6, (side, side, 3))).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.fromarray((x % 256).astype(np.uint8)))
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()


def pixels_of(data: bytes) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("passphrase", [None, "correct horse"])
@pytest.mark.parametrize("profile", [wire.PROFILE_CAPACITY, wire.PROFILE_ROBUST])
def test_the_text_comes_back_exactly(
    stego: Stego, profile: wire.Profile.ValueType, passphrase: str | None
) -> None:
    data = cover()
    hidden = stego.Hide(
        wire.HideRequest(image=data, text=TEXT, profile=profile, passphrase=passphrase)
    )
    assert hidden.profile == profile
    assert hidden.survives_jpeg == (profile == wire.PROFILE_ROBUST)
    assert (hidden.encoder_version, hidden.decoder_version) == ("1", "1")
    assert abs(psnr(pixels_of(data), pixels_of(hidden.image)) - hidden.psnr_db) < 1e-9
    assert 0 < hidden.bytes_used <= hidden.bytes_available
    found = stego.Reveal(wire.RevealRequest(image=hidden.image, passphrase=passphrase))
    assert (found.text, found.profile, found.decoder_version) == (TEXT, profile, "1")


def test_robust_texts_survive_a_jpeg(stego: Stego) -> None:
    hidden = stego.Hide(wire.HideRequest(image=cover(), text=TEXT))
    file = io.BytesIO()
    Image.open(io.BytesIO(hidden.image)).save(file, "JPEG", quality=60)
    found = stego.Reveal(wire.RevealRequest(image=file.getvalue()))
    assert (found.text, found.profile) == (TEXT, wire.PROFILE_ROBUST)


@pytest.mark.parametrize(("mode", "form"), [("L", "PNG"), ("P", "GIF"), ("RGBA", "WEBP")])
def test_other_pictures_and_their_transparency(stego: Stego, mode: str, form: str) -> None:
    data = cover(150, mode, form)
    hidden = stego.Hide(wire.HideRequest(image=data, text="x", profile=wire.PROFILE_CAPACITY))
    assert stego.Reveal(wire.RevealRequest(image=hidden.image)).text == "x"
    if mode == "RGBA":
        np.testing.assert_array_equal(pixels_of(hidden.image)[..., 3], pixels_of(data)[..., 3])


def test_capacity_of_a_picture_and_of_a_size(stego: Stego) -> None:
    size = wire.Size(width=256, height=256)
    for profile, least in ((wire.PROFILE_CAPACITY, 7600), (wire.PROFILE_ROBUST, 400)):
        by_size = stego.GetCapacity(wire.GetCapacityRequest(size=size, profile=profile))
        assert by_size.bytes_available >= least
        by_image = stego.GetCapacity(wire.GetCapacityRequest(image=cover(), profile=profile))
        assert by_image == by_size
        sealed = stego.GetCapacity(
            wire.GetCapacityRequest(size=size, profile=profile, encrypted=True)
        )
        assert 0 < sealed.bytes_available < by_size.bytes_available


def test_each_failure_has_its_own_status(stego: Stego) -> None:
    def revealing(image: bytes, passphrase: str | None = None) -> tuple[grpc.StatusCode, str]:
        request = wire.RevealRequest(image=image, passphrase=passphrase)
        return failure(lambda: stego.Reveal(request)).code_and_field()

    no_message = (grpc.StatusCode.FAILED_PRECONDITION, "image")
    wrong_passphrase = (grpc.StatusCode.UNAUTHENTICATED, "passphrase")
    assert revealing(cover()) == no_message
    sealed = stego.Hide(wire.HideRequest(image=cover(), text=TEXT, passphrase="right")).image
    for passphrase in (None, "wrong"):
        assert revealing(sealed, passphrase) == wrong_passphrase
    plain = stego.Hide(
        wire.HideRequest(image=cover(), text=LONG_TEXT, profile=wire.PROFILE_CAPACITY)
    ).image
    assert revealing(plain, "one too many") == wrong_passphrase
    damaged = pixels_of(plain).copy()
    damaged[100:130] = pixels_of(cover())[100:130]
    file = io.BytesIO()
    Image.fromarray(damaged).save(file, "PNG")
    assert revealing(file.getvalue()) == (grpc.StatusCode.DATA_LOSS, "image")


def test_a_comparison_shows_both_and_their_difference(stego: Stego) -> None:
    request = wire.HideRequest(image=cover(), text=TEXT, compare=True)
    hidden = stego.Hide(request)
    sheet = pixels_of(hidden.comparison)
    given, result = pixels_of(cover()), pixels_of(hidden.image)
    # Enlarged to two pixels a side, below a caption.
    panels = [sheet[56:568:2, left : left + 512 : 2] for left in (16, 544, 1072)]
    np.testing.assert_array_equal(panels[0], given)
    np.testing.assert_array_equal(panels[1], result)
    changed = (result != given).any(axis=2)
    np.testing.assert_array_equal((panels[2] != 128).any(axis=2), changed)
    assert changed.any()
    request.compare = False
    assert not stego.Hide(request).comparison


@pytest.mark.parametrize(
    ("wrong", "field", "reason"),
    [
        pytest.param(wire.HideRequest(text="x"), "image", "not a PNG", id="no-image"),
        pytest.param(wire.HideRequest(image=cover(63)), "image", "64 to 8,192", id="tiny"),
        pytest.param(wire.HideRequest(image=cover(320)), "image", "at most 100,000", id="huge"),
        pytest.param(
            wire.HideRequest(image=cover(), passphrase=""), "passphrase", "empty", id="passphrase"
        ),
        pytest.param(
            wire.HideRequest(image=cover(), profile=wire.Profile.ValueType(9)),
            "profile",
            "9 is no profile",
            id="profile",
        ),
        pytest.param(
            wire.HideRequest(image=cover(), text=np.random.default_rng(0).bytes(500).hex()),
            "text",
            "the picture has room for 40",
            id="too-long",
        ),
    ],
)
def test_wrong_requests_name_field_and_reason(
    stego: Stego, wrong: wire.HideRequest, field: str, reason: str
) -> None:
    named, description = failure(lambda: stego.Hide(wrong)).field_violation()
    assert named == field
    assert reason in description


def test_wrong_sizes_and_no_cover(stego: Stego) -> None:
    size = wire.GetCapacityRequest(size=wire.Size(width=20, height=256))
    assert failure(lambda: stego.GetCapacity(size)).field_violation()[0] == "size"
    nothing = failure(lambda: stego.GetCapacity(wire.GetCapacityRequest()))
    assert nothing.field_violation()[0] == "cover"


def test_a_server_without_the_networks_names_the_missing_one(tmp_path: Path) -> None:
    publish_small_model(tmp_path)
    with run_server(tmp_path) as server, grpc.insecure_channel(server.address) as channel:
        error = failure(lambda: Stego(channel).Hide(wire.HideRequest(image=cover(), text="x")))
    assert error.code is grpc.StatusCode.NOT_FOUND
    assert "stego_robust_encoder" in error.message
