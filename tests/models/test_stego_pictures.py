"""Image files to pixels: orientation, transparency, modes, and what is refused."""

import io

import numpy as np
import pytest
from PIL import Image

from fourcast_models.images import ImageError, open_upright
from fourcast_models.stego.pictures import Picture, read_picture, write_png


def file_of(image: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


COLOURS = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)


def test_alpha_is_kept() -> None:
    alpha = np.random.default_rng(1).integers(0, 256, (70, 90), dtype=np.uint8)
    again = read_picture(write_png(Picture(COLOURS, alpha)))
    np.testing.assert_array_equal(again.pixels, COLOURS)
    assert again.alpha is not None
    np.testing.assert_array_equal(again.alpha, alpha)
    assert read_picture(write_png(Picture(COLOURS))).alpha is None


def test_orientation_is_applied_and_the_rest_dropped() -> None:
    image = Image.fromarray(COLOURS)
    exif = image.getexif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    data = file_of(image, exif=exif)
    assert b"a camera" in data
    picture = read_picture(data)
    np.testing.assert_array_equal(picture.pixels, np.rot90(COLOURS, -1))
    assert b"a camera" not in write_png(picture)
    assert len(Image.open(io.BytesIO(write_png(picture))).getexif()) == 0


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "LA", "RGBA"])
def test_every_mode_is_read_as_pillow_shows_it(mode: str) -> None:
    image = Image.fromarray(COLOURS).convert(mode)
    file_format = "JPEG" if mode == "CMYK" else "PNG"
    picture = read_picture(file_of(image, file_format))
    shown = Image.open(io.BytesIO(file_of(image, file_format))).convert("RGB")
    np.testing.assert_array_equal(picture.pixels, np.asarray(shown))
    assert (picture.alpha is not None) == (mode in ("LA", "RGBA"))


def test_a_transparent_palette_has_alpha() -> None:
    image = Image.fromarray(COLOURS).convert("P")
    picture = read_picture(file_of(image, transparency=3))
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha == 0, np.asarray(image) == 3)


def test_sixteen_bits_are_reduced_not_cut() -> None:
    grey = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    pixels = read_picture(file_of(Image.fromarray(grey))).pixels
    np.testing.assert_array_equal(pixels[..., 0], grey // 257)


def test_a_bomb_is_refused_unread() -> None:
    data = file_of(Image.new("1", (9000, 9000)))
    assert len(data) < 20_000
    with pytest.raises(ImageError, match=r"9000 x 9000 pixels: at most 67,108,864"):
        read_picture(data)


@pytest.mark.parametrize("cut", [10, 200])
def test_damaged_files_are_errors_in_words(cut: int) -> None:
    with pytest.raises(ImageError, match=r"not a PNG|damaged"):
        read_picture(file_of(Image.fromarray(COLOURS))[:cut])


def test_other_files_are_not_opened() -> None:
    with (
        pytest.raises(ImageError, match="not a PNG, JPEG, WebP, GIF or BMP"),
        open_upright(file_of(Image.fromarray(COLOURS), "TIFF"), 10_000),
    ):
        pass
