"""Perfect play: exact scores of a position and of each of its columns.

Scores are for the side to move: 0 is a draw; a win scores 22 minus the number of stones that the
winner will have played (18 for its 4th, 1 for its 21st); a loss is minus the opponent's score.

The search itself is compiled (`kernel`). Run ``python -m fourcast_models.connect4.solver`` once to
compile it and keep the result on disk; otherwise the first import does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from fourcast_models.connect4 import kernel
from fourcast_models.connect4.board import (
    COLUMNS,
    Board,
    Status,
    legal_columns,
    play,
    status,
)
from fourcast_models.connect4.book import Book

HIGHEST_SCORE = kernel.HALF - 4
"""The score of a win with the 4th stone; minus it is the lowest score."""

CENTRE_FIRST = (3, 2, 4, 1, 5, 0, 6)
"""Columns from the middle outwards, the left one of a pair first."""


class SearchStopped(Exception):  # noqa: N818  # a signal, not an error: somebody called stop()
    """The search ended without an answer because `Solver.stop` was called."""


class Outcome(Enum):
    """How a game ends under perfect play, for the side to move."""

    WIN = "win"
    DRAW = "draw"
    LOSS = "loss"


@dataclass(frozen=True, slots=True)
class Analysis:
    """The truth about a position.

    Attributes:
        scores: Exact score of each of the seven columns, None where a stone may not be played.
        best: The columns (0 to 6, ascending) with the highest score; empty when the game is over.
        score: Exact score of the position, -18 to 18.
        outcome: How the game ends.
        distance: Plies to the end: 0 when it is over, the empty cells for a draw, otherwise up to
            and including the winning stone.
        variation: A line of perfect play to the end, columns 0 to 6.
        from_book: Whether the scores were looked up rather than searched.
    """

    scores: tuple[int | None, ...]
    best: tuple[int, ...]
    score: int
    outcome: Outcome
    distance: int
    variation: tuple[int, ...]
    from_book: bool


class Solver:
    """An exact solver with a transposition table that is kept from call to call.

    Not thread-safe: one call at a time, except `stop`, which any thread may call. The search
    releases the interpreter lock.
    """

    def __init__(self, *, table_mebibytes: int = 128, book: Book | None = None) -> None:
        """Take memory for the table and an opening book to look up before searching.

        Args:
            table_mebibytes: Size of the table, a power of two, at least 1.
            book: Solved openings; without one the empty board takes a minute or two.

        Raises:
            ValueError: If the size is not a power of two.
        """
        if table_mebibytes < 1 or table_mebibytes & (table_mebibytes - 1):
            raise ValueError(
                f"table_mebibytes must be a power of two (64, 128, ...), not {table_mebibytes}"
            )
        self._book = book
        self._table = np.zeros(table_mebibytes * (1 << 20) // 8, dtype=np.int64)
        self._tag_bits = kernel.KEY_BITS + 1 - (len(self._table).bit_length() - 1)
        self._counters = np.zeros(kernel.COUNTERS, dtype=np.int64)
        self._scratch = np.zeros(kernel.SCRATCH_WORDS, dtype=np.int64)
        # Kept, because numpy takes longer to tell an address than many a search takes.
        self._memory = (
            self._counters.ctypes.data,
            self._scratch.ctypes.data,
            self._table.ctypes.data,
            self._tag_bits,
        )

    @property
    def nodes(self) -> int:
        """Nodes searched since this solver was made."""
        return int(self._counters[kernel.NODES])

    def forget(self) -> None:
        """Empty the table, as if nothing had been solved yet."""
        self._table[:] = 0
        self._scratch[:] = 0

    def stop(self) -> None:
        """End the running search, if there is one: its caller gets `SearchStopped`."""
        self._counters[kernel.STOP] = 1

    def score(self, board: Board) -> int:
        """The exact score of a position, over or not.

        Raises:
            SearchStopped: If `stop` was called meanwhile.
        """
        self._counters[kernel.STOP] = 0
        return self._score(board)

    def column_scores(self, board: Board) -> tuple[int | None, ...]:
        """The exact score of each of the seven columns, None where a stone may not be played.

        Raises:
            SearchStopped: If `stop` was called meanwhile.
        """
        self._counters[kernel.STOP] = 0
        return self._column_scores(board)

    def best_column(self, board: Board) -> int:
        """The most central of the columns with the best score; cheaper than scoring all columns.

        Raises:
            SearchStopped: If `stop` was called meanwhile.
            ValueError: If the game is over.
        """
        self._counters[kernel.STOP] = 0
        legal = [column for column in CENTRE_FIRST if column in legal_columns(board)]
        if not legal:
            raise ValueError(f"the game is over ({status(board).value})")
        best = self._score(board)
        for column in legal[:-1]:
            if self._is_at_least(play(board, column), best):
                return column
        return legal[-1]

    def keeping_column(self, board: Board, columns: Sequence[int]) -> int | None:
        """The first of some legal columns that wins; if none does, the first that draws.

        Much cheaper than scores: it asks how the game ends, not when.

        Returns:
            The column, or None if all of them lose.

        Raises:
            SearchStopped: If `stop` was called meanwhile.
        """
        self._counters[kernel.STOP] = 0
        for score in (1, 0):
            for column in columns:
                if self._is_at_least(play(board, column), score):
                    return column
        return None

    def forced_scores(self, board: Board, horizon: int) -> tuple[int | None, ...]:
        """Like `column_scores`, but seeing only what is forced within `horizon` plies, else 0.

        Takes milliseconds for a horizon up to about 12, the stone in the column included.
        """
        last_ply = board.plies + horizon

        def forced(child: Board) -> int:
            if status(child) is not Status.IN_PROGRESS:
                return finished_score(child)
            return int(
                kernel.forced_score(
                    child.mover, child.occupied, -kernel.HALF, kernel.HALF, last_ply
                )
            )

        legal = legal_columns(board)
        return tuple(
            -forced(play(board, column)) if column in legal else None for column in range(COLUMNS)
        )

    def analyze(self, board: Board) -> Analysis:
        """Everything about a position: scores, outcome, distance and a line of perfect play.

        Raises:
            SearchStopped: If `stop` was called meanwhile.
        """
        self._counters[kernel.STOP] = 0
        scores = self._column_scores(board)
        known = [score for score in scores if score is not None]
        score = max(known) if known else finished_score(board)
        if score > 0:
            outcome = Outcome.WIN
        else:
            outcome = Outcome.LOSS if score < 0 else Outcome.DRAW
        variation = self._variation(board, score)
        return Analysis(
            scores=scores,
            best=tuple(column for column, value in enumerate(scores) if known and value == score),
            score=score,
            outcome=outcome,
            distance=len(variation),
            variation=variation,
            from_book=self._book is not None and self._book.scores(board) is not None,
        )

    def _column_scores(self, board: Board) -> tuple[int | None, ...]:
        if self._book is not None and (known := self._book.scores(board)) is not None:
            return known
        scores: list[int | None] = [None] * COLUMNS
        legal = legal_columns(board)
        for column in CENTRE_FIRST:
            if column in legal:
                scores[column] = -self._score(play(board, column))
        return tuple(scores)

    def _score(self, board: Board) -> int:
        if self._book is not None and (known := self._book.score(board)) is not None:
            return known
        return self._searched(board, -kernel.HALF, kernel.HALF)

    def _is_at_least(self, child: Board, score: int) -> bool:
        """Whether playing into this child scores at least `score`, by one null-window search."""
        known = None if self._book is None else self._book.score(child)
        if known is None:
            known = self._searched(child, -score, 1 - score)
        return -known >= score

    def _searched(self, board: Board, alpha: int, beta: int) -> int:
        score: int = kernel.solve(board.mover, board.occupied, alpha, beta, *self._memory)
        if score == kernel.STOPPED:
            raise SearchStopped
        return score

    def _variation(self, board: Board, score: int) -> tuple[int, ...]:
        """Play on with the most central column that keeps the score, until the game is over."""
        line: list[int] = []
        while legal := legal_columns(board):
            keeping = (
                column
                for column in CENTRE_FIRST
                if column in legal and self._is_at_least(play(board, column), score)
            )
            line.append(next(keeping))
            board = play(board, line[-1])
            score = -score
        return tuple(line)


def finished_score(board: Board) -> int:
    """The score of a game that is over: 0, or the loss of the side to move."""
    if status(board) is Status.DRAW:
        return 0
    return board.opponent.bit_count() - kernel.HALF


if __name__ == "__main__":
    Solver(table_mebibytes=1)
    print("fourcast: the Connect-4 solver is compiled and kept in numba's cache")
