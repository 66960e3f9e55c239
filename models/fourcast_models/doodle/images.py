"""Photographs and screenshots of drawings to the data set's 28x28 bitmap.

A picture has no strokes, so this finds where the pen went and draws that anew with the data set's
own pen (`strokes.draw`). Shrinking the picture instead would leave lines too thin or too thick,
which costs more accuracy than anything else. In order:

1. The light is evened out: a smooth surface is fitted to the brightness, and what stands out from
   it is ink, dark or light, whichever is more.
2. A threshold (Otsu, 1979) separates ink from background; specks smaller than the pen go.
3. The drawing is scaled so that its longest side is the data set's 255 units.
4. Lines are thinned (Zhang and Suen, 1984) by half their width and no more: a line shrinks to the
   way of the pen, whatever its width, while what was filled in stays filled.
5. A pen of the data set's width is set down on every point that is left.

The drawing is expected to fill the picture or a part of it, on a background of one colour: nothing
here looks for a sheet of paper on a desk.
"""

from collections import deque

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from fourcast_models.doodle.strokes import DrawingError, EmptyDrawingError, draw, fit
from fourcast_models.images import MAX_PIXELS, ImageError, open_upright

MIN_CONTRAST = 24.0
"""How far ink must stand out from its background, in grey levels of 256."""

_WORK_SIDE = 512
"""Pictures are brought to this longest side before ink is looked for."""

_DRAWING_SIDE = 256
"""The longest side of the ink, in pixels, when it is thinned: a pixel is a unit of `strokes`."""

_WIDEST_PEN = 48
"""In pixels of the same: what is wider was filled in, not drawn with one line."""

_SHALLOW = 0.2
"""Share of the middles of lines that may be those of a rough edge."""

