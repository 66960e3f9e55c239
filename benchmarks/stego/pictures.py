"""The pictures that texts are hidden in: photographs not trained on, and harder ones made here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fourcast_models.stego.codec import Pixels
from fourcast_training.stego.data import DataConfig, Split, load, photograph_of
from fourcast_training.stego.textures import texture

PHOTOGRAPHS, QUARTERS = "photographs", "quarters"
"""Sets after which every change is tried, the second with other methods left out."""

SIDE, QUARTER = 256, 128
"""Larger pictures are cut into squares of this side; the second set into these."""

_COLOURS = (0, 255, 128, 1, 254, 64, 192, 20)
"""Grey levels of the flat pictures; every second one is tinted."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What is measured on.

    Attributes:
        sets: By name, the photographs first.
        training: Photographs that a detector may learn from; none of them is in `sets`.
        photographs: How many different ones the first set's pictures are cut from.
    """

    sets: Mapping[str, Split]
    training: Split
    photographs: int


def load_pictures(folder: Path | None, *, most: int, seed: int) -> Pictures:
    """All sets.

    Args:
        folder: Of photographs, of which the test split is measured on; None makes textures in their
            place.
        most: Pictures of a set at most, evenly spaced.
        seed: Of what is made here.

    Raises:
        ValueError: If the folder cannot be used.
    """
    splits = load(DataConfig(images=folder))
    test = splits["test"]
    made = [texture(np.random.default_rng([seed, number])) for number in range(20)]
    flat = [np.full((SIDE, SIDE, 3), level, dtype=np.uint8) for level in _COLOURS]
    for picture in flat[1::2]:
        picture[..., 2] = 255 - picture[..., 2]
    small = _tiled(test, 64)
    sets = {
        PHOTOGRAPHS: _tiled(test, SIDE),
        QUARTERS: _tiled(test, QUARTER),
        "synthetic": _named("synthetic", made),
        "flat": _named("flat", flat),
        "saturated": _named("saturated", [_stretched(picture) for picture in made]),
        "tiny": Split(small.names[::7], small.pictures[::7]),
    }
    thinned = {name: _thinned(split, most) for name, split in sets.items()}
    originals = {photograph_of(name.rpartition("@")[0]) for name in thinned[PHOTOGRAPHS].names}
    return Pictures(
        sets=thinned,
        training=_thinned(_tiled(splits["train"], SIDE), 2 * most),
        photographs=len(originals),
    )


def _named(kind: str, pictures: list[Pixels]) -> Split:
    return Split(tuple(f"{kind}-{number}" for number in range(len(pictures))), tuple(pictures))


def _stretched(picture: Pixels) -> Pixels:
    """With so much contrast that much of it is black or white."""
    changed: Pixels = (128 + 4.0 * (picture.astype(np.float64) - 128)).clip(0, 255).astype(np.uint8)
    return changed


def _tiled(split: Split, side: int) -> Split:
    """Cut into squares; what is smaller stays as it is."""
    names, tiles = [], []
    for name, picture in zip(split.names, split.pictures, strict=True):
        height, width = picture.shape[:2]
        for top in range(0, max(1, height - side + 1), side):
            for left in range(0, max(1, width - side + 1), side):
                names.append(f"{name}@{left},{top}")
                tiles.append(np.ascontiguousarray(picture[top : top + side, left : left + side]))
    return Split(tuple(names), tuple(tiles))


def _thinned(split: Split, most: int) -> Split:
    count = min(most, len(split.names))
    places = np.linspace(0, len(split.names) - 1, count).round().astype(int)
    return Split(
        tuple(split.names[place] for place in places),
        tuple(split.pictures[place] for place in places),
    )
