"""The opening book: exact scores of all columns for every position of the first plies.

`book.npz` beside this module holds, for every position that is not over up to a number of plies
and up to mirroring, sorted by key:

- `keys` int64 [N]: `board.canonical_key`;
- `values` int8 [N, 7]: the exact score of each column of that one of the two mirror images whose
  `board.key` is the canonical one, ILLEGAL where a stone may not be played.

``fourcast-train connect4-book`` computes it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fourcast_models.connect4.board import Board, canonical_key, key

ILLEGAL = -128
"""Stands in `values` for a column that may not be played."""

BOOK_FILE = Path(__file__).with_name("book.npz")


@dataclass(frozen=True, slots=True)
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
        """
        if not file.exists():
            raise FileNotFoundError(
                f"there is no opening book {file}: fourcast-train connect4-book computes one"
            )
        with np.load(file, allow_pickle=False) as arrays:
            return Book(keys=arrays["keys"], values=arrays["values"])

    def scores(self, board: Board) -> tuple[int | None, ...] | None:
        """The exact score of each of the seven columns, or None if the book lacks the position."""
        wanted = canonical_key(board)
        place = int(np.searchsorted(self.keys, wanted))
        if place == len(self.keys) or self.keys[place] != wanted:
            return None
        row = [None if score == ILLEGAL else int(score) for score in self.values[place]]
        return tuple(row if key(board) == wanted else reversed(row))
