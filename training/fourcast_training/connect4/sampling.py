"""How often an epoch shows each labelled position: rare ones more, easy ones less."""

import numpy as np
import numpy.typing as npt

from fourcast_models.connect4.board import CELLS

Indices = npt.NDArray[np.int64]

FEWEST_OF_A_PLY, MOST_REPEATS = 1 / 200, 50

LATE = 26
"""Stones from which on a position is easy: a network that has learnt for a while errs before."""


def sample(plies: Indices, late_share: float, generator: np.random.Generator) -> Indices:
    """The positions of one epoch, int64, in random order; as many in every epoch.

    Args:
        plies: Stones of each of N positions, int64 [N].
        late_share: Of the positions with LATE stones or more, the share that is drawn, above 0.
        generator: Draws them, and the order.
    """
    late = np.flatnonzero(plies >= LATE)
    drawn = generator.permutation(late)[: round(late_share * len(late))]
    early = np.flatnonzero(plies < LATE)
    shown = np.concatenate([np.repeat(early, repeats(plies)[early]), drawn])
    return generator.permutation(shown)


def repeats(plies: Indices) -> Indices:
    """How often each of N positions would be shown by its ply alone, int64 [N].

    There are few positions of the first plies, and every game goes through them: they come back
    until their ply has FEWEST_OF_A_PLY of N samples, but not more than MOST_REPEATS times.

    Args:
        plies: Stones of each of N positions, int64 [N].
    """
    counts = np.maximum(np.bincount(plies, minlength=CELLS), 1)
    fewest = int(FEWEST_OF_A_PLY * len(plies))
    times: Indices = np.clip(fewest // counts, 1, MOST_REPEATS)
    return times[plies]
