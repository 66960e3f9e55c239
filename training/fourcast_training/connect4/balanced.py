"""Positions of games that are played nearly perfectly, from starts in which neither side is ahead.

Random games end early, or one side is far ahead: what is decided by the last free cells, they
almost never show. Here both sides play a column with the best exact score, and now and then any.
"""

from random import Random

import numpy as np

from fourcast_models.connect4.board import (
    CELLS,
    Board,
    Status,
    legal_columns,
    play,
    status,
)
from fourcast_models.connect4.solver import Solver
from fourcast_training.connect4.random_play import random_position
from fourcast_training.parallel import Arrays

FIRST_START, STARTS = 12, 6
"""Random stones before the play: 12 to 17. With fewer, to solve the first moves takes long."""

CLOSE = 3
"""Starts score from minus to plus this: a draw, or decided with one of the last stones."""

MISTAKES = 0.1
"""Share of the moves that are any legal column."""


def play_games(
    solver: Solver, seed: tuple[int, int], games: int, first_ply: int
) -> tuple[list[Board], list[int]]:
    """One position of each of some games, none of them over, and the score of its start.

    Args:
        solver: Knows the best columns.
        seed: Everything random follows from these numbers.
        games: How many.
        first_ply: No start and no position has fewer stones than this.
    """
    random = Random(repr(seed))
    boards: list[Board] = []
    starts: list[int] = []
    while len(boards) < games:
        stones = max(FIRST_START, first_ply) + random.randrange(STARTS)
        start = random_position(random, stones)
        score = solver.score(start)
        if abs(score) <= CLOSE:
            boards.append(_played_on(solver, random, start))
            starts.append(score)
    return boards, starts


def balanced_part(solver: Solver, seed: tuple[int, int], games: int, first_ply: int) -> Arrays:
    """`play_games` as arrays: `mover` and `occupied` int64 [games]."""
    boards, _ = play_games(solver, seed, games, first_ply)
    return {
        "mover": np.array([board.mover for board in boards], dtype=np.int64),
        "occupied": np.array([board.occupied for board in boards], dtype=np.int64),
    }


def _played_on(solver: Solver, random: Random, board: Board) -> Board:
    """A position of the game from here on: the one at a random ply, or the last before the end."""
    last_ply = random.randrange(board.plies, CELLS)
    while board.plies < last_ply:
        legal = legal_columns(board)
        if random.random() < MISTAKES:
            column = random.choice(legal)
        else:
            scores = solver.column_scores(board)
            best = max(score for score in scores if score is not None)
            column = random.choice([column for column in legal if scores[column] == best])
        child = play(board, column)
        if status(child) is not Status.IN_PROGRESS:
            break
        board = child
    return board
