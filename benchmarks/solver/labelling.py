"""How many positions a second `fourcast-train connect4-label` labels on one core."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fourcast_models.connect4.board import Board
from fourcast_training.connect4 import data

FIRST_PLIES = (14, 12)
"""Positions of at least so many stones, in the shares of the command."""

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
    config = data.DataConfig(train=count, validation=0, test=0, first_ply=first_ply, seed=SEED)
    boards = data.sample(config)["train"]
    early = [board for board in boards if board.plies == first_ply]
    late = [board for board in boards if board.plies > first_ply]
    # Touches all memory of the process's solver: the command does that once in some hours.
    data.process_solver().forget()
    first_seconds = _seconds(early)
    return asdict(Pace(count, first_seconds + _seconds(late), len(early), first_seconds))


def _seconds(boards: list[Board]) -> float:
    start = time.process_time()
    data.label_part([board.mover for board in boards], [board.occupied for board in boards])
    return time.process_time() - start
