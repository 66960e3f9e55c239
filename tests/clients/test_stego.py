"""The typed client's calls for texts in pictures, against a real service."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fourcast_clients.api import (
    Cancellation,
    Capacity,
    Credentials,
    Fourcast,
    FourcastError,
    Profile,
)
from tests.clients.photographs import damaged, file_of, photograph
from tests.services.certificates import TOKEN
from tests.services.running import run_server

TEXT = "¡Hola, ñandú! \U0001f388\n"


def incompressible(length: int) -> str:
    """ASCII that hardly gets shorter."""
    letters = np.random.default_rng(0).integers(32, 127, length, dtype=np.uint8)
    return letters.tobytes().decode()


PROFILE = pytest.mark.parametrize("profile", list(Profile))


@PROFILE
@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_the_text_comes_back_exactly(
    hiding: Fourcast, profile: Profile, passphrase: str | None
) -> None:
    cover = file_of(photograph())
    hidden = hiding.stego.hide(cover, TEXT, profile=profile, passphrase=passphrase)
    assert (hidden.profile, hidden.comparison) == (profile, None)
    assert hidden.survives_jpeg == (profile is Profile.ROBUST)
    assert (hidden.encoder_version, hidden.decoder_version) == ("1", "1")
    assert 40 < hidden.psnr_db < 60
    assert 0.9 < hidden.ssim < 1
    assert 0 < hidden.bytes_used <= hidden.bytes_available
    revealed = hiding.stego.reveal(hidden.image, passphrase=passphrase)
    assert (revealed.text, revealed.profile) == (TEXT, profile)
    assert revealed.decoder_version == "1"


def test_what_a_messenger_does_is_survived(hiding: Fourcast) -> None:
    hidden = hiding.stego.hide(file_of(photograph()), TEXT)
    sent = file_of(Image.open(io.BytesIO(hidden.image)), "JPEG", quality=60)
    revealed = hiding.stego.reveal(sent)
    assert (revealed.text, revealed.profile) == (TEXT, Profile.ROBUST)


def test_metadata_is_dropped(hiding: Fourcast) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif[0x0112] = 6  # turned by a quarter
    cover = file_of(photograph(), "JPEG", exif=exif)
    hidden = hiding.stego.hide(cover, TEXT)
    result = Image.open(io.BytesIO(hidden.image))
    assert result.size == (128, 192)
    assert not result.getexif()
    assert b"camera" not in hidden.image


def test_a_comparison_is_drawn_if_asked_for(hiding: Fourcast) -> None:
    cover = file_of(photograph())
    hidden = hiding.stego.hide(cover, TEXT, compare=True)
    assert hidden.comparison is not None
    assert Image.open(io.BytesIO(hidden.comparison)).size > (1500, 300)


@PROFILE
def test_capacity_is_what_fits(hiding: Fourcast, profile: Profile) -> None:
    cover = file_of(photograph())
    capacity = hiding.stego.capacity(image=cover, profile=profile)
    assert capacity == Capacity(capacity.bytes_available, profile, 192, 128)
    assert hiding.stego.capacity(size=(192, 128), profile=profile) == capacity
    sealed = hiding.stego.capacity(size=(192, 128), profile=profile, encrypted=True)
    assert sealed.bytes_available < capacity.bytes_available
    text = incompressible(capacity.bytes_available)
    assert hiding.stego.hide(cover, text, profile=profile).bytes_used > 0.8 * len(text)
    text = incompressible(2 * capacity.bytes_available)
    with pytest.raises(FourcastError, match=f"has room for {capacity.bytes_available:,}") as caught:
        hiding.stego.hide(cover, text, profile=profile)
    assert (caught.value.code, caught.value.field) == ("INVALID_ARGUMENT", "text")


def test_each_failure_is_told_from_the_others(hiding: Fourcast) -> None:
    def revealing(image: bytes, passphrase: str | None = None) -> tuple[str, str | None, str]:
        with pytest.raises(FourcastError) as caught:
            hiding.stego.reveal(image, passphrase=passphrase)
        assert not caught.value.is_passing
        return caught.value.code, caught.value.field, caught.value.reason

    cover = file_of(photograph())
    code, field, reason = revealing(cover)
    assert (code, field) == ("FAILED_PRECONDITION", "image")
    assert reason.startswith("no text is hidden here")
    plain = hiding.stego.hide(cover, incompressible(2000), profile=Profile.CAPACITY).image
    code, field, reason = revealing(damaged(plain, slice(60, 80)))
    assert (code, field) == ("DATA_LOSS", "image")
    assert "damaged" in reason
    sealed = hiding.stego.hide(cover, TEXT, passphrase="right").image
    for image, passphrase, words in (
        (sealed, "wrong", "has another passphrase"),
        (sealed, None, "is encrypted"),
        (plain, "one too many", "is not encrypted"),
    ):
        code, field, reason = revealing(image, passphrase)
        assert (code, field) == ("UNAUTHENTICATED", "passphrase")
        assert words in reason


def test_a_wrong_passphrase_is_no_wrong_token(stego_repository: Path, token_file: Path) -> None:
    with run_server(stego_repository, "--token-file", str(token_file)) as server:
        with Fourcast(server.address, credentials=Credentials(token=TOKEN)) as client:
            sealed = client.stego.hide(file_of(photograph()), TEXT, passphrase="right").image
            with pytest.raises(FourcastError, match="another passphrase") as caught:
                client.stego.reveal(sealed, passphrase="wrong")
            assert (caught.value.code, caught.value.field) == ("UNAUTHENTICATED", "passphrase")
        with (
            Fourcast(server.address, credentials=Credentials(token=TOKEN + "x")) as client,
            pytest.raises(FourcastError, match="does not accept this token") as caught,
        ):
            client.stego.reveal(sealed, passphrase="right")
        assert (caught.value.code, caught.value.field) == ("UNAUTHENTICATED", None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "exactly one"),
        ({"image": b"x", "size": (256, 256)}, "exactly one"),
        ({"size": (256, -1)}, r"size is \(256, -1\)"),
        ({"size": (256,)}, r"size is \(256,\)"),
        ({"size": (256.5, 256)}, r"size is \(256\.5, 256\)"),
    ],
)
def test_what_cannot_be_asked(hiding: Fourcast, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        hiding.stego.capacity(**arguments)


def test_what_is_no_unicode_cannot_be_sent(hiding: Fourcast) -> None:
    with pytest.raises(ValueError, match="the text is not valid Unicode at character 2"):
        hiding.stego.hide(b"", "ab\ud800")
    with pytest.raises(ValueError, match="the passphrase is not valid Unicode"):
        hiding.stego.reveal(b"", passphrase="\ud800")


def test_wrong_pictures_and_sizes(hiding: Fourcast) -> None:
    for image, words in ((b"", "not a PNG"), (file_of(photograph(63, 64)), "64 to 8,192")):
        with pytest.raises(FourcastError, match=words) as caught:
            hiding.stego.hide(image, TEXT)
        assert (caught.value.code, caught.value.field) == ("INVALID_ARGUMENT", "image")
    with pytest.raises(FourcastError) as caught:
        hiding.stego.capacity(size=(8193, 64))
    assert (caught.value.code, caught.value.field) == ("INVALID_ARGUMENT", "size")
    with pytest.raises(FourcastError) as caught:
        hiding.stego.hide(file_of(photograph()), TEXT, passphrase="")
    assert (caught.value.code, caught.value.field) == ("INVALID_ARGUMENT", "passphrase")


def test_answers_beyond_what_grpc_takes_by_itself(hiding: Fourcast) -> None:
    noisy = photograph(1280, 1200, grain=60)
    hidden = hiding.stego.hide(file_of(noisy), TEXT, profile=Profile.CAPACITY)
    assert len(hidden.image) > 4 << 20


def test_an_answer_beyond_the_servers_bound_is_told_as_that(stego_repository: Path) -> None:
    cover = file_of(photograph(700, 700, grain=30), "JPEG", quality=60)
    assert len(cover) < 1 << 20
    with (
        run_server(stego_repository, "--max-message-mebibytes", "1") as server,
        Fourcast(server.address) as client,
        pytest.raises(FourcastError, match="--max-message-mebibytes") as caught,
    ):
        client.stego.hide(cover, TEXT)
    assert not caught.value.is_passing


def test_a_call_can_be_cancelled(hiding: Fourcast) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    for call in (
        lambda: hiding.stego.hide(b"", TEXT, cancellation=cancellation),
        lambda: hiding.stego.reveal(b"", cancellation=cancellation),
        lambda: hiding.stego.capacity(image=b"", cancellation=cancellation),
    ):
        with pytest.raises(FourcastError) as caught:
            call()
        assert caught.value.code == "CANCELLED"
