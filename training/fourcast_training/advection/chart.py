"""The picture of a run: φ(t, x) as it is, as a network has it, and the difference."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourcast_training.advection.problem import Floats, exact, grid
from fourcast_training.lessons.presentation import Language, Text

SIZE = (13, 4.2)
"""Inches."""

_TITLES = (
    Text(en="exact φ(t, x)", es="φ(t, x) exacta"),
    Text(en="network", es="red"),
    Text(en="network - exact", es="red - exacta"),
)


def draw_solution(figure: Figure, phi: Floats, language: Language) -> None:
    """Three maps of the square, for φ [101 * 101] on the grid of `problem.grid`."""
    truth = exact(*grid())
    largest = float(np.max(np.abs(phi - truth))) or 1.0
    panels = figure.subplots(1, 3)
    for axes, title, values, limit in zip(
        panels, _TITLES, (truth, phi, phi - truth), (1.0, 1.0, largest), strict=True
    ):
        _draw_map(figure, axes, values, limit)
        axes.set_title(title[language])


def _draw_map(figure: Figure, axes: Axes, values: Floats, limit: float) -> None:
    side = round(len(values) ** 0.5)
    image = axes.imshow(
        values.reshape(side, side).T,
        origin="lower",
        extent=(0, 1, 0, 1),
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
    )
    axes.set(xlabel="t", ylabel="x")
    figure.colorbar(image, ax=axes, shrink=0.7)
