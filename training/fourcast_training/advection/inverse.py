"""The inverse problem: the speed u from noisy measurements of φ.

For every u the best output weights follow by linear least squares, so the misfit is a function of u
alone, and its minimum is found along a line (variable projection: G. H. Golub and V. Pereyra, "The
Differentiation of Pseudo-Inverses and Nonlinear Least Squares Problems Whose Variables Separate",
SIAM Journal on Numerical Analysis 10 (1973), 413-432).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from fourcast_training.advection.features import draw_features, rows
from fourcast_training.advection.problem import SPEED, Floats, Points, exact

MEASUREMENTS = 200

NOISE = 0.05
"""Standard deviation of the error of a measurement, in units of the amplitude."""

_FEATURES = 150
"""Enough that the equation can hold; with 60 its own error moves the minimum."""

_EQUATION_WEIGHT = 10.0
"""Factor of the equation's and the boundary's rows: they hold exactly, the measurements do not."""

_SPEEDS = np.linspace(0.0, 3.0, 31)
"""Where the search begins: the best of these, and between its neighbours."""


@dataclass(frozen=True)
class Measurements:
    """Noisy values of a solution, float64 [N] each."""

    t: Floats
    x: Floats
    phi: Floats


def measure_solution(
    count: int = MEASUREMENTS, noise: float = NOISE, *, seed: int, speed: float = SPEED
) -> Measurements:
    """Random places, and what would be measured there."""
    rng = np.random.default_rng([seed, 2])
    t, x = rng.random(count), rng.random(count)
    return Measurements(t, x, exact(t, x, speed) + noise * rng.standard_normal(count))


def find_speed(data: Measurements, points: Points, *, seed: int) -> float:
    """u, between 0 and 3.

    The initial condition is not used: what is known of φ are the measurements.

    Args:
        data: What was measured.
        points: Where the equation and the periodicity are asked for.
        seed: Of the random features.
    """
    features = draw_features(_FEATURES, seed=seed)
    measured = features.values(data.t, data.x) / np.sqrt(len(data.t))
    still, ends = rows(features, points, 0.0)
    moved, _ = rows(features, points, 1.0)
    # The equation's rows are linear in u: those for u are still + u (moved - still). Triangular
    # factors of both together stand for thousands of rows at every u.
    width = features.weights.shape[0]
    stacked = np.hstack([still, moved - still])
    both: Floats = np.linalg.qr(stacked, "r")  # type: ignore[assignment]  # numpy's types know pairs
    wanted = np.concatenate([data.phi / np.sqrt(len(data.t)), np.zeros(len(both) + len(ends))])

    def misfit(speed: float) -> float:
        equation = both[:, :width] + speed * both[:, width:]
        matrix = np.vstack([measured, _EQUATION_WEIGHT * equation, _EQUATION_WEIGHT * ends])
        weights = np.linalg.lstsq(matrix, wanted)[0]
        return float(np.sum((matrix @ weights - wanted) ** 2))

    best = _SPEEDS[np.argmin([misfit(speed) for speed in _SPEEDS])]
    step = _SPEEDS[1] - _SPEEDS[0]
    found = minimize_scalar(misfit, bounds=(best - step, best + step), method="bounded")
    return float(found.x)
