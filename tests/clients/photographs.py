"""Pictures to hide texts in, for the tests."""

import io

import numpy as np
from PIL import Image


def photograph(width: int = 192, height: int = 128, *, grain: float = 6.0) -> Image.Image:
    """Light, waves and grain."""
    rng = np.random.default_rng(width)
    y, x = np.mgrid[:height, :width]
    waves = 120 + 50 * np.sin(x / 17) + 40 * np.cos(y / 23)
    pixels = waves[..., None] + rng.normal(0, grain, (height, width, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def file_of(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    """The picture as a file."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def damaged(png: bytes, rows: slice) -> bytes:
    """The picture with noise in some rows."""
    pixels = np.asarray(Image.open(io.BytesIO(png))).copy()
    pixels[rows] = np.random.default_rng(1).integers(0, 256, pixels[rows].shape)
    return file_of(Image.fromarray(pixels))
