"""Positions with the exact score of each column, as arrays."""

import hashlib
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fourcast_models.connect4.board import COLUMNS, board_of_key
from fourcast_models.connect4.book import Book
from fourcast_training.connect4.openings import Bits, Positions, positions_of


@dataclass(frozen=True)
class Dataset:
    """A labelled split.

    Attributes:
        mover: int64 [N].
        occupied: int64 [N].
        scores: int8 [N, 7].
    """

    mover: npt.NDArray[np.int64]
    occupied: npt.NDArray[np.int64]
    scores: npt.NDArray[np.int8]

    @property
    def sha256(self) -> str:
        """The hash of all arrays, in hexadecimal."""
        digest = hashlib.sha256()
        for array in (self.mover, self.occupied, self.scores):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @property
    def plies(self) -> npt.NDArray[np.int64]:
        """Stones on the board, int64 [N], 0 to 41."""
        return np.bitwise_count(self.occupied).astype(np.int64)

    @property
    def positions(self) -> Positions:
        """The positions without their scores."""
        return Positions(self.mover, self.occupied)

    def select(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.intp] | slice) -> "Dataset":
        """The positions where a mask is true, those with these numbers, or a part of them."""
        return Dataset(self.mover[chosen], self.occupied[chosen], self.scores[chosen])


def read_dataset(file: Path) -> Dataset:
    """The positions in a file.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return Dataset(**arrays)
    except (ValueError, TypeError, EOFError, zlib.error, zipfile.BadZipFile):
        raise ValueError(f"{file} is damaged: delete it") from None


def joined_datasets(datasets: Sequence[Dataset]) -> Dataset:
    """Some datasets, perhaps none, as one."""
    return Dataset(
        mover=np.concatenate([np.zeros(0, np.int64), *(one.mover for one in datasets)]),
        occupied=np.concatenate([np.zeros(0, np.int64), *(one.occupied for one in datasets)]),
        scores=np.concatenate([np.zeros((0, COLUMNS), np.int8), *(one.scores for one in datasets)]),
    )


def rest_of_the_book(first_ply: int, taken: Bits) -> Dataset:
    """All positions of the opening book but some: they are solved already.

    Args:
        first_ply: Positions of fewer stones are left out.
        taken: Canonical keys of others to leave out, int64 [N].
    """
    book = Book.load()
    rest = ~np.isin(book.keys, taken)
    positions = positions_of([board_of_key(int(key)) for key in book.keys[rest]])
    dataset = Dataset(positions.mover, positions.occupied, book.values[rest])
    return dataset.select(dataset.plies >= first_ply)
