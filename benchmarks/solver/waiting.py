"""How long an exact analysis takes: all columns, outcome, distance and a line of perfect play."""

import time
from collections.abc import Sequence
from random import Random

from fourcast_models.connect4.board import CELLS, Board
from fourcast_models.connect4.solver import Solver
from fourcast_training.connect4.random_play import random_position

SEED = 13

PART = 500
"""Analyses between two records."""


def positions(count: int) -> list[Board]:
    """Positions of random games, as many of each number of stones, none of them over."""
    random = Random(SEED)
    return [random_position(random, CELLS - 1 - number % CELLS) for number in range(count)]


def measure_waits(boards: Sequence[Board], solver: Solver) -> list[tuple[int, float]]:
    """Stones and processor seconds of each analysis."""
    found = []
    for board in boards:
        start = time.process_time()
        solver.analyze(board)
        found.append((board.plies, time.process_time() - start))
    return found
