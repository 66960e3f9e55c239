"""Games of a network against perfect play, and the scores of every position in them.

A network meets the positions that its own moves lead to, and errs where it has not been before. So
it plays, its games are labelled, and it learns from them beside the other positions: the dataset
aggregation of Ross, Gordon and Bagnell, "A reduction of imitation learning and structured
prediction to no-regret online learning" (AISTATS 2011), with the solver as the expert.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt

from fourcast_models.connect4 import codec
from fourcast_models.connect4.board import EMPTY_BOARD, Board
from fourcast_models.connect4.book import Book
from fourcast_models.connect4.solver import Solver
from fourcast_training.connect4.data import DataConfig, process_solver
from fourcast_training.connect4.dataset import Dataset
from fourcast_training.connect4.games import (
    Game,
    Scores,
    arrays_of,
    best_columns,
    played,
    random_start,
)
from fourcast_training.connect4.openings import Bits, openings
from fourcast_training.export import open_onnx
from fourcast_training.files import write_atomically
from fourcast_training.parallel import Arrays, run_parts

GAMES_PER_PART = 50

FROM_THE_EMPTY_BOARD = 0.5
"""Share of the games; the others begin in a position of the book."""

DOUBT = 0.1
"""Share of the network's moves that are drawn from its policy, so that what it thinks second best
is seen, too; the others are its first choice."""

MOST_VISITS = 20
"""Games share their first moves: a position stands in the table as often as games went through it,
but not more often than this."""

Opinion = Callable[[Board], npt.NDArray[np.float32]]
"""A network's policy for a position, float32 [7]."""


def practise(
    network: bytes, games: int, seed: int, folder: Path, config: DataConfig, taken: Bits
) -> Dataset:
    """The positions of a network's games, with their scores.

    Those of the book are among them: it has each once, but a network must know best those that it
    meets in every game.

    Args:
        network: Content of its ONNX file.
        games: How many; the network moves first in half of them.
        seed: Everything random follows from it and the network.
        folder: Where the network and finished parts are kept.
        config: Says who plays.
        taken: Canonical keys of positions to leave out, int64 [N].
    """
    digest = hashlib.sha256(network + f"{seed} {games}".encode()).hexdigest()[:12]
    weights = folder / f"practice-{digest}.onnx"  # the workers read it there
    write_atomically(weights, lambda stream: stream.write(network))
    parts = run_parts(
        weights.with_suffix(""),
        [
            (weights, (seed, part), min(GAMES_PER_PART, games - start))
            for part, start in enumerate(range(0, games, GAMES_PER_PART))
        ],
        practice_part,
        jobs=config.jobs,
        backend=config.backend,
        description=f"playing {games} games against perfect play",
    )
    positions = Dataset(**{name: np.concatenate([one[name] for one in parts]) for name in parts[0]})
    keys = positions.positions.canonical_keys
    return positions.select((_visits_before(keys) < MOST_VISITS) & ~np.isin(keys, taken))


def practice_part(weights: Path, seed: Sequence[int], games: int) -> Arrays:
    """Some games, as `arrays_of` gives them.

    Args:
        weights: The network's ONNX file.
        seed: Everything random follows from these numbers and the weights.
        games: How many.
    """
    random = Random(repr(tuple(seed)))
    levels = openings(Book.load().plies)
    run = open_onnx(weights, threads=1)

    def opinion(board: Board) -> npt.NDArray[np.float32]:
        policy: npt.NDArray[np.float32] = run({codec.BOARD.name: codec.encode([board])})[
            codec.POLICY.name
        ][0]
        return policy

    games_played = []
    for game in range(games):
        empty = random.random() < FROM_THE_EMPTY_BOARD
        start = EMPTY_BOARD if empty else random_start(levels, random)
        games_played.append(
            practice_game(process_solver(), opinion, random, start, network_first=game % 2 == 0)
        )
    return arrays_of(games_played)


def practice_game(
    solver: Solver, opinion: Opinion, random: Random, start: Board, *, network_first: bool
) -> Game:
    """One game; who is perfect draws among the columns with the best score."""

    def choose(board: Board, scores: Scores) -> int:
        if board.first_to_move is not network_first:
            return random.choice(best_columns(scores))
        policy = opinion(board)
        if random.random() < DOUBT:
            return random.choices(range(len(policy)), policy.tolist())[0]
        return int(policy.argmax())

    return played(solver, start, choose)


def _visits_before(keys: Bits) -> Bits:
    """How often each of N keys stands before it in the list, int64 [N]."""
    order = np.argsort(keys, kind="stable")
    _, starts, counts = np.unique(keys[order], return_index=True, return_counts=True)
    visits = np.empty(len(keys), dtype=np.int64)
    visits[order] = np.arange(len(keys)) - np.repeat(starts, counts)
    return visits
