"""Doodles on the wire and in code: strokes in, names out."""

import numpy as np
import numpy.typing as npt

from fourcast.doodle.v1 import doodle_pb2 as wire
from fourcast_models.doodle.codec import CATEGORIES, top_k
from fourcast_models.doodle.strokes import Stroke
from fourcast_services.errors import FieldError

DEFAULT_TOP_K = 5


def read_stroke(stroke: wire.Stroke, field: str) -> Stroke:
    """The points of a stroke: float64 [P, 2], whether or not they can be drawn.

    Args:
        stroke: The message.
        field: Where it stands in the request, for the error.

    Raises:
        FieldError: If it has not as many y as x.
    """
    if len(stroke.x) != len(stroke.y):
        raise FieldError(
            field, f"{len(stroke.x)} x, but {len(stroke.y)} y: every point has one of each"
        )
    return np.array([stroke.x, stroke.y], dtype=np.float64).T


def read_drawing(drawing: wire.Drawing) -> list[Stroke]:
    """The strokes of a drawing.

    Raises:
        FieldError: If one has not as many y as x.
    """
    return [
        read_stroke(stroke, f"drawing.strokes[{place}]")
        for place, stroke in enumerate(drawing.strokes)
    ]


def read_top_k(request: wire.ClassifyRequest | wire.WatchRequest) -> int:
    """How many categories to name.

    Raises:
        FieldError: If there are not so many.
    """
    if request.top_k > len(CATEGORIES):
        raise FieldError("top_k", f"{request.top_k}, but it is 1 to {len(CATEGORIES)} (default 5)")
    return request.top_k or DEFAULT_TOP_K


def write_guesses(probabilities: npt.NDArray[np.float32], count: int) -> list[wire.Guess]:
    """The most probable categories, the most probable first.

    Args:
        probabilities: Float32 [345].
        count: How many, 1 to 345.
    """
    return [
        wire.Guess(category=guess.category, probability=guess.probability)
        for guess in top_k(probabilities, count)
    ]
