"""The Lorenz system, whose equations are to be found again from a measured motion.

E. N. Lorenz, "Deterministic Nonperiodic Flow", Journal of the Atmospheric Sciences 20 (1963),
130-141, with the parameters of that paper:

    dx/dt = σ (y - x)        dy/dt = x (ρ - z) - y        dz/dt = x y - β z
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

from fourcast_training.sindy.library import Floats, Library

VARIABLES = ("x", "y", "z")

SIGMA, RHO, BETA = 10.0, 28.0, 8.0 / 3.0

EQUATIONS = (
    {"x": -SIGMA, "y": SIGMA},
    {"x": RHO, "y": -1.0, "xz": -1.0},
    {"z": -BETA, "xy": 1.0},
)
"""dx/dt, dy/dt and dz/dt as coefficients by term."""

_TOLERANCE = 1e-10
"""Of the integration: far below any noise that is added."""

_RADIUS = 1000.0
"""The attractor stays within 60 of the origin."""


@dataclass(frozen=True)
class Motion:
    """A trajectory at equal steps of time.

    Attributes:
        step: Between two rows.
        states: Exact x, y, z, float64 [N, 3].
        measured: The same with noise, float64 [N, 3].
    """

    step: float
    states: Floats
    measured: Floats

    @property
    def exact_derivatives(self) -> Floats:
        """What the equations say at the exact states, float64 [N, 3]."""
        return velocity(self.states)

    @property
    def measured_derivatives(self) -> Floats:
        """Finite differences of second order of the measured states, float64 [N, 3]."""
        differences: Floats = np.gradient(self.measured, self.step, axis=0, edge_order=2)
        return differences


def velocity(states: Floats) -> Floats:
    """dx/dt, dy/dt, dz/dt at one state [3] or at many [N, 3], in the same shape."""
    x, y, z = states.T
    return np.array([SIGMA * (y - x), x * (RHO - z) - y, x * y - BETA * z]).T


def simulate(samples: int, step: float, noise: float, *, seed: int) -> Motion:
    """A motion from a random place near the attractor.

    Args:
        samples: Rows, N.
        step: Of time between them.
        noise: Standard deviation of the normal error of every measured number.
        seed: Of the first state and of the noise.
    """
    rng = np.random.default_rng(seed)
    start = np.array([-8.0, 8.0, 27.0]) + rng.standard_normal(3)
    states = integrate(velocity, start, samples, step)
    return Motion(step, states, states + noise * rng.standard_normal(states.shape))


def integrate(
    equations: Callable[[Floats], Floats], start: Floats, samples: int, step: float
) -> Floats:
    """States [N, 3] at equal steps from `start` [3], by an eighth-order Runge-Kutta method.

    N is `samples`, or less if the motion leaves the ball of radius 1000, as that of wrong equations
    may.
    """

    def room(_: float, state: Floats) -> float:
        return _RADIUS - float(np.linalg.norm(state))

    room.terminal = True  # type: ignore[attr-defined]  # how scipy is told to stop at its zero
    times = step * np.arange(samples)
    found = solve_ivp(
        lambda _, state: equations(state),
        (0.0, times[-1]),
        start,
        method="DOP853",
        t_eval=times,
        events=room,
        rtol=_TOLERANCE,
        atol=_TOLERANCE,
    )
    states: Floats = found.y.T
    return states


def true_coefficients(library: Library) -> Floats:
    """The equations in the terms of a library, float64 [terms, 3].

    Raises:
        ValueError: If the library lacks one of their terms.
    """
    found = np.zeros((len(library.terms), len(EQUATIONS)))
    for column, equation in enumerate(EQUATIONS):
        for term, value in equation.items():
            if term not in library.terms:
                raise ValueError(f"degree {library.degree} has no term {term!r}: use 2 or more")
            found[library.terms.index(term), column] = value
    return found
