"""Pictures of an evaluation: drawings that were misread, and what changes cost."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from fourcast_models.doodle.codec import CATEGORIES
from fourcast_models.doodle.strokes import SIDE
from fourcast_training.doodle.evaluate import Confusion, Figures
from fourcast_training.plots import save_figure

_EXAMPLES = 6
"""Drawings shown of each confusion."""


def save_confusions(
    bitmaps: npt.NDArray[np.uint8], confusions: Sequence[Confusion], file: Path
) -> None:
    """The confusions with drawings of each, the most confident first, in two columns as a PNG.

    Args:
        bitmaps: Uint8 [N, 28, 28], in which the confusions' examples have their places.
        confusions: From `evaluate.confusions`; nothing is written if there are none.
        file: The PNG.
    """
    if not confusions:
        return
    rows = -(-len(confusions) // 2)
    figure = Figure(figsize=(13, 0.95 * rows), layout="constrained")
    grid = figure.subplots(rows, 2, squeeze=False)
    for place, axes in enumerate(grid.T.ravel()):
        axes.axis("off")
        if place >= len(confusions):
            continue
        row = confusions[place]
        strip = np.full((SIDE, _EXAMPLES * (SIDE + 2)), 255, dtype=np.uint8)
        for number, example in enumerate(row.examples[:_EXAMPLES]):
            left = number * (SIDE + 2)
            strip[:, left : left + SIDE] = 255 - bitmaps[example]
        axes.imshow(strip, cmap="gray", vmin=0, vmax=255)
        drawn, guessed = CATEGORIES[row.drawn], CATEGORIES[row.guessed]
        title = f"{drawn}, taken for {guessed} ({row.share:.0%})"
        axes.set_title(title, fontsize=9, loc="left", pad=2)
    save_figure(figure, file)


def save_robustness(figures: Figures, rows: Mapping[str, Figures], file: Path) -> None:
    """Top-1 and top-3 under every change as bars, with lines at the unchanged figures, as a PNG."""
    if not rows:
        return
    figure = Figure(figsize=(8, 1.2 + 0.32 * len(rows)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(rows))
    for offset, name, colour in ((-0.2, "top1", "tab:blue"), (0.2, "top3", "tab:orange")):
        values = [getattr(row, name) for row in rows.values()]
        axes.barh(places + offset, values, 0.38, color=colour, label=f"{name[:3]}-{name[3:]}")
        axes.axvline(getattr(figures, name), color=colour, linestyle=":")
    axes.set_yticks(places, list(rows))
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of drawings; dotted: the whole test split, unchanged")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    save_figure(figure, file)
