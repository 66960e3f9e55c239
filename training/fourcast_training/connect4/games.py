"""Games played nearly perfectly from the opening book, and the scores of every position in them.

Random games end early, or one side is far ahead: balanced middle games and what the last free cells
decide, they almost never show. Here both sides mostly play a column with the best exact score. The
scores that they choose by are the labels; along a game they cost much less than for positions that
have nothing to do with each other, since the solver remembers what it found a move before.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeAlias

import numpy as np

from fourcast_models.connect4.board import COLUMNS, Board, Status, legal_columns, play, status
from fourcast_models.connect4.book import ILLEGAL
from fourcast_models.connect4.solver import Solver
from fourcast_training.connect4.openings import Positions, openings
from fourcast_training.parallel import Arrays

MISTAKES = (0.1, 0.1, 0.3, 1.0)
"""How games differ, each as likely: the share of moves that are any column. As many moves again are
any column that keeps a win won and a draw drawn, as far as that leaves any."""

Scores: TypeAlias = tuple[int | None, ...]
"""Exact scores of the seven columns, None where a stone may not be played."""

Game: TypeAlias = list[tuple[Board, Scores]]
"""The positions of a game, but for the last, in which it is over, with their scores."""


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
    return arrays_of([_nearly_perfect(solver, random, levels) for _ in range(games)], plies + 1)


def arrays_of(games: Sequence[Game], fewest: int = 0) -> Arrays:
    """The positions of games that have so many stones or more, in order of play.

    Returns:
        `mover` and `occupied` int64 [N], and `scores` int8 [N, 7], ILLEGAL where a column is full.
    """
    chosen = [(board, scores) for game in games for board, scores in game if board.plies >= fewest]
    rows = [[ILLEGAL if score is None else score for score in scores] for _, scores in chosen]
    return {
        "mover": np.array([board.mover for board, _ in chosen], dtype=np.int64),
        "occupied": np.array([board.occupied for board, _ in chosen], dtype=np.int64),
        "scores": np.array(rows, dtype=np.int8).reshape(-1, COLUMNS),
    }


def random_start(levels: Sequence[Positions], random: Random) -> Board:
    """A position of the book: the number of its stones is drawn first."""
    level = random.choice(levels)
    number = random.randrange(len(level.mover))
    return Board(mover=int(level.mover[number]), occupied=int(level.occupied[number]))


def played(solver: Solver, board: Board, choose: Callable[[Board, Scores], int]) -> Game:
    """A game from here to its end.

    Args:
        solver: Knows the scores.
        board: Where it begins.
        choose: A column for a position and its scores.
    """
    game = []
    while status(board) is Status.IN_PROGRESS:
        scores = solver.column_scores(board)
        game.append((board, scores))
        board = play(board, choose(board, scores))
    return game


def best_columns(scores: Scores) -> list[int]:
    """The columns with the best score."""
    best = max(score for score in scores if score is not None)
    return [column for column, score in enumerate(scores) if score == best]


def _nearly_perfect(solver: Solver, random: Random, levels: Sequence[Positions]) -> Game:
    start = random_start(levels, random)
    mistakes = random.choice(MISTAKES)

    def choose(board: Board, scores: Scores) -> int:
        known = {column: scores[column] or 0 for column in legal_columns(board)}
        luck = random.random()
        if luck < mistakes:
            wanted = list(known)
        elif luck < 2 * mistakes:
            best = max(known.values())
            wanted = [column for column, score in known.items() if _sign(score) == _sign(best)]
        else:
            wanted = best_columns(scores)
        return random.choice(wanted)

    return played(solver, start, choose)


def _sign(score: int) -> int:
    return (score > 0) - (score < 0)
