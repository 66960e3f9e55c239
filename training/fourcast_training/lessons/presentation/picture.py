"""A drawing as a PNG."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from fourcast_training.files import write_atomically


def save_picture(draw: Callable[[Figure], None], size: tuple[float, float], file: Path) -> None:
    """Draw into an empty figure of this size (inches) and write it, whole or not at all."""
    figure = Figure(figsize=size, layout="constrained")
    draw(figure)
    image = BytesIO()
    figure.savefig(image, format="png", dpi=120)
    write_atomically(file, lambda stream: stream.write(image.getvalue()))
