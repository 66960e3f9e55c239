"""Positions of games of uniformly random moves."""

from random import Random

import numpy as np
import numpy.typing as npt

from fourcast_models.connect4.board import (
    BOTTOM_ROW,
    CELLS,
    COLUMNS,
    EMPTY_BOARD,
    FULL_BOARD,
    Board,
    Status,
    column_mask,
    legal_columns,
    play,
    status,
)
from fourcast_training.connect4.openings import Bits, Positions, have_four, joined

GAMES_AT_ONCE = 16384


def random_position(random: Random, stones: int) -> Board:
    """A position of so many stones (0 to 41) that is not over, from uniformly random moves."""
    while True:
        board = EMPTY_BOARD
        while board.plies < stones and status(board) is Status.IN_PROGRESS:
            board = play(board, random.choice(legal_columns(board)))
        if board.plies == stones and status(board) is Status.IN_PROGRESS:
            return board


def random_positions(
    rng: np.random.Generator, wanted: npt.NDArray[np.int64], taken: Bits
) -> Positions:
    """One position each of many games: none over, no two equal or mirrored, in random order.

    Args:
        rng: Everything random comes from here.
        wanted: How many positions of each ply, int64 [42].
        taken: Canonical keys of positions that may not be among them.
    """
    open_places = wanted.copy()
    # Sorted, to look keys up in it: there may be millions.
    taken = np.sort(taken)
    found: list[Positions] = []
    while open_places.any():
        mover, occupied, lengths = _random_games(rng, GAMES_AT_ONCE)
        # From each game one of the plies that are still wanted and that it reached, if any.
        useful = (open_places > 0)[:, None] & (np.arange(CELLS)[:, None] < lengths)
        plies = np.where(useful, rng.random(useful.shape), -1.0).argmax(axis=0)
        games = np.flatnonzero(useful.any(axis=0))
        drawn = Positions(mover[plies[games], games], occupied[plies[games], games])
        keys = drawn.canonical_keys
        first = np.zeros(len(keys), dtype=bool)
        first[np.unique(keys, return_index=True)[1]] = True
        new = first & ~_is_in(keys, taken)
        for ply in np.flatnonzero(open_places):
            of_ply = np.flatnonzero(new & (plies[games] == ply))
            new[of_ply[open_places[ply] :]] = False
            open_places[ply] -= min(len(of_ply), open_places[ply])
        found.append(drawn.select(new))
        # The stable sort merges what is sorted already.
        taken = np.sort(np.concatenate([taken, np.sort(keys[new])]), kind="stable")
    everything = joined(found)
    return everything.select(rng.permutation(len(everything.mover)))


def _is_in(keys: Bits, sorted_keys: Bits) -> npt.NDArray[np.bool_]:
    """Which of N keys stand in a sorted list, bool [N]."""
    left, right = (np.searchsorted(sorted_keys, keys, side=side) for side in ("left", "right"))
    return left < right


def _random_games(rng: np.random.Generator, games: int) -> tuple[Bits, Bits, npt.NDArray[np.int64]]:
    """Games of uniformly random moves, all at once.

    Returns:
        `mover` and `occupied` int64 [42, games], the position of each game at each ply, and the
        number of positions of each game before it is over, int64 [games]; later rows mean nothing.
    """
    mover = np.zeros((CELLS, games), dtype=np.int64)
    occupied = np.zeros((CELLS, games), dtype=np.int64)
    lengths = np.full(games, CELLS)
    columns = np.array([column_mask(column) for column in range(COLUMNS)])[:, None]
    for ply in range(CELLS - 1):
        cells = (occupied[ply] + BOTTOM_ROW) & FULL_BOARD & columns
        chosen = np.where(cells != 0, rng.random(cells.shape), -1.0).argmax(axis=0)
        occupied[ply + 1] = occupied[ply] | cells[chosen, np.arange(games)]
        mover[ply + 1] = mover[ply] ^ occupied[ply]
        won = have_four(mover[ply + 1] ^ occupied[ply + 1])
        lengths[won] = np.minimum(lengths[won], ply + 1)
    return mover, occupied, lengths
