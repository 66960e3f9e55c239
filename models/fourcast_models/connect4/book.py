"""The opening book: exact scores of all columns for every position of the first plies.

`book.npz` beside this module is NumPy's archive of two compressed arrays. It holds every position
that is not over, up to a number of plies and up to mirroring, in the order of the keys:

- `keys` int64 [N]: `board.canonical_key`;
- `values` int8 [N, 7]: the exact score of each column of that one of the two mirror images whose
  `board.key` is the canonical one, ILLEGAL where a stone may not be played.

How many plies, the keys tell. Eight plies are 129,498 positions, less than a megabyte, read in some
milliseconds; a lookup is a binary search.

``fourcast-train connect4-book`` computes it, and with ``--verify`` checks it.
"""

import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fourcast_models.connect4.board import (
    COLUMN_BITS,
    COLUMNS,
    Board,
    canonical_key,
    column_mask,
    key,
)

ILLEGAL = -128
"""Stands in `values` for a column that may not be played."""

BOOK_FILE = Path(__file__).with_name("book.npz")


class BookError(ValueError):
    """A file that should hold an opening book holds none."""


@dataclass(frozen=True)
class Book:
    """Solved openings.

    Attributes:
        keys: int64 [N], ascending.
        values: int8 [N, 7].
    """

    keys: npt.NDArray[np.int64]
    values: npt.NDArray[np.int8]

    @staticmethod
    def load(file: Path = BOOK_FILE) -> "Book":
        """Read a book.

        Raises:
            FileNotFoundError: If there is no such file.
            BookError: If it holds no book.
        """
        if not file.exists():
            raise FileNotFoundError(
                f"there is no opening book {file}: fourcast-train connect4-book computes one"
            )
        try:
            with np.load(file, allow_pickle=False) as arrays:
                return Book(keys=arrays["keys"], values=arrays["values"])
        except (KeyError, ValueError, EOFError, TypeError, zlib.error, zipfile.BadZipFile):
            raise BookError(
                f"{file} is no opening book, or a damaged one: fourcast-train connect4-book writes "
                "such files"
            ) from None

    @cached_property
    def plies(self) -> int:
        """The most stones of a position that it holds; -1 if it is empty."""
        # The highest bit of a column's seven stands just above its stones (`board.key`).
        height = np.array([number.bit_length() - 1 for number in range(1 << COLUMN_BITS)])
        columns = [self.keys >> COLUMN_BITS * column & len(height) - 1 for column in range(COLUMNS)]
        return int(height[np.array(columns)].sum(axis=0).max(initial=-1))

    def scores(self, board: Board) -> tuple[int | None, ...] | None:
        """The exact score of each of the seven columns, or None if the book lacks the position."""
        if board.plies > self.plies:
            return None
        wanted = canonical_key(board)
        place = int(np.searchsorted(self.keys, wanted))
        if place == len(self.keys) or self.keys[place] != wanted:
            return None
        row = [None if score == ILLEGAL else int(score) for score in self.values[place]]
        return tuple(row if key(board) == wanted else reversed(row))

    def score(self, board: Board) -> int | None:
        """The exact score of a position that is not over, or None if the book does not tell.

        It tells that of a position one ply beyond, too: as minus a column's score before the last
        move, whichever move that was.
        """
        scores = self.scores(board)
        if scores is not None:
            return max(score for score in scores if score is not None)
        if board.plies != self.plies + 1:
            return None
        tops = board.opponent & ~(board.occupied >> 1)
        for column in range(COLUMNS):
            last = tops & column_mask(column)
            if last:
                before = Board(mover=board.opponent ^ last, occupied=board.occupied ^ last)
                row = self.scores(before)
                score = None if row is None else row[column]
                if score is not None:
                    return -score
        return None
