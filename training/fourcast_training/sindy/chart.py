"""The picture of a run: the motion as measured, that of the found equations, and the vote."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.axes3d import Axes3D  # type: ignore[import-untyped]  # has no types

from fourcast_training.lessons.presentation import Language, Text
from fourcast_training.sindy.ensemble import INCLUSION
from fourcast_training.sindy.library import Floats
from fourcast_training.sindy.lorenz import integrate, true_coefficients
from fourcast_training.sindy.report import Found, Setting, equations

SIZE = (14, 7)
"""Inches."""

_SHOWN = 4000
"""Samples of a trajectory in the picture."""

_MEASURED = Text(en="measured, noise {noise}", es="medido, ruido {noise}")
_MODELLED = Text(en="motion of the found equations", es="movimiento de las ecuaciones encontradas")
_VOTES = Text(en="share of the bags that found a term", es="proporción que encontró cada término")
_TRUE = Text(en="true", es="verdaderas")
_FOUND = Text(en="found", es="encontradas")


def draw_run(figure: Figure, setting: Setting, found: Found, language: Language) -> None:
    """Two attractors and the vote above the true and the found equations."""
    coefficients = found.ensemble.coefficients
    (above,), (below,) = figure.subfigures(2, 1, height_ratios=[3, 1], squeeze=False)
    left, middle = (above.add_subplot(1, 3, place, projection="3d") for place in (1, 2))
    _draw_motion(left, found.motion.measured[:_SHOWN], "0.45")
    left.set_title(_MEASURED[language].format(noise=setting.noise))

    def model(state: Floats) -> Floats:
        slopes: Floats = (setting.library.evaluate(state[None]) @ coefficients)[0]
        return slopes

    samples = min(_SHOWN, setting.samples)
    _draw_motion(
        middle, integrate(model, found.motion.states[0], samples, setting.step), "tab:blue"
    )
    middle.set_title(_MODELLED[language])
    right = above.add_subplot(1, 3, 3)
    _draw_votes(right, setting, found.ensemble.inclusion)
    right.set_title(_VOTES[language])
    truth = equations(setting.library, true_coefficients(setting.library))
    for place, name, lines in (
        (0.06, _TRUE[language], truth),
        (0.53, _FOUND[language], equations(setting.library, coefficients)),
    ):
        below.text(place, 0.85, name, weight="bold", va="top")
        below.text(place, 0.65, "\n".join(lines), family="monospace", va="top")


def _draw_motion(axes: Axes3D, states: Floats, colour: str) -> None:
    axes.plot(*states.T, color=colour, linewidth=0.4)
    axes.set(xlabel="x", ylabel="y", zlabel="z")
    axes.set_box_aspect(None, zoom=0.9)  # room for the names of the axes


def _draw_votes(axes: Axes, setting: Setting, inclusion: Floats) -> None:
    """A bar for each term of each equation; those above the line are kept."""
    places = np.arange(len(setting.library.terms))
    for shift, (variable, shares) in enumerate(
        zip(setting.library.variables, inclusion.T, strict=True)
    ):
        axes.barh(places + 0.27 * (shift - 1), shares, 0.25, label=f"d{variable}/dt")
    axes.axvline(INCLUSION, color="0.3", linestyle=":")
    axes.set_yticks(places, setting.library.terms)
    axes.invert_yaxis()
    axes.legend(loc="lower right")
