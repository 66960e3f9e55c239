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


def hills(width: int = 480, height: int = 320) -> Image.Image:
    """A sky with a low sun, three rows of hills, and grain."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:height, :width] / height
    sky = np.stack([240 - 90 * y, 190 - 20 * y, 150 + 60 * y], axis=-1)[::-1]
    glow = np.exp(-12 * ((x - 1.05) ** 2 + (y - 0.38) ** 2))[..., None]
    pixels = sky + glow * (90, 70, 10)
    for row, colour in enumerate(((150, 130, 150), (95, 105, 120), (45, 70, 75))):
        top = 0.5 + 0.16 * row + 0.07 * np.sin(5 * x + 2 * row) + 0.03 * np.sin(13 * x + 5 * row)
        pixels = np.where(
            (y > top)[..., None], np.array(colour) - 40 * (y - top)[..., None], pixels
        )
    pixels = pixels + rng.normal(0, 4, (height, width, 3))
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
