"""What a picture meets on its way, for measuring; by name, as functions of the pixels."""

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageEnhance

from fourcast_models.stego.codec import Pixels

Attack = Callable[[Pixels, np.random.Generator], Pixels]


def saved(file_format: str, **options: int) -> Attack:
    """Saved by Pillow and loaded."""

    def attack(pixels: Pixels, _: np.random.Generator) -> Pixels:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, file_format, **options)
        return np.asarray(Image.open(file).convert("RGB"))

    return attack


def noisy(sigma: float) -> Attack:
    """Gaussian noise with a standard deviation of so many grey levels."""

    def attack(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        noise = generator.normal(0, sigma, pixels.shape)
        changed: Pixels = np.rint((pixels + noise).clip(0, 255)).astype(np.uint8)
        return changed

    return attack


def resized(scale: float, kernel: Image.Resampling, *, restored: bool) -> Attack:
    """Resized, and back to its size with the same kernel or not."""

    def attack(pixels: Pixels, _: np.random.Generator) -> Pixels:
        image = Image.fromarray(pixels)
        size = (round(image.width * scale), round(image.height * scale))
        there = image.resize(size, kernel)
        return np.asarray(there.resize(image.size, kernel) if restored else there)

    return attack


def toned(kind: type[ImageEnhance.Brightness | ImageEnhance.Contrast], factor: float) -> Attack:
    """Brightness or contrast times a factor, as Pillow does it."""

    def attack(pixels: Pixels, _: np.random.Generator) -> Pixels:
        return np.asarray(kind(Image.fromarray(pixels)).enhance(factor))

    return attack


KERNELS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "Lanczos": Image.Resampling.LANCZOS,
}

LOSSLESS: Mapping[str, Attack] = {"PNG": saved("PNG")}

LOSSY: Mapping[str, Attack] = {
    "PNG": saved("PNG"),
    **{
        f"JPEG q{quality} {name}": saved("JPEG", quality=quality, subsampling=subsampling)
        for quality in (50, 60, 75, 90)
        for name, subsampling in (("4:2:0", 2), ("4:4:4", 0))
    },
    "WebP q75": saved("WEBP", quality=75),
    "WebP q90": saved("WEBP", quality=90),
    "noise 2.5": noisy(2.5),
    **{
        f"x{scale:g} {name}, restored": resized(scale, kernel, restored=True)
        for scale in (0.75, 1.5, 2.0)
        for name, kernel in KERNELS.items()
    },
    "x0.75 bilinear": resized(0.75, Image.Resampling.BILINEAR, restored=False),
    "x2 bicubic": resized(2.0, Image.Resampling.BICUBIC, restored=False),
    **{
        f"{name} {factor:.0%}": toned(kind, factor)
        for name, kind in (
            ("brightness", ImageEnhance.Brightness),
            ("contrast", ImageEnhance.Contrast),
        )
        for factor in (0.9, 1.1)
    },
}
