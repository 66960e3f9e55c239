"""The network of three hidden layers as it is really used: recipe chosen, trained, calibrated.

Everything is made of the training rows. They are split in three; networks that learnt from two
parts score the third; these scores choose the recipe and fit two numbers that turn a logit into a
probability. Then a network learns from all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from fourcast_training.tabular.data import Floats, Labels
from fourcast_training.tabular.folds import Task, make_task
from fourcast_training.tabular.networks import Recipe, score_tasks

HIDDEN = (102, 102, 102)

USUAL = Recipe(HIDDEN, kinks=1.0, l1=3e-4, l2=1e-2, rate=1e-2, steps=50)
"""Where nothing is chosen."""

RECIPES = (USUAL, replace(USUAL, kinks=0.0), replace(USUAL, l2=3e-2))
"""What a training part chooses from."""

SMALL = Recipe((8,), kinks=1.0, l1=0.0, l2=1e-2, rate=3e-2, steps=200)
"""The small network, beside it."""

_INNER_FOLDS = 3


@dataclass(frozen=True)
class Calibration:
    """J. Platt, "Probabilistic outputs for support vector machines" (1999): sigmoid(a z + b)."""

    slope: float
    intercept: float

    def probabilities(self, logits: Floats) -> Floats:
        """Of class 1, in the shape of the logits."""
        return 1 / (1 + np.exp(-(self.slope * logits + self.intercept)))


@dataclass(frozen=True)
class Plan:
    """What training rows say about how to learn from them."""

    recipe: Recipe
    calibration: Calibration


def make_plans(tasks: Sequence[Task], seed: int) -> list[Plan]:
    """Recipe and calibration for each task, from its training rows alone."""
    splits = [
        [
            (make_task(task.inputs, task.labels, train, test), test)
            for train, test in StratifiedKFold(_INNER_FOLDS, shuffle=True, random_state=seed).split(
                task.inputs, task.labels
            )
        ]
        for task in tasks
    ]
    inner = [part for parts in splits for part, _ in parts]
    plans: list[Plan] = []
    scores = [score_tasks(inner, recipe, seed) for recipe in RECIPES]
    for number, (task, parts) in enumerate(zip(tasks, splits, strict=True)):
        tried = []
        for recipe, found in zip(RECIPES, scores, strict=True):
            logits = np.empty(len(task.labels))
            for place, (_, test) in enumerate(parts):
                logits[test] = found[number * _INNER_FOLDS + place]
            calibration = _calibrate(logits, task.labels)
            loss = log_loss(task.labels, calibration.probabilities(logits))
            tried.append((loss, Plan(recipe, calibration)))
        plans.append(min(tried, key=lambda pair: pair[0])[1])
    return plans


def ask_planned(tasks: Sequence[Task], seed: int) -> list[Floats]:
    """Plan, train and ask a network for each task: probabilities of class 1, float64 [m]."""
    plans = make_plans(tasks, seed)
    found: dict[int, Floats] = {}
    for recipe in RECIPES:
        numbers = [number for number, plan in enumerate(plans) if plan.recipe == recipe]
        scores = score_tasks([tasks[number] for number in numbers], recipe, seed)
        for number, logits in zip(numbers, scores, strict=True):
            found[number] = plans[number].calibration.probabilities(logits)
    return [found[number] for number in range(len(tasks))]


def _calibrate(logits: Floats, labels: Labels) -> Calibration:
    fit = LogisticRegression().fit(logits[:, None], labels)
    return Calibration(float(fit.coef_[0, 0]), float(fit.intercept_[0]))