_Mask = npt.NDArray[np.bool_]
_Grey = npt.NDArray[np.float32]


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The picture in a PNG, JPEG, WebP, GIF or BMP file, upright and in grey.

    Transparent pixels become white, or black if what is drawn is light.

    Args:
        data: The file.
        max_pixels: Of more than these, width times height, nothing is unpacked.

    Raises:
        DrawingError: If it is none of these, damaged, or larger than that.
    """
    try:
        with open_upright(data, max_pixels) as upright:
            if not upright.has_transparency_data:
                return _in_grey(upright)
            grey, alpha = upright.convert("LA").split()
            drawn = np.asarray(grey)[np.asarray(alpha) > 127]
            paper = 0 if drawn.size and drawn.mean() > 127 else 255
            flat = Image.new("L", grey.size, paper)
            flat.paste(grey, mask=alpha)
            return flat
    except ImageError as error:
        raise DrawingError(str(error)) from None


def bitmap_of(image: Image.Image) -> npt.NDArray[np.uint8]:
    """The drawing in a picture as the data set's bitmap: uint8 [28, 28], 0 background, 255 ink.

    Args:
        image: Of any size and mode, dark on light or light on dark, the drawing anywhere in it.

    Raises:
        EmptyDrawingError: If nothing stands out from the background.
        DrawingError: If the picture is larger than MAX_PIXELS.
    """
    if image.width * image.height > MAX_PIXELS:
        raise DrawingError(
            f"the image has {image.width} x {image.height} pixels: at most {MAX_PIXELS:,} "
            "are possible"
        )
    ink = _ink(_in_grey(image))
    box = _bounds(_without_specks(_threshold(ink)))
    ink = _scaled(ink, box)
    mask = _without_specks(_threshold(ink))
    thinned = _thinned(mask, layers=round(min(_half_width(mask), _WIDEST_PEN / 2)))
    rows, columns = np.nonzero(thinned)
    # A dot on every point that is left: together they are the line of a round pen.
    dots = np.stack([columns, rows], axis=1)[:, None, :].astype(np.float64)
    return draw(fit(tuple(dots)))


def _in_grey(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = np.asarray(image, dtype=np.float32)
        top = max(float(values.max(initial=0)), 1.0)
        return Image.fromarray((values.clip(0) * (255 / top)).astype(np.uint8))
    return image.convert("L")


def _ink(image: Image.Image) -> _Grey:
    """How much each pixel stands out from the background: float32, 0 for background.

    Raises:
        EmptyDrawingError: If no pixel stands out by MIN_CONTRAST.
    """
    scale = _WORK_SIDE / max(image.size)
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BOX)
    # Grain of a photograph is finer than any line that remains at this size.
    if min(image.size) >= _WORK_SIDE // 2:
        image = image.filter(ImageFilter.MedianFilter(3))
    grey = np.asarray(image, dtype=np.float32)
    relief: _Grey = grey - _background(grey)
    dark, light = np.clip(-relief, 0, None), np.clip(relief, 0, None)
    # Squared, because a wide background that is slightly off outweighs a thin line.
    ink: _Grey = dark if np.square(dark).sum() >= np.square(light).sum() else light
    if float(ink.max(initial=0)) < MIN_CONTRAST:
        raise EmptyDrawingError(
            "the image is empty: nothing stands out from its background by at least "
            f"{MIN_CONTRAST:.0f} of 256 grey levels"
        )
    return ink


def _background(grey: _Grey) -> _Grey:
    """A quadratic surface through the brightness of the background, float32 of the same shape.

    Fitted by least squares, then again without the pixels far from it, which are ink; a few times.
    """
    y = np.linspace(-1, 1, grey.shape[0])[:, None]
    x = np.linspace(-1, 1, grey.shape[1])[None, :]
    # Every eighth row and column of a large picture says as much about a smooth surface.
    step = 8 if min(grey.shape) > 128 else 1
    values = grey[::step, ::step].ravel().astype(np.float64)
    parts = np.broadcast_arrays(*_quadratic(x[:, ::step], y[::step]))
    terms = np.stack([part.ravel() for part in parts], axis=1)
    distance = np.abs(values - np.median(values))
    coefficients = np.zeros(len(parts))
    for _ in range(5):
        near = distance <= max(2.0, 3.0 * float(np.median(distance)))
        # Regularised by next to nothing, for pictures of one row or column.
        normal = terms[near].T @ terms[near] + 1e-6 * np.eye(len(parts))
        coefficients = np.linalg.solve(normal, terms[near].T @ values[near])
        distance = np.abs(values - terms @ coefficients)
    fitted = sum(c * term for c, term in zip(coefficients, _quadratic(x, y), strict=True))
    return np.asarray(fitted, dtype=np.float32)


def _quadratic(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], ...]:
    """The six terms of a quadratic surface, each of a shape that broadcasts to that of x and y."""
    return np.ones((1, 1)), x, y, x * x, x * y, y * y


def _threshold(ink: _Grey) -> _Mask:
    """What is ink: more than the level that best parts two classes, and than half MIN_CONTRAST."""
    step = max(float(ink.max()), 1.0) / 255
    counts = np.bincount((ink.ravel().clip(0) / step).astype(np.int64), minlength=256)
    centres = np.arange(256)
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centres)
    mean_below = sums / np.maximum(below, 1)
    mean_above = (sums[-1] - sums) / np.maximum(above, 1)
    best = int(np.argmax(below * above * np.square(mean_below - mean_above)))
    mask: _Mask = ink > max((best + 1) * step, MIN_CONTRAST / 2)
    return mask


def _without_specks(mask: _Mask) -> _Mask:
    """The mask without pieces smaller than a touch of the pen that drew the rest."""
    labels, sizes = _pieces(mask)
    touch = np.pi / 4 * (2 * _half_width(mask)) ** 2
    enough = sizes >= min(0.5 * touch, sizes.max())
    enough[0] = False
    kept: _Mask = enough[labels]
    return kept


_CELL = 4
"""Pieces are told apart on a grid this coarse, which also joins a line that is broken up."""


def _pieces(mask: _Mask) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """A number from 1 for the piece of each pixel, 0 for none, and the pixels of every number."""
    height, width = mask.shape
    padded = np.pad(mask, ((0, -height % _CELL), (0, -width % _CELL)))
    blocks = padded.reshape(padded.shape[0] // _CELL, _CELL, padded.shape[1] // _CELL, _CELL)
    waiting = {(int(row), int(column)) for row, column in np.argwhere(blocks.any(axis=(1, 3)))}
    numbers = np.zeros((blocks.shape[0], blocks.shape[2]), dtype=np.int64)
    count = 0
    while waiting:
        count += 1
        queue = deque([waiting.pop()])
        while queue:
            row, column = queue.popleft()
            numbers[row, column] = count
            around = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & waiting
            waiting -= around
            queue.extend(around)
    labels = np.kron(numbers, np.ones((_CELL, _CELL), dtype=np.int64))[:height, :width] * mask
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    return labels, sizes


def _bounds(mask: _Mask) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is set; right and bottom are the first beyond."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _scaled(ink: _Grey, box: tuple[int, int, int, int]) -> _Grey:
    """The part of the picture in the box, its longest side _DRAWING_SIDE, with a margin."""
    left, top, right, bottom = box
    scale = _DRAWING_SIDE / max(right - left, bottom - top)
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    image = Image.fromarray(ink).resize(size, Image.Resampling.BICUBIC, box=box)
    return np.pad(np.asarray(image), 2)


def _half_width(mask: _Mask) -> float:
    """Half the width of the lines, in pixels, as most of their middles have at least.

    What was filled in, or lies between two lines that touch, is deeper and must not count; a rough
    edge has a few shallow middles.
    """
    depths = np.zeros(mask.shape, dtype=np.int64)
    inner = np.pad(mask, 1)
    # By turns with four and eight neighbours, so that the depth grows evenly in all directions.
    crosswise = True
    while inner.any():
        depths += inner[1:-1, 1:-1]
        inner = eroded(inner, crosswise=crosswise)
        crosswise = not crosswise
    middles = mask & (depths >= _largest_around(depths))
    return float(np.quantile(depths[middles], _SHALLOW, method="lower")) - 0.5


def eroded(mask: _Mask, *, crosswise: bool) -> _Mask:
    """What is left of a mask, bool [H, W] and clear at its edge, when its outermost pixels go.

    Args:
        mask: The mask.
        crosswise: Whether a pixel's four neighbours decide, or all eight. By turns, they take away
            as much in all directions.
    """
    left = mask.copy()
    left[1:-1] &= mask[:-2] & mask[2:]
    left[:, 1:-1] &= mask[:, :-2] & mask[:, 2:]
    if not crosswise:
        left[1:-1, 1:-1] &= mask[:-2, :-2] & mask[:-2, 2:] & mask[2:, :-2] & mask[2:, 2:]
    return left


def _largest_around(depths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The largest value among each element and its eight neighbours."""
    padded = np.pad(depths, 1)
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    largest: npt.NDArray[np.int64] = np.maximum(
        np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:]
    )
    return largest


