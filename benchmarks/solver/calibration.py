"""How fast this machine is: nodes a second of a search that never changes.

A plain alpha-beta search in numba, without a table, of the first plies. It shares no code with the
solver, so that it stays the same when the solver gets faster. A solver's processor seconds times
this rate are comparable between machines.
"""

import time

import numpy as np
from numba import njit

DEPTH = 14
"""Plies that are searched from the empty board."""

NODES = 14_779_879
"""So many nodes that takes; measured once, and checked in each run."""

REPEATS = 5

_BOTTOM = sum(1 << 7 * column for column in range(7))
_COLUMN = (1 << 6) - 1


@njit("int64(int64, int64, int64, int64, int64, int64[:])", cache=True)
def _search(
    mover: int, occupied: int, depth: int, alpha: int, beta: int, nodes: "np.ndarray"
) -> int:
    nodes[0] += 1
    opponent = mover ^ occupied
    for step in (1, 6, 7, 8):
        pairs = opponent & (opponent >> step)
        if pairs & (pairs >> 2 * step):
            return -depth - 1
    if depth == 0:
        return 0
    best = -99
    for column in (3, 2, 4, 1, 5, 0, 6):
        cell = (occupied + _BOTTOM) & (_COLUMN << 7 * column)
        if cell == 0:
            continue
        score = -_search(mover ^ occupied, occupied | cell, depth - 1, -beta, -alpha, nodes)
        best = max(best, score)
        alpha = max(alpha, score)
        if alpha >= beta:
            break
    return best


def node_rate(depth: int = DEPTH) -> float:
    """Nodes a processor second, the best of some repeats.

    Raises:
        RuntimeError: If the search is not the one that is meant.
    """
    rates = []
    for _ in range(REPEATS):
        nodes = np.zeros(1, dtype=np.int64)
        start = time.process_time()
        _search(0, 0, depth, -99, 99, nodes)
        rates.append(int(nodes[0]) / (time.process_time() - start))
        if depth == DEPTH and nodes[0] != NODES:
            raise RuntimeError(f"the calibration searched {nodes[0]} nodes, not {NODES}")
    return max(rates)
