"""Games played nearly perfectly from the opening book, and the scores of every position in them.

Random games end early, or one side is far ahead: balanced middle games and what the last free cells
decide, they almost never show. Here both sides mostly play a column with the best exact score. The
scores that they choose by are the labels; along a game they cost much less than for positions that
have nothing to do with each other, since the solver remembers what it found a move before.
"""

from collections.abc import Sequence
from random import Random

import numpy as np

from fourcast_models.connect4.board import COLUMNS, Board, Status, legal_columns, play, status
from fourcast_models.connect4.book import ILLEGAL
from fourcast_models.connect4.solver import Solver
from fourcast_training.connect4.openings import Positions, openings
from fourcast_training.parallel import Arrays

MISTAKES = (0.1, 0.1, 0.3, 1.0)
"""How games differ, each as likely: the share of moves that are any column. As many moves again are
any column that keeps a win won and a draw drawn, as far as that leaves any."""


def game_part(solver: Solver, seed: Sequence[int], games: int, plies: int) -> Arrays:
    """The positions of some games that have more stones than those of the book, in order of play.

    A game begins in a position of the book: how many stones it has is drawn first, so that games
    from the empty board are among them.

    Args:
        solver: Knows the scores, best with the book.
        seed: Everything random follows from these numbers.
        games: How many.
        plies: The most stones of a position of the book.

    Returns:
        `mover` and `occupied` int64 [N], and `scores` int8 [N, 7], ILLEGAL where a column is full.
    """
    random = Random(repr(tuple(seed)))
    levels = openings(plies)
    boards: list[Board] = []
    rows: list[list[int]] = []
    for _ in range(games):
        for board, scores in _played(solver, random, _start(levels, random)):
            if board.plies > plies:
                boards.append(board)
                rows.append([ILLEGAL if score is None else score for score in scores])
    return {
        "mover": np.array([board.mover for board in boards], dtype=np.int64),
        "occupied": np.array([board.occupied for board in boards], dtype=np.int64),
        "scores": np.array(rows, dtype=np.int8).reshape(-1, COLUMNS),
    }


def _start(levels: Sequence[Positions], random: Random) -> Board:
    level = random.choice(levels)
    number = random.randrange(len(level.mover))
    return Board(mover=int(level.mover[number]), occupied=int(level.occupied[number]))


def _played(
    solver: Solver, random: Random, board: Board
) -> list[tuple[Board, tuple[int | None, ...]]]:
    """The positions of a game from here to its end, and the scores of their columns."""
    mistakes = random.choice(MISTAKES)
    game = []
    while status(board) is Status.IN_PROGRESS:
        scores = solver.column_scores(board)
        game.append((board, scores))
        known = {column: scores[column] or 0 for column in legal_columns(board)}
        best = max(known.values())
        luck = random.random()
        if luck < mistakes:
            wanted = list(known)
        elif luck < 2 * mistakes:
            wanted = [column for column, score in known.items() if _sign(score) == _sign(best)]
        else:
            wanted = [column for column, score in known.items() if score == best]
        board = play(board, random.choice(wanted))
    return game


def _sign(score: int) -> int:
    return (score > 0) - (score < 0)
