"""The problem: an equation, its points, its exact solution, and how an error is measured.

    φ_t + u φ_x = 0,  0 < t, x < 1        φ(t, 0) = φ(t, 1)        φ(0, x) = sin 2πx

From Á. Pérez Fernández and R. Rodríguez Galván, "Neural Networks", with their numbers of points.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SPEED = 1.0
"""u of the course's problem."""

_TICKS = 101
"""Of the grid on which errors are measured, along each side."""


@dataclass(frozen=True)
class Points:
    """Where the three conditions are asked for, uniformly random in (0, 1).

    Attributes:
        initial: x of points at t = 0, float64 [500].
        boundary: t of points at x = 0 and x = 1, float64 [500].
        inner_t: t of the points where the equation must hold, float64 [10000].
        inner_x: Their x.
    """

    initial: Floats
    boundary: Floats
    inner_t: Floats
    inner_x: Floats

    @property
    def sha256(self) -> str:
        """Of all of them, which tells whether a model was fitted on these."""
        parts = (self.initial, self.boundary, self.inner_t, self.inner_x)
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def draw_points(
    seed: int, *, initial: int = 500, boundary: int = 500, inner: int = 10_000
) -> Points:
    """Random points, as many as the course has."""
    rng = np.random.default_rng(seed)
    return Points(rng.random(initial), rng.random(boundary), rng.random(inner), rng.random(inner))


def start(x: Floats) -> Floats:
    """φ(0, x)."""
    return np.sin(2 * np.pi * x)


def exact(t: Floats, x: Floats, speed: float = SPEED) -> Floats:
    """The solution: the start, moved by u t."""
    return start(x - speed * t)


def grid() -> tuple[Floats, Floats]:
    """The t and the x of the points where errors are measured, float64 [101 * 101] each."""
    ticks = np.linspace(0, 1, _TICKS)
    t, x = np.meshgrid(ticks, ticks, indexing="ij")
    return t.ravel(), x.ravel()


def relative_error(phi: Floats, speed: float = SPEED) -> float:
    """|φ - exact| / |exact| in the Euclidean norm over the grid, for φ [101 * 101] there."""
    truth = exact(*grid(), speed)
    return float(np.linalg.norm(phi - truth) / np.linalg.norm(truth))
