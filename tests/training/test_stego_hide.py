"""Hiding and revealing with untrained networks, the classical code that training begins with."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from fourcast_models.stego import equaliser, hide
from fourcast_models.stego.codec import (
    CAPACITY,
    PROFILES,
    ROBUST,
    Pixels,
    Profile,
    decode_picture,
    encode_picture,
)
from fourcast_models.stego.errors import (
    CannotHideError,
    DamagedError,
    NoMessageError,
    StegoError,
    TextTooLongError,
    WrongPassphraseError,
)
from fourcast_models.stego.hide import Networks
from fourcast_training.stego.net import Pair
from fourcast_training.stego.presets import PRESETS
from fourcast_training.stego.textures import texture
from fourcast_training.stego.train import torch_networks

TEXT = "Exactly this text, ñ and 😀 included.\n"


def untrained(profile: Profile) -> Networks:
    torch.manual_seed(0)
    config = PRESETS["capacity" if profile is CAPACITY else "robust"]
    return torch_networks(Pair(profile, config.lattice).eval())


NETWORKS = {profile: untrained(profile) for profile in PROFILES.values()}
PROFILE = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)


def cover(seed: int = 0) -> Pixels:
    return texture(np.random.default_rng(seed))


def as_jpeg(pixels: Pixels, **options: int) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", **options)
    return np.asarray(Image.open(file))


@PROFILE
@pytest.mark.parametrize("seed", range(3))
def test_full_texts_come_back_from_textures(profile: Profile, seed: int) -> None:
    text = "".join(map(chr, np.random.default_rng(seed).integers(32, 127, 400)))
    text *= 1 if profile is ROBUST else 20
    hidden = hide.hide(NETWORKS[profile], profile, cover(seed), text)
    found = hide.reveal(NETWORKS, hidden.pixels)
    assert (found.text, found.profile) == (text, profile.name)
    assert hidden.psnr > (41 if profile is ROBUST else 48)
    assert hidden.used <= hidden.available


@PROFILE
@pytest.mark.parametrize("size", [(64, 64), (65, 127), (71, 300), (256, 192)])
def test_odd_sizes(profile: Profile, size: tuple[int, int]) -> None:
    # Enlarged, so that the largest of them are covered, too.
    whole = np.asarray(Image.fromarray(cover(4)).resize((320, 256)))
    picture = whole[: size[0], : size[1]]
    room = hide.capacity(profile, *size)
    text = "".join(map(chr, np.random.default_rng(room).integers(32, 127, room)))
    hidden = hide.hide(NETWORKS[profile], profile, picture, text)
    assert hidden.pixels.shape == picture.shape
    assert hide.reveal(NETWORKS, hidden.pixels).text == text


def test_tiles_do_not_see_each_other() -> None:
    picture, networks = cover(), NETWORKS[ROBUST]
    message = np.random.default_rng(0).integers(0, 2, (32, 32, 6), dtype=np.uint8)
    whole = encode_picture(networks.encode, ROBUST, picture, message.ravel(), 1.0)
    part = encode_picture(
        networks.encode, ROBUST, picture[64:128, 64:192], message[8:16, 8:24].ravel(), 1.0
    )
    np.testing.assert_array_equal(whole[64:128, 64:192], part)
    soft = decode_picture(networks.decode, ROBUST, whole).reshape(32, 32, 6)
    seen = decode_picture(networks.decode, ROBUST, whole[64:128, 64:192]).reshape(8, 16, 6)
    # Float32 sums may differ in their last bits with the size of the batch.
    np.testing.assert_allclose(soft[8:16, 8:24], seen, atol=0.01)
    assert ((soft > 0) == (message == 1)).mean() > 0.99


def test_what_is_to_be_kept_is_kept() -> None:
    picture = cover()
    message = np.full(CAPACITY.layout(256, 256).slots, 2, dtype=np.uint8)
    again = encode_picture(NETWORKS[CAPACITY].encode, CAPACITY, picture, message, 1.0)
    np.testing.assert_array_equal(again, picture)


@pytest.mark.parametrize("value", [0, 1, 128, 254, 255])
@PROFILE
def test_flat_and_saturated_pictures(profile: Profile, value: int) -> None:
    picture = np.full((128, 128, 3), value, dtype=np.uint8)
    hidden = hide.hide(NETWORKS[profile], profile, picture, TEXT)
    assert hide.reveal(NETWORKS, hidden.pixels).text == TEXT


@pytest.mark.parametrize("quality", [50, 63, 75, 90])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_robust_survives_jpeg(quality: int, subsampling: int) -> None:
    hidden = hide.hide(NETWORKS[ROBUST], ROBUST, cover(1), TEXT * 9)
    assert hidden.survives_jpeg
    changed = as_jpeg(hidden.pixels, quality=quality, subsampling=subsampling)
    assert hide.reveal(NETWORKS, changed).text == TEXT * 9


@pytest.mark.parametrize("factor", [0.9, 1.1])
@pytest.mark.parametrize("kind", [ImageEnhance.Brightness, ImageEnhance.Contrast])
def test_robust_survives_other_tones(
    kind: type[ImageEnhance.Brightness | ImageEnhance.Contrast], factor: float
) -> None:
    hidden = hide.hide(NETWORKS[ROBUST], ROBUST, cover(2), TEXT * 3)
    changed = np.asarray(kind(Image.fromarray(hidden.pixels)).enhance(factor))
    assert hide.reveal(NETWORKS, changed).text == TEXT * 3


@pytest.mark.parametrize("side", [192, 384, 512])
@pytest.mark.parametrize("restored", [True, False])
def test_robust_survives_another_size(side: int, *, restored: bool) -> None:
    hidden = hide.hide(NETWORKS[ROBUST], ROBUST, cover(3), TEXT * 3)
    image = Image.fromarray(hidden.pixels).resize((side, side), Image.Resampling.BILINEAR)
    if restored:
        image = image.resize((256, 256), Image.Resampling.BILINEAR)
    assert hide.reveal(NETWORKS, np.asarray(image)).text == TEXT * 3


@PROFILE
def test_a_passphrase(profile: Profile) -> None:
    hidden = hide.hide(NETWORKS[profile], profile, cover(), TEXT, "secret")
    assert hide.reveal(NETWORKS, hidden.pixels, "secret").text == TEXT
    for wrong in ("other", None):
        with pytest.raises(WrongPassphraseError):
            hide.reveal(NETWORKS, hidden.pixels, wrong)


@pytest.mark.parametrize("seed", range(3))
def test_clean_pictures_hold_nothing(seed: int) -> None:
    with pytest.raises(NoMessageError):
        hide.reveal(NETWORKS, cover(seed))


def test_noise_holds_nothing() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    with pytest.raises(NoMessageError):
        hide.reveal(NETWORKS, noise)


@PROFILE
def test_a_picture_partly_painted_over_is_damaged(profile: Profile) -> None:
    # The header is there several times, so it outlives the text.
    room = hide.capacity(profile, 256, 256)
    text = "".join(map(chr, np.random.default_rng(0).integers(32, 127, room)))
    pixels = hide.hide(NETWORKS[profile], profile, cover(), text).pixels.copy()
    pixels[:72] = 128
    with pytest.raises(DamagedError):
        hide.reveal(NETWORKS, pixels)


@PROFILE
def test_a_text_too_long_is_refused_with_the_room_there_is(profile: Profile) -> None:
    room = hide.capacity(profile, 256, 256)
    text = "".join(map(chr, np.random.default_rng(0).integers(0x80, 0x7FF, room)))
    with pytest.raises(TextTooLongError) as caught:
        hide.hide(NETWORKS[profile], profile, cover(), text)
    assert caught.value.available == room


@PROFILE
@pytest.mark.parametrize("size", [(63, 64), (64, 8193)])
def test_sizes_out_of_range(profile: Profile, size: tuple[int, int]) -> None:
    picture = np.zeros((*size, 3), dtype=np.uint8)
    with pytest.raises(StegoError, match="each side must have 64 to 8,192"):
        hide.hide(NETWORKS[profile], profile, picture, "")
    with pytest.raises(StegoError, match="each side must have 64 to 8,192"):
        hide.reveal(NETWORKS, picture)


def test_nothing_is_given_out_unverified() -> None:
    networks = Networks(
        encode=lambda image, *_: image.astype(np.float32) / 255, decode=NETWORKS[ROBUST].decode
    )
    with pytest.raises(CannotHideError, match="nothing was hidden"):
        hide.hide(networks, ROBUST, cover(), TEXT)


def counting(networks: Networks, asked: list[int]) -> Networks:
    """The same, noting how many tiles the decoder is asked for."""

    def decode(tiles: Pixels) -> np.typing.NDArray[np.float32]:
        asked.append(len(tiles))
        return networks.decode(tiles)

    return Networks(networks.encode, decode)


@pytest.mark.parametrize("seed", range(4))
def test_a_picture_without_a_text_is_not_searched_for_long(seed: int) -> None:
    asked: list[int] = []
    with pytest.raises(NoMessageError):
        hide.reveal({ROBUST: counting(NETWORKS[ROBUST], asked)}, cover(seed))
    # 16 tiles to read it, 20 candidates and noise of 4 each, twice 4 for each of 5 other sizes.
    assert sum(asked) < 16 + 4 * (20 + 1) + 4 * (2 * 5 + 1) + 16


def test_other_sizes_are_sampled_and_never_made() -> None:
    large = np.tile(cover(), (5, 6, 1))
    asked: list[int] = []
    sizes = equaliser.promising_sizes(counting(NETWORKS[ROBUST], asked).decode, large, most=2)
    assert sizes == []
    # Every size is asked for once: a few tiles of it under two candidates.
    assert set(asked) == {4, 8}
    assert len(asked) > 50


def test_the_size_before_is_found() -> None:
    hidden = hide.hide(NETWORKS[ROBUST], ROBUST, cover(), TEXT).pixels
    smaller = np.asarray(Image.fromarray(hidden).resize((192, 192), Image.Resampling.LANCZOS))
    (best, *_) = equaliser.promising_sizes(NETWORKS[ROBUST].decode, smaller, most=2)
    assert best == (256, 256)


def test_a_sample_of_a_size_is_what_the_whole_would_have() -> None:
    picture = Image.fromarray(cover())
    whole = np.asarray(picture.resize((320, 384), Image.Resampling.BICUBIC))
    sample = equaliser._resized_sample(picture, (320, 384))
    np.testing.assert_allclose(sample, equaliser._sample(whole), atol=3)
