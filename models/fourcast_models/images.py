"""Image files from strangers: opened with a bound on their pixels, and upright."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 1 << 26
"""The largest picture, width times height: 8192 x 8192. Pillow warns of larger ones."""


class ImageError(ValueError):
    """The bytes are not an image that can be used; the text says why."""


@contextmanager
def open_upright(data: bytes, max_pixels: int) -> Iterator[Image.Image]:
    """The picture in a PNG, JPEG, WebP, GIF or BMP file, turned as its EXIF orientation says.

    What goes wrong while the picture is used inside the `with` is reported the same way, because
    Pillow decodes late.

    Args:
        data: The file.
        max_pixels: Width times height at most; looked at before anything is decoded.

    Raises:
        ImageError: If it is none of these, damaged, or too large.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "GIF", "BMP")) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise ImageError(
                    f"the image has {width} x {height} pixels: at most {max_pixels:,} are possible"
                )
            yield ImageOps.exif_transpose(image)
    except UnidentifiedImageError:
        raise ImageError("the image is not a PNG, JPEG, WebP, GIF or BMP file") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"the image is damaged: {error}") from None
