"""Strokes to pictures, drawn the way the data set's own bitmaps were drawn.

A network that learnt from Quick, Draw! knows one kind of picture: lines of one width, filling one
box, centred. A drawing that was merely shrunk from a canvas looks different and is misread, however
clear it is to people. So nothing here shrinks a canvas; the strokes are put into the data set's
form and drawn anew, by the same code in training and in the service:

1. `prepare` shifts the drawing to the top left, scales its longest side to 255 units and leaves out
   points that lie within 2 units of the line between their neighbours (Ramer 1972, Douglas and
   Peucker 1973). The publisher also resamples at 1 unit before that; points added on a straight
   line are never the farthest from it, so here they are not added in the first place.
2. `draw` sets that into a frame of 304 units, centred, and draws a line of 16 units with round caps
   and joins, antialiased: a 256-unit box, 16 units of padding and half a line on each side. These
   figures are the publisher's (googlecreativelab/quickdraw-dataset, issue 19).

A *stroke* is a float64 array [P, 2] of x (rightwards) and y (downwards), in the order drawn.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Stroke = npt.NDArray[np.float64]

SPAN = 255.0
"""The longest side of a prepared drawing, in units."""

TOLERANCE = 2.0
"""How far a point that is left out may lie from the line that replaces it, in units."""

LINE_WIDTH = 16.0
"""The pen, in units."""

FRAME = 256.0 + 2 * 16.0 + LINE_WIDTH
"""The side of the picture, in units: box, padding and half a line on both sides."""

SIDE = 28
"""The side of a bitmap, in pixels."""

RASTER_SIDE = 56
"""The side of a raster, in pixels."""

RASTER_CHANNELS = 2
"""Ink, and ink whose grey tells when it was drawn."""

MAX_POINTS = 20_000
"""The most points of a drawing; the data set's longest has fewer than 1,000."""

MAX_COORDINATE = 1e9
"""The largest coordinate, in whatever unit the caller draws."""

_LARGE_SIDE = 448
"""Drawn at this many pixels and averaged down; a multiple of both sides above. At 16 pixels for one
of a bitmap, the difference from the data set's bitmaps is less than 2 grey levels."""

_FIRST_GREY, _LAST_GREY = 255.0, 95.0
"""Of the raster's second channel: the start of the drawing and its end."""


class DrawingError(ValueError):
    """A drawing that cannot be used; the text says what is wrong, where, and what is right."""


class EmptyDrawingError(DrawingError):
    """There is nothing on the canvas."""


def check(strokes: Sequence[npt.ArrayLike]) -> tuple[Stroke, ...]:
    """The strokes as float64 arrays [P, 2]; those without points are left out.

    Raises:
        EmptyDrawingError: If there is no point at all.
        DrawingError: If a stroke is not a list of pairs of numbers, a coordinate is not finite or
            larger than MAX_COORDINATE, or there are more than MAX_POINTS points. Strokes and points
            are counted from 1 in the message.
    """
    checked = []
    for number, points in enumerate(strokes, start=1):
        try:
            stroke = np.asarray(points, dtype=np.float64)
        except (TypeError, ValueError):
            raise DrawingError(f"stroke {number} is not a list of (x, y) numbers") from None
        if stroke.size == 0:
            continue
        if stroke.ndim != 2 or stroke.shape[1] != 2:
            raise DrawingError(
                f"stroke {number} has shape {list(stroke.shape)}: expected [points, 2] for (x, y)"
            )
        with np.errstate(invalid="ignore"):
            wrong = ~(np.abs(stroke) <= MAX_COORDINATE).all(axis=1)
        if wrong.any():
            point = int(wrong.argmax())
            raise DrawingError(
                f"stroke {number}, point {point + 1} is ({stroke[point, 0]}, {stroke[point, 1]}): "
                f"coordinates are finite numbers, at most {MAX_COORDINATE:.0e} in size"
            )
        checked.append(stroke)
    if not checked:
        raise EmptyDrawingError("the drawing is empty: expected at least one stroke with a point")
    total = sum(map(len, checked))
    if total > MAX_POINTS:
        raise DrawingError(f"the drawing has {total} points: at most {MAX_POINTS} are possible")
    return tuple(checked)


def prepare(strokes: Sequence[npt.ArrayLike]) -> tuple[Stroke, ...]:
    """A drawing from a canvas of any size, in the form of the data set's simplified drawings.

    Whole numbers from 0 to 255, the smallest x and y 0, the longest side 255. A single point, or
    several on one spot, is a dot and comes out at (0, 0). A drawing that has this form already
    stays as it is: to leave out points twice would bend its lines.

    Raises:
        DrawingError: As `check` does.
    """
    checked = check(strokes)
    if _is_prepared(checked):
        return checked
    return tuple(np.round(simplify(stroke)) for stroke in fit(checked))


def _is_prepared(strokes: Sequence[Stroke]) -> bool:
    """Whether the strokes can be the data set's own: whole numbers that fill its box."""
    points = np.concatenate(strokes)
    # Leaving out points can cost the first or last unit of a side, seldom more than the tolerance.
    low, high = points.min(), points.max()
    return bool(
        0 <= low <= TOLERANCE
        and SPAN - TOLERANCE <= high <= SPAN
        and (points == np.floor(points)).all()
    )


