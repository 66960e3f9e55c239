"""Four ways to the 23 parameters: the stochastic gradient in three samplings, and least squares."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import least_squares
from tqdm import tqdm

from fourcast_training.oil.backpropagation import PARAMETERS, Floats, Order, cost, outputs, walk

Sampling = Literal["replacement", "shuffled", "mini_batch"]
Method = Literal["least_squares", Sampling]

_CHUNK = 1000
"""Steps between two looks at the cost; whole epochs of ten points."""

_INITIAL_SCALE = 0.5
"""Standard deviation of the first parameters, as in the paper's own program."""


@dataclass(frozen=True)
class Descent:
    """Where a descent ended.

    Attributes:
        parameters: Float64 [23].
        costs: The cost after every thousand steps.
    """

    parameters: Floats
    costs: Floats


def initial_parameters(seed: int) -> Floats:
    """Normal numbers around zero, float64 [23]."""
    return _INITIAL_SCALE * np.random.default_rng(seed).standard_normal(PARAMETERS)


def descend(
    points: Floats,
    targets: Floats,
    sampling: Sampling,
    *,
    seed: int,
    rate: float = 0.05,
    steps: int = 1_000_000,
    batch: int = 2,
) -> Descent:
    """Stochastic gradient (sections 3.1 to 3.3).

    Args:
        points: Float64 [N, 2].
        targets: Float64 [N, 2].
        sampling: `replacement` picks a point a step (3.5), `shuffled` goes through all points in
            random order, and again (3.6), `mini_batch` picks several different ones (3.7).
        seed: Of the first parameters and the sampling.
        rate: The step's length, α in the equations.
        steps: How many.
        batch: Points in a mini-batch.
    """
    rng = np.random.default_rng([seed, 1])
    p = initial_parameters(seed)
    costs = []
    for done in tqdm(
        range(0, steps, _CHUNK), desc=sampling, leave=False, unit="k steps", disable=None
    ):
        size = min(_CHUNK, steps - done)
        walk(p, _order(sampling, rng, size, len(points), batch), rate, points, targets)
        costs.append(cost(p, points, targets))
    return Descent(p, np.array(costs))


def fit_least_squares(points: Floats, targets: Floats, *, seed: int) -> Floats:
    """The parameters [23] that minimise cost 3.1 as a sum of squares, as lsqnonlin would.

    scipy's trust-region method; the residuals are F(x) - y, two for each point.
    """

    def residuals(p: Floats) -> Floats:
        return (outputs(p, points) - targets).ravel()

    result = least_squares(residuals, initial_parameters(seed), method="trf")
    return np.asarray(result.x, dtype=np.float64)


def _order(
    sampling: Sampling, rng: np.random.Generator, steps: int, count: int, batch: int
) -> Order:
    match sampling:
        case "replacement":
            return rng.integers(count, size=(steps, 1))
        case "shuffled":
            return _shuffles(rng, -(-steps // count), count).reshape(-1, 1)[:steps]
        case "mini_batch":
            return _shuffles(rng, steps, count)[:, :batch]


def _shuffles(rng: np.random.Generator, rows: int, count: int) -> Order:
    """Rows of 0 to count - 1, each in a random order of its own."""
    return rng.permuted(np.tile(np.arange(count), (rows, 1)), axis=1)
