"""Which texts come back after which change, as a picture."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.stego.changes import Change
from benchmarks.stego.methods import Method
from benchmarks.stego.pictures import PHOTOGRAPHS
from benchmarks.stego.results import Results
from fourcast_training.files import write_atomically


def draw(
    results: Results, methods: Mapping[str, Method], changes: Mapping[str, Change], file: Path
) -> None:
    """Write a map of the shares of exact texts in photographs: a PNG."""
    shown = {key: results.summaries[PHOTOGRAPHS, key] for key in methods}
    shares = np.array(
        [[_number(summary.share(change)) for summary in shown.values()] for change in changes]
    )
    figure = Figure(
        figsize=(3.2 + 0.85 * len(shown), 2.4 + 0.24 * len(changes)), layout="constrained"
    )
    axes = figure.subplots()
    axes.set_facecolor("0.92")
    axes.imshow(np.ma.masked_invalid(shares), vmin=0, vmax=1, cmap="RdYlGn", aspect="auto")
    for row, values in enumerate(shares):
        for column, share in enumerate(values):
            if not np.isnan(share):
                axes.text(column, row, f"{share:.0%}", ha="center", va="center", fontsize=7)
    titles = [f"{methods[key].title}\n{summary.psnr()[0]:.1f} dB" for key, summary in shown.items()]
    axes.set_xticks(range(len(shown)), titles, rotation=40, ha="left", fontsize=8)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(changes)), list(changes), fontsize=8)
    axes.tick_params(length=0)
    axes.set_xlabel("texts that came back exactly; grey: not tried")
    write_atomically(file, lambda stream: figure.savefig(stream, format="png", dpi=130))


def _number(share: float | None) -> float:
    return float("nan") if share is None else share
