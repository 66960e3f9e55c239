"""Repeated stratified cross-validation: the same splits for every model."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedKFold

from fourcast_training.tabular.data import Floats, Labels

Places = npt.NDArray[np.int64]

FOLDS = 5
REPEATS = 20


@dataclass(frozen=True)
class Split:
    """One fold is held out.

    Attributes:
        repeat: The repeat that it belongs to, from 0.
        train: Rows to learn from, int64 [n].
        test: The other rows, int64 [m].
        labels: Of all rows in this repeat, int64 [N].
    """

    repeat: int
    train: Places
    test: Places
    labels: Labels


def repeated_splits(
    labels: Labels, *, repeats: int, seed: int, shuffled: bool = False
) -> list[Split]:
    """The splits of every repeat, in order: each repeat holds every row out once.

    Args:
        labels: Of the rows, int64 [N].
        repeats: How often the rows are dealt anew to `FOLDS` folds, the classes evenly.
        seed: Of the folds, and of the shuffling.
        shuffled: Deal the labels anew in each repeat, so that there is nothing to learn.
    """
    splits = []
    for repeat in range(repeats):
        random = np.random.default_rng([seed, repeat])
        own = random.permutation(labels) if shuffled else labels
        state = int(random.integers(1 << 31))
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=state)
        splits += [Split(repeat, train, test, own) for train, test in folds.split(own, own)]
    return splits


@dataclass(frozen=True)
class Task:
    """Learn from some rows and score others.

    Attributes:
        inputs: Of the rows to learn from, float64 [n, F], each feature with mean 0 and standard
            deviation 1.
        labels: Of those rows, int64 [n].
        asked: The other rows on the same scale, float64 [m, F].
    """

    inputs: Floats
    labels: Labels
    asked: Floats


def make_task(features: Floats, labels: Labels, train: Places, test: Places) -> Task:
    """The task of a split; mean and standard deviation are those of the training rows alone.

    Args:
        features: Of all rows, float64 [N, F].
        labels: Of all rows, int64 [N].
        train: Rows to learn from.
        test: Rows to score.
    """
    mean, deviation = features[train].mean(axis=0), features[train].std(axis=0)
    return Task(
        inputs=(features[train] - mean) / deviation,
        labels=labels[train],
        asked=(features[test] - mean) / deviation,
    )
