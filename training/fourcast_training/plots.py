"""Pictures of a training run, and how any picture is written."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fourcast_training.files import write_atomically
from fourcast_training.loop import Progress


def save_curves(progress: Progress, shares: Sequence[str], title: str, file: Path) -> None:
    """Two panels over the epochs as a PNG: the losses, and the metrics that are shares.

    Args:
        progress: A finished run.
        shares: The metrics, 0 to 1, that go into the right panel; the others go into the left one.
        title: What stands above.
        file: The PNG.
    """
    epochs = range(1, len(progress.history) + 1)
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name in progress.history[0]:
        axes = right if name in shares else left
        axes.plot(epochs, [row[name] for row in progress.history], label=name.replace("_", " "))
    for axes, label in ((left, "loss"), (right, "share of the validation split")):
        axes.axvline(progress.best_epoch, color="0.6", linestyle=":", label="chosen epoch")
        axes.set(xlabel="epoch", ylabel=label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    save_figure(figure, file)


def save_figure(figure: Figure, file: Path) -> None:
    """Write a figure as a PNG, whole or not at all."""
    image = BytesIO()
    figure.savefig(image, format="png", dpi=120)
    write_atomically(file, lambda stream: stream.write(image.getvalue()))
