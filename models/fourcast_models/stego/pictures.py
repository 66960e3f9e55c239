"""Image files to the pixels that carry a text, and pixels to PNG.

Grey pictures and palettes become RGB, because hiding changes the three colours differently. The
alpha channel is kept as it is; grey of 16 bits is reduced to 8. The EXIF orientation is applied.
All other metadata is dropped: a picture with a hidden text should not name its camera or place.
"""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from fourcast_models.images import MAX_PIXELS, open_upright
from fourcast_models.stego.codec import Pixels


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture without metadata.

    Attributes:
        pixels: Uint8 [height, width, 3].
        alpha: Uint8 [height, width], or None if the picture has none.
    """

    pixels: Pixels
    alpha: npt.NDArray[np.uint8] | None = None


def read_picture(data: bytes, max_pixels: int = MAX_PIXELS) -> Picture:
    """The picture in a PNG, JPEG, WebP, GIF or BMP file.

    Args:
        data: The file.
        max_pixels: Of more than these, width times height, nothing is unpacked.

    Raises:
        ImageError: If it is none of these, damaged, or larger than that.
    """
    with open_upright(data, max_pixels) as upright:
        if upright.mode.startswith("I"):
            wide = np.asarray(upright).clip(0, 65535)
            image = Image.fromarray((wide // 257).astype(np.uint8))
        else:
            image = upright
        if not image.has_transparency_data:
            return Picture(np.asarray(image.convert("RGB")))
        whole = np.asarray(image.convert("RGBA"))
        return Picture(np.ascontiguousarray(whole[..., :3]), np.ascontiguousarray(whole[..., 3]))


def write_png(picture: Picture) -> bytes:
    """The picture as a PNG file without metadata."""
    whole = picture.pixels
    if picture.alpha is not None:
        whole = np.dstack([whole, picture.alpha])
    file = io.BytesIO()
    Image.fromarray(whole).save(file, "PNG")
    return file.getvalue()
