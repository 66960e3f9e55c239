"""A drawing as a PNG."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from fourcast_training.plots import save_figure


def save_picture(draw: Callable[[Figure], None], size: tuple[float, float], file: Path) -> None:
    """Draw into an empty figure of this size (inches) and write it, whole or not at all."""
    figure = Figure(figsize=size, layout="constrained")
    draw(figure)
    save_figure(figure, file)
