"""Pictures to train on: a folder of photographs, or textures made here.

A split never parts what belongs together: files whose names differ only in a number at their end
(``harbour_0.jpg``, ``harbour_1.jpg``) count as crops of one photograph. Photographs are ordered by
a hash of their name and the seed; the first go to the test split, the next to validation.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import tyro

from fourcast_models.images import ImageError
from fourcast_models.stego.codec import TILE, Pixels
from fourcast_models.stego.pictures import read_picture
from fourcast_training.stego.textures import texture

_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"))
_LARGEST_SIDE = 4096
"""Larger pictures are thinned out when they are read: training needs no more."""


@dataclass(frozen=True)
class DataConfig:
    """Which pictures, and how they are split."""

    images: Annotated[Path | None, tyro.conf.arg(aliases=("--images",))] = None
    """A folder of pictures, its subfolders included; None makes textures instead."""

    textures: int = 240
    """How many textures of 256x256 are made where there is no folder."""

    test: float = 0.6
    """Share of the photographs that only the evaluation sees. So many, because a photograph gives
    thousands of tiles to train on, but is one picture to measure on."""

    validation: float = 0.1
    """Share of the photographs that show how training goes."""

    seed: int = 5
    """Of the split and the textures."""


@dataclass(frozen=True)
class Split:
    """Some of the pictures.

    Attributes:
        names: Of the files or textures.
        pictures: Each uint8 [height, width, 3], sides from 64.
    """

    names: tuple[str, ...]
    pictures: tuple[Pixels, ...]

    @property
    def sha256(self) -> str:
        """Of all names, sizes and pixels in order."""
        digest = hashlib.sha256()
        for name, picture in zip(self.names, self.pictures, strict=True):
            digest.update(f"{name} {picture.shape}\n".encode())
            digest.update(picture.tobytes())
        return digest.hexdigest()


def load(config: DataConfig) -> dict[str, Split]:
    """The splits "train", "validation" and "test".

    Raises:
        ValueError: If the folder is missing, a file cannot be read, or a split would be empty.
    """
    if config.images is None:
        named = {
            f"texture-{number}": texture(np.random.default_rng([config.seed, number]))
            for number in range(config.textures)
        }
    else:
        named = dict(_read(config.images))
    photographs = sorted(
        {photograph_of(name) for name in named}, key=lambda name: _rank(name, config.seed)
    )
    test = max(1, round(config.test * len(photographs)))
    validation = max(1, round(config.validation * len(photographs)))
    if len(photographs) < test + validation + 1:
        raise ValueError(
            f"{len(photographs)} photographs are too few: one each is needed to train, validate "
            "and test"
        )
    chosen = {
        "test": photographs[:test],
        "validation": photographs[test : test + validation],
        "train": photographs[test + validation :],
    }
    return {part: _select(named, frozenset(members)) for part, members in chosen.items()}


def photograph_of(name: str) -> str:
    """What crops of one photograph have in common: the name without suffix and last number."""
    return re.sub(r"[_-]?\d*$", "", name.rpartition(".")[0]) if "." in name else name


def crops(
    split: Split, generator: np.random.Generator, batch: int, steps: int
) -> Iterator[npt.NDArray[np.uint8]]:
    """So many batches of crops, uint8 [batch, 64, 64, 3], half of them mirrored."""
    for _ in range(steps):
        tiles = np.empty((batch, TILE, TILE, 3), dtype=np.uint8)
        for row in range(batch):
            picture = split.pictures[generator.integers(len(split.pictures))]
            top = generator.integers(picture.shape[0] - TILE + 1)
            left = generator.integers(picture.shape[1] - TILE + 1)
            tile = picture[top : top + TILE, left : left + TILE]
            tiles[row] = tile[:, ::-1] if generator.random() < 0.5 else tile
        yield tiles


def _read(folder: Path) -> Iterator[tuple[str, Pixels]]:
    if not folder.is_dir():
        raise ValueError(f"--images {folder}: there is no such folder")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    for file in files:
        try:
            pixels = read_picture(file.read_bytes()).pixels
        except ImageError as error:
            raise ValueError(f"{file}: {error}") from None
        step = -(-max(pixels.shape[:2]) // _LARGEST_SIDE)
        pixels = pixels[::step, ::step]
        if min(pixels.shape[:2]) >= TILE:
            yield str(file.relative_to(folder)), pixels


def _rank(name: str, seed: int) -> bytes:
    """Bytes that look random but follow from the name and the seed."""
    key = seed.to_bytes(8, "little", signed=True)
    return hashlib.blake2b(name.encode(), digest_size=8, key=key).digest()


def _select(named: dict[str, Pixels], photographs: frozenset[str]) -> Split:
    names = tuple(name for name in sorted(named) if photograph_of(name) in photographs)
    return Split(names, tuple(named[name] for name in names))
