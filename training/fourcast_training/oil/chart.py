"""The picture of a run: where each method would drill, how the cost fell, what seeds agree on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourcast_training.lessons.presentation import Language, Text
from fourcast_training.oil.backpropagation import Floats, outputs
from fourcast_training.oil.data import POINTS, TARGETS
from fourcast_training.oil.descent import Descent, Method, Sampling
from fourcast_training.oil.report import METHODS

SIZE = (12.5, 8)
"""Inches."""

_SIDE = 201
"""Points along a side of the map."""

_OIL = Text(en="oil", es="petróleo")
_NONE = Text(en="no oil", es="sin petróleo")
_COST = Text(en="cost", es="coste")
_STEPS = Text(en="thousand steps", es="miles de pasos")
_DESCENT = Text(en="cost of the stochastic gradient", es="coste del gradiente estocástico")
_AGREEMENT = Text(
    en="share of {} least-squares fits\nthat would drill",
    es="proporción de {} ajustes por mínimos\ncuadrados que perforarían",
)


@dataclass(frozen=True)
class Run:
    """What there is to draw: parameters by method, the descents, and fits [seeds, 23]."""

    parameters: Mapping[Method, Floats]
    descents: Mapping[Sampling, Descent]
    fits: Floats


def draw_run(figure: Figure, run: Run, language: Language) -> None:
    """Four maps, the costs, and the share of the fits that would drill at each place."""
    panels = figure.subplots(2, 3).ravel()
    for axes, (method, p) in zip(panels, run.parameters.items(), strict=False):
        _draw_map(axes, _would_drill(p), language)
        axes.set_title(METHODS[method][language].replace(", ", ",\n"))
    for sampling, descent in run.descents.items():
        panels[4].semilogy(descent.costs, label=METHODS[sampling][language].partition(", ")[2])
    panels[4].set(title=_DESCENT[language], xlabel=_STEPS[language], ylabel=_COST[language])
    panels[4].set_box_aspect(1)
    panels[4].legend()
    panels[4].grid(alpha=0.3)
    share = np.mean([_would_drill(p) for p in run.fits], axis=0)
    _draw_map(panels[5], share, language)
    panels[5].set_title(_AGREEMENT[language].format(len(run.fits)))


def _would_drill(p: Floats) -> Floats:
    """1 where F1 > F2 and 0 elsewhere, float64 [SIDE, SIDE], rows from below."""
    ticks = np.linspace(0, 1, _SIDE)
    grid = np.stack(np.meshgrid(ticks, ticks), axis=2).reshape(-1, 2)
    found = outputs(p, grid)
    return (found[:, 0] > found[:, 1]).astype(np.float64).reshape(_SIDE, _SIDE)


def _draw_map(axes: Axes, share: Floats, language: Language) -> None:
    axes.imshow(share, origin="lower", extent=(0, 1, 0, 1), cmap="Greens", vmin=0, vmax=1.6)
    axes.contour(share, [0.5], origin="lower", extent=(0, 1, 0, 1), colors="0.3", linewidths=1)
    is_oil = TARGETS[:, 0] == 1
    axes.plot(*POINTS[is_oil].T, "o", color="tab:green", mec="k", ms=9, label=_OIL[language])
    axes.plot(*POINTS[~is_oil].T, "x", color="tab:red", ms=9, mew=2.5, label=_NONE[language])
    axes.legend(loc="upper left", fontsize=8)
