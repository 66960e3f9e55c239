"""How many positions a second `fourcast-train connect4-label` labels on one core."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fourcast_training.connect4 import data
from fourcast_training.connect4.openings import Positions
from fourcast_training.connect4.random_play import random_positions

FIRST_PLIES = (14, 12)
"""Positions of at least so many stones, as many of each number."""

SEED = 9


@dataclass(frozen=True, slots=True)
class Pace:
    """Some positions, and how long all their columns took.

    Attributes:
        positions: How many.
        seconds: Processor time.
        first: The same of those with the fewest stones alone.
        first_seconds: Their processor time.
    """

    positions: int
    seconds: float
    first: int
    first_seconds: float


def measure_pace(first_ply: int, count: int) -> Mapping[str, Any]:
    """Label random positions of at least `first_ply` stones, with the command's own function."""
    wanted = data.quotas(count, data.shares_of("test", first_ply))
    nothing = np.zeros(0, np.int64)
    positions = random_positions(np.random.default_rng(SEED), wanted, nothing)
    stones = np.bitwise_count(positions.occupied)
    early, late = positions.select(stones == first_ply), positions.select(stones > first_ply)
    # Touches all memory of the process's solver: the command does that once in some hours.
    data.process_solver().forget()
    first_seconds = _seconds(early)
    seconds = first_seconds + _seconds(late)
    return asdict(Pace(count, seconds, len(early.mover), first_seconds))


def _seconds(positions: Positions) -> float:
    start = time.process_time()
    data.label_part(positions.mover, positions.occupied)
    return time.process_time() - start
