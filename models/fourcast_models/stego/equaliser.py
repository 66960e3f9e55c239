"""What was done to a picture on its way, guessed and undone, without knowing the text.

A brighter, flatter or resized picture still carries its bits, but no longer where the decoder looks
for them: a contrast of 110 % alone moves strong coefficients by several lattice steps. So a few
tiles are shown to the decoder under many candidates, and the candidate under which it is surest is
taken for the whole picture. Where it is wrong no harm is done: what it gives is still verified.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from fourcast_models.stego.codec import MAX_SIDE, MIN_SIDE, TILE, DecodeTiles, Pixels, split

_SAMPLES = 4
"""Tiles that are looked at."""

_GAINS = tuple(round(0.84 + 0.01 * i, 2) for i in range(33))
_FINE_GAINS = (-0.006, -0.003, 0.003, 0.006)

_SHARPENINGS = (
    (0.0, 1.0),
    (0.2, 1.5),
    (0.6, 0.5),
    (0.6, 1.5),
    (0.8, 2.0),
    (1.3, 1.0),
    (1.3, 2.0),
    (2.0, 2.5),
    (0.8, -0.5),
)
"""Shares of the detail and of the detail's detail that are added; found by trying out on
photographs that were resized by 0.75 to 2 with three kernels and back."""

_SIZE_STEP = 64
"""Pictures whose size was not restored are tried at sizes whose width or height is a multiple."""

_SCALES = (0.5, 1.36)
"""By which they may have to be resized to be as large as before."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to a picture before it is decoded.

    Attributes:
        gain: Contrast by which it is divided.
        detail: Share of its detail that is added.
        fine: Share of the detail of its detail that is added.
    """

    gain: float = 1.0
    detail: float = 0.0
    fine: float = 0.0

    def apply(self, pixels: Pixels) -> Pixels:
        """The picture, undone: uint8 of the same shape."""
        changed = pixels.astype(np.float32)
        if self.detail or self.fine:
            detail = changed - _blurred(changed)
            changed += self.detail * detail + self.fine * (detail - _blurred(detail))
        if self.gain != 1:
            # Around the middle of the picture, so that as little as possible is clipped.
            middle = changed.mean(axis=(0, 1), keepdims=True)
            changed = (changed - middle) / np.float32(self.gain) + middle
        undone: Pixels = np.rint(changed.clip(0, 255)).astype(np.uint8)
        return undone


def surest_change(decode: DecodeTiles, pixels: Pixels) -> Change:
    """The change under which the decoder is surest: its probabilities are far from a half."""
    sample = _sample(pixels)

    def sureness(change: Change) -> float:
        return _sureness(decode, sample, change)

    candidates = [Change(gain) for gain in _GAINS]
    candidates += [Change(1.0, detail, fine) for detail, fine in _SHARPENINGS]
    scores = {candidate: sureness(candidate) for candidate in candidates}
    best = max(scores, key=scores.__getitem__)
    near = [replace(best, gain=best.gain + step) for step in _FINE_GAINS]
    if best.gain != 1:
        near += [replace(best, detail=detail, fine=fine) for detail, fine in _SHARPENINGS]
    else:
        near += [replace(best, gain=gain) for gain in (0.97, 0.98, 0.99, 1.01, 1.02, 1.03)]
    scores |= {candidate: sureness(candidate) for candidate in near}
    return max(scores, key=scores.__getitem__)


def first_sureness(decode: DecodeTiles, pixels: Pixels) -> float:
    """How sure the decoder is of a picture before any search, plain or a little sharpened."""
    sample = _sample(pixels)
    return max(_sureness(decode, sample, change) for change in (Change(), Change(1.0, 0.6, 1.5)))


def other_sizes(pixels: Pixels) -> Iterator[Pixels]:
    """The picture at the sizes that it may have had before it was resized."""
    height, width = pixels.shape[:2]
    sizes = []
    for along_width in (True, False):
        side = width if along_width else height
        low, high = (int(side * scale) for scale in _SCALES)
        for length in range(-(-low // _SIZE_STEP) * _SIZE_STEP, high + 1, _SIZE_STEP):
            scale = length / side
            size = (
                (length, round(height * scale)) if along_width else (round(width * scale), length)
            )
            if size != (width, height) and size not in sizes:
                sizes.append(size)
    for across, down in sizes:
        if MIN_SIDE <= across <= MAX_SIDE and MIN_SIDE <= down <= MAX_SIDE:
            resized = Image.fromarray(pixels).resize((across, down), Image.Resampling.BICUBIC)
            yield np.asarray(resized)


def _sureness(decode: DecodeTiles, sample: list[Pixels], change: Change) -> float:
    changed = np.concatenate([change.apply(tile) for tile in sample])
    return float(np.abs(decode(split(changed, TILE)) - 0.5).mean())


def _sample(pixels: Pixels) -> list[Pixels]:
    """Whole tiles, evenly spaced."""
    down, across = pixels.shape[0] // TILE, pixels.shape[1] // TILE
    count = min(_SAMPLES, down * across)
    numbers = (np.arange(count) * down * across + down * across // 2) // count
    corners = [divmod(int(number) % (down * across), across) for number in numbers]
    return [
        pixels[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        for row, column in corners
    ]


def _blurred(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The binomial filter 1, 2, 1 down and across, edges repeated."""
    padded = np.pad(values, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    blurred: npt.NDArray[np.float32] = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 16
    return blurred
