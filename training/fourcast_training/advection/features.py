"""One hidden layer of random sines, and its output weights by least squares.

The equation is linear in φ, and φ is linear in the output weights c of a network. If the weights
inside stay as they were drawn, every condition at every point is one linear equation for c: no
descent, no start that may be unlucky, no local minimum, but one linear least-squares problem.
Networks of this kind are known as random features and as extreme learning machines; for equations
see S. Dong and Z. Li, "Local extreme learning machines and domain decomposition for solving linear
and nonlinear partial differential equations", Computer Methods in Applied Mechanics and
Engineering 387 (2021), 114129.
"""

from dataclasses import dataclass

import numpy as np

from fourcast_training.advection.net import SineNet, linear
from fourcast_training.advection.problem import SPEED, Floats, Points, start

FEATURES = 300

_LARGEST = 10.0
"""Of the random weights, in radians over the square: sin 2πx needs 6.3."""

_CUTOFF = 1e-14
"""Singular values below this share of the largest one are rounding, and left out."""


@dataclass(frozen=True)
class Features:
    """sin(a t + b x + phase), each with random numbers of its own.

    Attributes:
        weights: a and b, float64 [features, 2].
        phases: Float64 [features].
    """

    weights: Floats
    phases: Floats

    def values(self, t: Floats, x: Floats) -> Floats:
        """Every feature at points [N], float64 [N, features]."""
        return np.sin(self._angles(t, x))

    def slopes(self, t: Floats, x: Floats, speed: float) -> Floats:
        """∂/∂t + u ∂/∂x of every feature, float64 [N, features]."""
        along: Floats = self.weights @ np.array([1.0, speed])
        return np.cos(self._angles(t, x)) * along

    def _angles(self, t: Floats, x: Floats) -> Floats:
        turned: Floats = np.stack([t, x], axis=1) @ self.weights.T
        return turned + self.phases


@dataclass(frozen=True)
class Windows:
    """A solution in pieces of equal length in time, each with its own output weights.

    Attributes:
        features: The same in every piece, over its own time from 0 to 1.
        coefficients: Float64 [pieces, features].
    """

    features: Features
    coefficients: Floats

    def evaluate(self, t: Floats, x: Floats) -> Floats:
        """φ at points [N] in [0, 1]."""
        count = len(self.coefficients)
        piece = np.minimum((t * count).astype(np.int64), count - 1)
        phi = np.empty_like(t)
        for i, coefficients in enumerate(self.coefficients):
            inside = piece == i
            phi[inside] = self.features.values(t[inside] * count - i, x[inside]) @ coefficients
        return phi

    def network(self) -> SineNet:
        """The only piece as a network with one hidden layer.

        Raises:
            ValueError: If there are several.
        """
        (coefficients,) = self.coefficients
        network = SineNet((len(coefficients),), seed=0)
        network.layers[0] = linear(self.features.weights, self.features.phases)
        network.layers[1] = linear(coefficients[None], np.zeros(1))
        return network.eval()


def draw_features(count: int, *, seed: int) -> Features:
    """Random features."""
    rng = np.random.default_rng([seed, 1])
    weights = rng.uniform(-_LARGEST, _LARGEST, (count, 2))
    return Features(weights, rng.uniform(0, 2 * np.pi, count))


def rows(features: Features, points: Points, speed: float) -> tuple[Floats, Floats]:
    """The equations at the inner points and at the boundary, scaled to the mean of squares.

    Returns:
        Of the equation and of the periodicity, float64 [N, features] each; both must give 0.
    """
    inner = features.slopes(points.inner_t, points.inner_x, speed)
    t, zeros = points.boundary, np.zeros_like(points.boundary)
    ends = features.values(t, zeros) - features.values(t, zeros + 1)
    return inner / np.sqrt(len(inner)), ends / np.sqrt(len(ends))


def solve(
    points: Points, *, seed: int, speed: float = SPEED, windows: int = 1, count: int = FEATURES
) -> Windows:
    """Least squares on the points, in time windows if there are several.

    In a window of length 1 / n the problem is that of the whole square with the speed u / n, and
    the points are the same. So one factorisation serves all windows, and each but the first takes
    its start from the end of the one before it.

    Args:
        points: Where the conditions are asked for, in each window.
        seed: Of the features.
        speed: u.
        windows: n.
        count: How many features.
    """
    features = draw_features(count, seed=seed)
    x = points.initial
    zeros = np.zeros_like(x)
    first = features.values(zeros, x) / np.sqrt(len(x))
    matrix = np.vstack([first, *rows(features, points, speed / windows)])
    q, r = np.linalg.qr(matrix)
    left, sizes, right = np.linalg.svd(r)
    kept = sizes > _CUTOFF * sizes[0]
    # All right-hand sides are 0 but the start's, so only its rows of q are needed. The factors stay
    # apart: their product would have large entries, and their rounding would be in every answer.
    turn = (q[: len(x)] @ left[:, kept]).T / np.sqrt(len(x))
    last = features.values(zeros + 1, x)
    wanted, found = start(x), []
    for _ in range(windows):
        found.append(right[kept].T @ ((turn @ wanted) / sizes[kept]))
        wanted = last @ found[-1]
    return Windows(features, np.stack(found))
