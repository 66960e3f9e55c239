"""How often an epoch shows each labelled position: rare ones more, easy ones less."""

import numpy as np
import numpy.typing as npt

from fourcast_models.connect4.board import CELLS
from fourcast_training.connect4.dataset import Dataset
from fourcast_training.connect4.evaluate import keeping_columns

Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

FEWEST_OF_A_PLY, MOST_REPEATS = 1 / 200, 50

LATE = 26
"""Stones from which on a position is easy: a network that has learnt for a while errs before."""

SURE = 0.002
"""A network that puts less of its policy on columns that give value away finds a position easy."""


def late(dataset: Dataset) -> Mask:
    """Which of N positions are easy for a network that is yet to be trained, bool [N]."""
    return dataset.plies >= LATE


def surely_kept(policy: npt.NDArray[np.float32], dataset: Dataset) -> Mask:
    """Which of N positions are easy for a network with this policy, float32 [N, 7]; bool [N].

    Those in which it does not err, and is not near to it. They are most: what is left to learn is
    in a few of a hundred.
    """
    spoilt = np.where(keeping_columns(dataset), 0, policy).sum(axis=1)
    easy: Mask = spoilt < SURE
    return easy


def sample(
    plies: Indices, easy: Mask, easy_share: float, generator: np.random.Generator
) -> Indices:
    """The positions of one epoch, int64, in random order; as many in every epoch.

    Args:
        plies: Stones of each of N positions, int64 [N].
        easy: Which of them are easy, bool [N].
        easy_share: Of those, the share that is drawn, above 0.
        generator: Draws them, and the order.
    """
    every = np.repeat(np.arange(len(plies)), repeats(plies))
    some = generator.permutation(every[easy[every]])
    shown = np.concatenate([every[~easy[every]], some[: round(easy_share * len(some))]])
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