def fit(strokes: Sequence[Stroke]) -> tuple[Stroke, ...]:
    """The strokes shifted to the top left and scaled so that the longest side is SPAN."""
    points = np.concatenate(strokes)
    corner = points.min(axis=0)
    span = float((points.max(axis=0) - corner).max())
    # Below this a drawing is a dot, and its scale would only magnify rounding.
    scale = SPAN / span if span > 1e-9 else 0.0
    return tuple((stroke - corner) * scale for stroke in strokes)


def simplify(stroke: Stroke, tolerance: float = TOLERANCE) -> Stroke:
    """The stroke without the points that lie within the tolerance of the line that replaces them.

    The algorithm of Ramer, Douglas and Peucker: keep both ends; if the point farthest from the line
    between them is farther than the tolerance, keep it and go on with both halves. The line ends
    where they are, so that a pen that goes there and back keeps its turning point.

    Args:
        stroke: Float64 [P, 2], P from 1.
        tolerance: In units of the coordinates.

    Returns:
        Float64 [Q, 2], Q from 1 to P; the ends stay.
    """
    keep = np.zeros(len(stroke), dtype=bool)
    keep[[0, -1]] = True
    waiting = [(0, len(stroke) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        offsets = stroke[first + 1 : last] - stroke[first]
        chord = stroke[last] - stroke[first]
        # How far along the chord the nearest point of it lies; 0 if both its ends are one point.
        share = np.clip(offsets @ chord / max(float(chord @ chord), 1e-12), 0, 1)
        distances = np.hypot(*(offsets - share[:, None] * chord).T)
        farthest = int(distances.argmax())
        if distances[farthest] > tolerance:
            middle = first + 1 + farthest
            keep[middle] = True
            waiting += [(first, middle), (middle, last)]
    return stroke[keep]


def draw(strokes: Sequence[Stroke], line_width: float = LINE_WIDTH) -> npt.NDArray[np.uint8]:
    """The 28x28 bitmap of a prepared drawing: uint8 [28, 28], 0 background, 255 ink.

    Args:
        strokes: As `prepare` returns them; they are centred here.
        line_width: In units; the data set's is LINE_WIDTH.
    """
    return reduced(draw_large(strokes, line_width), SIDE)


def draw_raster(strokes: Sequence[Stroke], line_width: float = LINE_WIDTH) -> npt.NDArray[np.uint8]:
    """The larger picture that also shows the order of the strokes: uint8 [2, 56, 56].

    Channel 0 is ink as in `draw`, at twice the resolution. In channel 1 the ink fades from line to
    line, from white at the first point to dark grey at the last, so that a network can see what
    was drawn first and in which direction.

    Args:
        strokes: As `prepare` returns them; they are centred here.
        line_width: In units.
    """
    ink = reduced(draw_large(strokes, line_width), RASTER_SIDE)
    order = reduced(draw_large(strokes, line_width, fades=True), RASTER_SIDE)
    return np.stack([ink, order])


def draw_large(strokes: Sequence[Stroke], line_width: float, *, fades: bool = False) -> Image.Image:
    """The drawing at _LARGE_SIDE pixels, before antialiasing: 0 background, 255 ink.

    Args:
        strokes: As `prepare` returns them; they are centred here.
        line_width: In units.
        fades: Whether the ink's grey tells when it was drawn.
    """
    scale = _LARGE_SIDE / FRAME
    everything = np.concatenate(strokes)
    # The publisher centres by the far corner; the near one is at (0, 0) or as good as there.
    middle = everything.max(axis=0) / 2
    image = Image.new("L", (_LARGE_SIDE, _LARGE_SIDE))
    canvas = ImageDraw.Draw(image)
    width = line_width * scale
    # Pillow counts pixels, not the edges between them: half a pixel off a circle's true outline.
    low, high = width / 2 + 0.5, width / 2 - 0.5
    greys = iter(_greys(strokes)) if fades else None
    for stroke in strokes:
        pixels = (stroke - middle) * scale + _LARGE_SIDE / 2
        points = [(x, y) for x, y in pixels.tolist()]
        if greys is None:
            if len(points) > 1:
                canvas.line(points, fill=255, width=round(width))
            for x, y in points:
                canvas.ellipse((x - low, y - low, x + high, y + high), fill=255)
            continue
        previous = points[0]
        for x, y in points:
            grey = next(greys)
            canvas.line([previous, (x, y)], fill=grey, width=round(width))
            canvas.ellipse((x - low, y - low, x + high, y + high), fill=grey)
            previous = (x, y)
    return image


def _greys(strokes: Sequence[Stroke]) -> list[int]:
    """The grey of every point in the order drawn, by the length that was drawn before it."""
    steps = [np.hypot(*np.diff(stroke, axis=0, prepend=stroke[:1]).T) for stroke in strokes]
    drawn = np.cumsum(np.concatenate(steps))
    share = drawn / max(float(drawn[-1]), 1e-9)
    greys = np.round(_FIRST_GREY + (_LAST_GREY - _FIRST_GREY) * share)
    return [int(grey) for grey in greys]


def reduced(image: Image.Image, side: int) -> npt.NDArray[np.uint8]:
    """A large drawing averaged down: uint8 [side, side], SIDE or RASTER_SIDE."""
    return np.asarray(image.reduce(image.width // side))
