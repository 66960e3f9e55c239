"""Pictures of an evaluation: cover, stego and what lies between them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fourcast_models.stego.codec import Pixels
from fourcast_models.stego.metrics import psnr
from fourcast_training.plots import save_figure

_AMPLIFIED = 20
"""By which differences are multiplied to be seen."""


def save_comparison(pairs: Sequence[tuple[Pixels, Pixels]], file: Path) -> None:
    """Covers, stego pictures and amplified differences as a PNG, a row for each pair."""
    figure = Figure(figsize=(9, 3 * len(pairs)), layout="constrained")
    grid = figure.subplots(len(pairs), 3, squeeze=False)
    for row, (cover, stego) in zip(grid, pairs, strict=True):
        difference = stego.astype(np.float64) - cover
        shown = (128 + _AMPLIFIED * difference).clip(0, 255).astype(np.uint8)
        titles = ("cover", f"stego, {psnr(cover, stego):.1f} dB", f"difference, x{_AMPLIFIED}")
        for axes, picture, title in zip(row, (cover, stego, shown), titles, strict=True):
            axes.imshow(picture)
            axes.set_title(title, fontsize=10)
            axes.axis("off")
    save_figure(figure, file)
