"""What pictures meet on their way, and how many texts must come back after it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance

from benchmarks.stego.peer_process import Peers
from fourcast_models.stego.codec import Pixels
from fourcast_training.stego.attacks import KERNELS, Attack, noisy, resized, saved, toned

SAMPLINGS = {"4:2:0": 2, "4:4:4": 0}
"""As Pillow numbers them."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change, and what is promised after it.

    Attributes:
        apply: Makes it.
        least: The share of texts in photographs, 0 to 1, that `robust` is to give back; None where
            it is a stretch that nothing is promised for.
        is_lossless: Whether `capacity` is promised, too, with every text.
        is_core: Whether it is measured on other pictures than photographs, too.
    """

    apply: Attack
    least: float | None
    is_lossless: bool = False
    is_core: bool = False


def changes(peers: Peers | None) -> Mapping[str, Change]:
    """By name; OpenCV's only if its process is given."""
    table = {"PNG, Pillow": Change(saved("PNG"), 0.99, is_lossless=True, is_core=True)}
    if peers is not None:
        png = _asked(peers, "save_png")
        table["PNG, OpenCV"] = Change(png, 0.99, is_lossless=True)
    for quality in (50, 75, 90):
        for name, number in SAMPLINGS.items():
            table[f"JPEG q{quality} {name}, Pillow"] = Change(
                saved("JPEG", quality=quality, subsampling=number),
                0.99,
                is_core=quality == 50 and name == "4:2:0",
            )
            if peers is not None:
                jpeg = _asked(peers, "save_jpeg", quality, name)
                table[f"JPEG q{quality} {name}, OpenCV"] = Change(jpeg, 0.99)
    table["WebP q75"] = Change(saved("WEBP", quality=75), 0.99)
    table["noise 2.5"] = Change(noisy(2.5), 0.99, is_core=True)
    for restored in (True, False):
        for scale in (0.75, 1.5, 2.0):
            for name, kernel in KERNELS.items():
                title = f"x{scale:g} {name}{', restored' if restored else ''}"
                table[title] = Change(resized(scale, kernel, restored=restored), 0.95)
    for kind in (ImageEnhance.Brightness, ImageEnhance.Contrast):
        for factor in (0.9, 1.1):
            name = f"{kind.__name__.lower()} {factor:.0%}"
            table[name] = Change(toned(kind, factor), 0.95)
    table["JPEG q30 4:2:0"] = Change(saved("JPEG", quality=30, subsampling=2), None)
    half = Image.Resampling.LANCZOS
    table["x0.5 Lanczos, restored"] = Change(resized(0.5, half, restored=True), None)
    table["x0.5 Lanczos"] = Change(resized(0.5, half, restored=False), None)
    table["10 % cropped"] = Change(_cropped, None)
    return table


def _asked(peers: Peers, function: str, *options: object) -> Attack:
    def attack(pixels: Pixels, _: np.random.Generator) -> Pixels:
        return np.asarray(peers.ask(function, pixels, *options))

    return attack


def _cropped(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """A twentieth of each side lost on each of the four sides."""
    down, across = (max(1, round(side / 20)) for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[down:-down, across:-across])
