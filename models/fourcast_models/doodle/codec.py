"""The tensors that the doodle networks read, and the names for what they answer."""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from fourcast_models.doodle.strokes import RASTER_CHANNELS, RASTER_SIDE, SIDE
from fourcast_models.model_config import TensorSpec

CODEC_VERSION = 1
"""Stamped into exported models; raise it when `strokes` draws otherwise."""

CATEGORIES = tuple((files(__package__) / "categories.txt").read_text("utf-8").splitlines())
"""The 345 names of Quick, Draw! in alphabetical order; the place (from 0) is the label."""

BITMAP = TensorSpec("bitmap", np.dtype(np.uint8), (SIDE, SIDE))
"""What `doodle` and `doodle_small` read: `strokes.draw`, or `images.bitmap_of`."""

RASTER = TensorSpec("raster", np.dtype(np.uint8), (RASTER_CHANNELS, RASTER_SIDE, RASTER_SIDE))
"""What `doodle_strokes` reads: `strokes.draw_raster`."""

PROBABILITIES = TensorSpec("probabilities", np.dtype(np.float32), (len(CATEGORIES),))
"""What they answer: how probable each category is; the sum is 1."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A category and how probable it is, from 0 to 1."""

    category: str
    probability: float


def top_k(probabilities: npt.NDArray[np.float32], k: int) -> list[Guess]:
    """The k most probable categories, the most probable first.

    Args:
        probabilities: One row of `PROBABILITIES`, float32 [345].
        k: From 1 to 345.

    Raises:
        ValueError: If k is out of range, or the row has another shape.
    """
    if probabilities.shape != PROBABILITIES.dims:
        raise ValueError(f"expected probabilities {PROBABILITIES.dims}, not {probabilities.shape}")
    if not 1 <= k <= len(CATEGORIES):
        raise ValueError(f"top_k is {k}: it can be 1 to {len(CATEGORIES)}")
    best = np.argsort(-probabilities, kind="stable")[:k]
    return [Guess(CATEGORIES[label], float(probabilities[label])) for label in best]
