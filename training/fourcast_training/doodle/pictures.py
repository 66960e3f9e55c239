"""Screenshots and photographs of drawings, made up to see how a network bears them.

They go through the image path (`fourcast_models.doodle.images`) as a user's own files do.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from fourcast_models.doodle import images
from fourcast_models.doodle.strokes import SPAN, Stroke

READER = hashlib.sha256(Path(images.__file__).read_bytes()).hexdigest()
"""The code of the image path: bitmaps that were kept are of use only while it is the same."""


@dataclass(frozen=True)
class Look:
    """How a drawing stands on its canvas.

    Attributes:
        canvas: Side of the square canvas, in pixels.
        span: Longest side of the drawing, as a share of the canvas.
        shift: Of the drawing's centre from the canvas's, rightwards and down, shares of the canvas.
        pen: Width of the line, as a share of the drawing's longest side. The data set's is 1/16.
        ink: Grey of the line.
        paper: Grey of the background.
    """

    canvas: int = 400
    span: float = 0.6
    shift: tuple[float, float] = (0.0, 0.0)
    pen: float = 16 / 255
    ink: int = 0
    paper: int = 255


def screenshot(strokes: Sequence[Stroke], look: Look) -> Image.Image:
    """A prepared drawing on a canvas, in grey, antialiased."""
    finer = 2
    side = finer * look.canvas
    scale = look.span * side / SPAN
    middle = np.concatenate(strokes).max(axis=0) / 2
    centre = side / 2 + side * np.array(look.shift)
    image = Image.new("L", (side, side), look.paper)
    canvas = ImageDraw.Draw(image)
    width = look.pen * look.span * side
    for stroke in strokes:
        points = [(x, y) for x, y in ((stroke - middle) * scale + centre).tolist()]
        canvas.line(points, fill=look.ink, width=max(1, round(width)))
        for x, y in points:
            box = (x - width / 2, y - width / 2, x + width / 2, y + width / 2)
            canvas.ellipse(box, fill=look.ink)
    return image.reduce(finer)


def photograph(strokes: Sequence[Stroke], rng: np.random.Generator) -> Image.Image:
    """A drawing on paper as a telephone sees it.

    A pencil or felt pen on whitish paper, seen at a slant (the corners of the sheet move by up to
    8 %), lit from one side (the brightness falls by up to 40 %), slightly out of focus, with grain,
    stored as JPEG.
    """
    look = Look(
        canvas=600,
        span=float(rng.uniform(0.45, 0.75)),
        shift=(float(rng.uniform(-0.08, 0.08)), float(rng.uniform(-0.08, 0.08))),
        pen=float(rng.uniform(0.02, 0.06)),
        ink=int(rng.integers(20, 90)),
        paper=int(rng.integers(200, 245)),
    )
    image = _slanted(screenshot(strokes, look), rng, look.paper)
    grey = np.asarray(image, dtype=np.float64)
    rows, columns = np.mgrid[-0.5 : 0.5 : grey.shape[0] * 1j, -0.5 : 0.5 : grey.shape[1] * 1j]
    angle, fall = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.4)
    along = np.cos(angle) * columns + np.sin(angle) * rows
    corners = rng.uniform(0.0, 0.3) * (np.square(rows) + np.square(columns))
    light = 1 - fall * (along + 0.5) - corners
    grain = rng.normal(0.0, rng.uniform(2.0, 8.0), grey.shape)
    lit = np.clip(_blurred(grey * light) + grain, 0, 255).astype(np.uint8)
    stored = io.BytesIO()
    Image.fromarray(lit).save(stored, "JPEG", quality=int(rng.integers(60, 95)))
    return Image.open(stored)


def _slanted(image: Image.Image, rng: np.random.Generator, paper: int) -> Image.Image:
    """The picture with each corner moved by up to 8 % of its side."""
    side = image.width
    seen = np.array([(0, 0), (side, 0), (side, side), (0, side)], dtype=np.float64)
    sheet = seen + rng.uniform(-0.08, 0.08, seen.shape) * side
    # The eight numbers of the projection that takes each corner seen to its place on the sheet.
    rows, targets = [], []
    for (x, y), (u, v) in zip(seen, sheet, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        targets += [u, v]
    projection = np.linalg.solve(np.array(rows), np.array(targets))
    return image.transform(
        image.size,
        Image.Transform.PERSPECTIVE,
        projection.tolist(),
        Image.Resampling.BICUBIC,
        fillcolor=paper,
    )


def _blurred(grey: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Each pixel averaged with its neighbours, the nearer the more."""
    weights = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    for axis in (0, 1):
        grey = np.apply_along_axis(np.convolve, axis, np.pad(grey, 2, mode="edge"), weights, "same")
        grey = grey[2:-2, 2:-2]
    return grey