def _thinned(mask: _Mask, layers: int) -> _Mask:
    """The mask without this many layers of its edge, as far as no line breaks or loses its end."""
    left = np.pad(mask, 1)
    for _ in range(layers):
        before = int(left.sum())
        for second in (False, True):
            left[1:-1, 1:-1] &= ~_removable(left, second=second)
        if int(left.sum()) == before:
            break
    return left[1:-1, 1:-1]


def _removable(mask: _Mask, *, second: bool) -> _Mask:
    """The pixels that one half step of Zhang and Suen's thinning takes away."""
    # The eight neighbours, clockwise from the one above.
    p2, p3, p4, p5, p6, p7, p8, p9 = (
        mask[1 + row : mask.shape[0] - 1 + row, 1 + column : mask.shape[1] - 1 + column]
        for row, column in ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
    )
    ring = (p2, p3, p4, p5, p6, p7, p8, p9)
    count = np.sum(ring, axis=0, dtype=np.int8)
    starts = np.sum([~a & b for a, b in zip(ring, (*ring[1:], p2), strict=True)], axis=0)
    if second:
        open_sides = ~(p2 & p4 & p8) & ~(p2 & p6 & p8)
    else:
        open_sides = ~(p2 & p4 & p6) & ~(p4 & p6 & p8)
    removable: _Mask = mask[1:-1, 1:-1] & (count >= 2) & (count <= 6) & (starts == 1) & open_sides
    return removable
