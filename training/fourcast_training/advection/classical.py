"""Two classical solvers on the same grid, to compare with."""

import numpy as np

from fourcast_training.advection.problem import SPEED, Floats, grid, start

_CELLS = 400
_STEPS = 500
"""Of the scheme of Lax and Wendroff; with u = 1 a step moves the wave 0.8 cells."""


def lax_wendroff(speed: float = SPEED) -> Floats:
    """φ on the grid of `problem.grid`, by the second-order scheme.

    P. Lax and B. Wendroff, "Systems of conservation laws", Communications on Pure and Applied
    Mathematics 13 (1960), 217-237.

    Raises:
        ValueError: If the scheme is unstable at this speed.
    """
    courant = speed * _CELLS / _STEPS
    if abs(courant) > 1:
        raise ValueError(f"speed {speed}: the scheme is stable up to {_STEPS / _CELLS}")
    ticks = round(len(grid()[0]) ** 0.5) - 1
    phi = start(np.arange(_CELLS) / _CELLS)
    kept = [phi]
    for step in range(1, _STEPS + 1):
        left, right = np.roll(phi, 1), np.roll(phi, -1)
        phi = phi - courant / 2 * (right - left) + courant**2 / 2 * (right - 2 * phi + left)
        if step % (_STEPS // ticks) == 0:
            kept.append(phi)
    return _with_last_column(np.stack(kept)[:, :: _CELLS // ticks])


def fourier(speed: float = SPEED) -> Floats:
    """φ on the grid of `problem.grid`, by turning the phase of every Fourier coefficient."""
    ticks = round(len(grid()[0]) ** 0.5) - 1
    waves = np.fft.rfft(start(np.arange(ticks) / ticks))
    times = np.linspace(0, 1, ticks + 1)[:, None]
    turned = waves * np.exp(-2j * np.pi * np.arange(len(waves)) * speed * times)
    return _with_last_column(np.fft.irfft(turned, n=ticks, axis=1))


def _with_last_column(phi: Floats) -> Floats:
    """Values for x from 0 to below 1, with those at 1 added, as one row of the grid's length."""
    return np.hstack([phi, phi[:, :1]]).ravel()
