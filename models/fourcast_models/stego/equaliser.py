"""What was done to a picture on its way, guessed and undone, without knowing the text.

A brighter, flatter or resized picture still carries its bits, but no longer where the decoder looks
for them: a contrast of 110 % alone moves strong coefficients by several lattice steps. So a few
tiles are shown to the decoder under many candidates, and the candidate under which it is surest is
taken for the whole picture. Where it is wrong no harm is done: what it gives is still verified.

Most pictures carry nothing. There the decoder is about as sure as it is of noise, whatever the
candidate, and what is hardly surer than noise is not looked at any further.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image

from fourcast_models.stego.codec import MAX_SIDE, MIN_SIDE, TILE, DecodeTiles, Pixels

_SAMPLES = 4
"""Tiles that are looked at."""

_MOST_TILES = 64
"""That go through the decoder in one call."""

_WORTHWHILE = 0.15
"""How far, of the way from noise to certainty, the decoder must be sure before a picture is read.
Photographs that carry nothing mostly stay below, whatever the candidate; tried out on resized,
brightened and flattened pictures, whatever could be read was far above."""

_GAINS = tuple(round(0.84 + 0.03 * i, 2) for i in range(11))
_FINE_GAINS = (-0.02, -0.01, 0.01, 0.02)
_FINEST_GAINS = (-0.006, -0.003, 0.003, 0.006)

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

_SCALES = (0.5, 2.0)
"""By which they may have to be resized to be as large as before."""

_MARGIN = 8
"""Pixels around a tile that are resized with it, so that its edges come out as in the whole."""

_Tiles = npt.NDArray[np.float32]
"""Float32 [n, height, width, 3] of 0 to 255."""


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
        (undone,) = _Prepared(pixels[None].astype(np.float32)).under(self)
        return np.asarray(undone)


@dataclass(frozen=True)
class _Prepared:
    """Tiles, or one picture, with what changes are made of.

    Attributes:
        pixels: Their pixels.
    """

    pixels: _Tiles

    @cached_property
    def detail(self) -> _Tiles:
        return self.pixels - _blurred(self.pixels)

    @cached_property
    def fine(self) -> _Tiles:
        return self.detail - _blurred(self.detail)

    def under(self, change: Change) -> Pixels:
        """Uint8 of the same shape."""
        changed = self.pixels
        if change.detail or change.fine:
            changed = changed + change.detail * self.detail + change.fine * self.fine
        if change.gain != 1:
            # Around the middle of the picture, so that as little as possible is clipped.
            middle = changed.mean(axis=(1, 2), keepdims=True)
            changed = (changed - middle) / np.float32(change.gain) + middle
        undone: Pixels = np.rint(changed.clip(0, 255)).astype(np.uint8)
        return undone


@dataclass(frozen=True, slots=True)
class Guess:
    """What was done to a picture, as far as the decoder can tell.

    Attributes:
        change: What undoes it.
        sureness: Of the decoder after that: 0 as of noise, 1 certain.
    """

    change: Change
    sureness: float

    @property
    def is_worthwhile(self) -> bool:
        """Whether the picture should be read after the change."""
        return self.sureness >= _WORTHWHILE


def surest_change(decode: DecodeTiles, pixels: Pixels) -> Guess:
    """The change under which the decoder is surest: its probabilities are far from a half.

    The search ends early where the decoder is hardly surer than of noise.
    """
    sample = _Prepared(_sample(pixels))
    noise = _noise_sureness(decode)
    candidates = [Change(gain) for gain in _GAINS]
    candidates += [Change(1.0, *shares) for shares in _SHARPENINGS]
    best = _surest(decode, sample, candidates, noise)
    if not best.is_worthwhile:
        return best
    near = [replace(best.change, gain=best.change.gain + step) for step in _FINE_GAINS]
    if best.change.gain != 1:
        near += [Change(best.change.gain, *shares) for shares in _SHARPENINGS]
    best = max(best, _surest(decode, sample, near, noise), key=_by_sureness)
    finest = [replace(best.change, gain=best.change.gain + step) for step in _FINEST_GAINS]
    return max(best, _surest(decode, sample, finest, noise), key=_by_sureness)


def promising_sizes(decode: DecodeTiles, pixels: Pixels, most: int) -> list[tuple[int, int]]:
    """Width and height that the picture may have had before it was resized, the surest first.

    Only where the decoder is surer than of noise, before any search, plain or a little sharpened.
    """
    image = Image.fromarray(pixels)
    noise = _noise_sureness(decode)
    found = []
    for size in _other_sizes(*image.size):
        sample = _Prepared(_resized_sample(image, size))
        guess = _surest(decode, sample, (Change(), Change(1.0, 0.6, 1.5)), noise)
        if guess.is_worthwhile:
            found.append((guess.sureness, size))
    return [size for _, size in sorted(found, reverse=True)[:most]]


def resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """The picture at a width and height."""
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def _other_sizes(width: int, height: int) -> list[tuple[int, int]]:
    sizes = []
    for along_width in (True, False):
        side = width if along_width else height
        low, high = (int(side * scale) for scale in _SCALES)
        for length in range(-(-low // _SIZE_STEP) * _SIZE_STEP, high + 1, _SIZE_STEP):
            scale = length / side
            size = (
                (length, round(height * scale)) if along_width else (round(width * scale), length)
            )
            if size != (width, height) and all(MIN_SIDE <= side <= MAX_SIDE for side in size):
                sizes.append(size)
    return list(dict.fromkeys(sizes))


def _surest(
    decode: DecodeTiles, sample: _Prepared, changes: Sequence[Change], noise: float
) -> Guess:
    """The best of these candidates."""
    tiles = np.concatenate([sample.under(change) for change in changes])
    values = _sureness(decode, tiles).reshape(len(changes), -1).mean(axis=1)
    guesses = [
        Guess(change, float((value - noise) / (0.5 - noise)))
        for change, value in zip(changes, values, strict=True)
    ]
    return max(guesses, key=_by_sureness)


def _by_sureness(guess: Guess) -> float:
    return guess.sureness


def _sureness(decode: DecodeTiles, tiles: Pixels) -> npt.NDArray[np.float64]:
    """How far the probabilities are from a half, on average over each tile: float64 [n]."""
    parts = [
        np.abs(decode(tiles[start : start + _MOST_TILES]) - 0.5).mean(axis=(1, 2, 3))
        for start in range(0, len(tiles), _MOST_TILES)
    ]
    return np.concatenate(parts).astype(np.float64)


def _noise_sureness(decode: DecodeTiles) -> float:
    """On tiles that carry nothing: coefficients anywhere between the points of their lattice."""
    generator = np.random.default_rng(0)
    tiles = generator.integers(0, 256, (_SAMPLES, TILE, TILE, 3), dtype=np.uint8)
    return float(_sureness(decode, tiles).mean())


def _places(down: int, across: int) -> list[tuple[int, int]]:
    """Row and column of whole tiles, evenly spaced."""
    count = min(_SAMPLES, down * across)
    numbers = (np.arange(count) * down * across + down * across // 2) // count
    return [divmod(int(number) % (down * across), across) for number in numbers]


def _sample(pixels: Pixels) -> _Tiles:
    places = _places(pixels.shape[0] // TILE, pixels.shape[1] // TILE)
    tiles = [
        pixels[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        for row, column in places
    ]
    return np.stack(tiles).astype(np.float32)


def _resized_sample(image: Image.Image, size: tuple[int, int]) -> _Tiles:
    """The sample of the resized picture; the rest of it is never made."""
    across, down = (side // TILE for side in size)
    scales = image.width / size[0], image.height / size[1]
    tiles = []
    for row, column in _places(down, across):
        corner = column * TILE, row * TILE
        starts = [max(0, start - _MARGIN) for start in corner]
        stops = [
            min(side, start + TILE + _MARGIN) for start, side in zip(corner, size, strict=True)
        ]
        box = (
            starts[0] * scales[0],
            starts[1] * scales[1],
            min(image.width, stops[0] * scales[0]),
            min(image.height, stops[1] * scales[1]),
        )
        part = image.resize(
            (stops[0] - starts[0], stops[1] - starts[1]), Image.Resampling.BICUBIC, box
        )
        left, top = corner[0] - starts[0], corner[1] - starts[1]
        tiles.append(np.asarray(part)[top : top + TILE, left : left + TILE])
    return np.stack(tiles).astype(np.float32)


def _blurred(values: _Tiles) -> _Tiles:
    """The binomial filter 1, 2, 1 down and across, edges repeated."""
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    blurred: _Tiles = (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 16
    return blurred
