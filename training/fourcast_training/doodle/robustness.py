"""What becomes of a guess when the drawing is moved, photographed, unfinished, or nothing at all.

Drawings are changed as users' drawings differ, and go the way that users' drawings go: strokes
through `strokes.prepare`, pictures through `images.bitmap_of`.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from fourcast_models.doodle.images import bitmap_of
from fourcast_models.doodle.strokes import (
    EmptyDrawingError,
    Stroke,
    draw,
    draw_raster,
    fit,
    prepare,
)
from fourcast_training.doodle.augment import Picture, first_part
from fourcast_training.doodle.drawings import Drawings
from fourcast_training.doodle.generated import Scribble, scribble
from fourcast_training.doodle.pictures import READER, Look, photograph, screenshot
from fourcast_training.parallel import Arrays, run_parts

Pictures = npt.NDArray[np.uint8]
Guesser = Callable[[Pictures], npt.NDArray[np.float32]]
"""Probabilities float32 [N, 345] for what a network reads."""

_PEN = Look().pen

LOOKS: Mapping[str, Look | None] = {
    "screenshot": Look(),
    "moved by 10 %": Look(shift=(0.1, -0.1)),
    "half the size": replace(Look(), span=Look().span / 2),
    "twice the canvas": Look(canvas=2 * Look().canvas),
    "line half as wide": Look(pen=_PEN / 2),
    "line twice as wide": Look(pen=_PEN * 2),
    "light on dark": Look(ink=255, paper=0),
    "photograph": None,
}
"""How pictures differ; None is `photograph`. All others but the last two of size are dark on light,
with the data set's own line."""

_PART = 64


def through_images(
    drawings: Drawings, folder: Path, seed: int, jobs: int
) -> dict[str, npt.NDArray[np.uint8]]:
    """Bitmaps uint8 [N, 28, 28] of the drawings by each way of LOOKS, as the image path sees them.

    Args:
        drawings: With strokes.
        folder: Keeps finished parts, so that a second evaluation is quick.
        seed: Of the photographs.
        jobs: Processes.
    """
    digest = hashlib.sha256(f"{READER} {drawings.sha256} {seed} {LOOKS}".encode()).hexdigest()[:12]
    starts = range(0, len(drawings), _PART)
    parts = [
        (drawings.select(np.arange(start, min(start + _PART, len(drawings)))), [seed, start])
        for start in starts
    ]
    done = run_parts(
        folder / f"pictures-{digest}", parts, _through_images, jobs=jobs, description="pictures"
    )
    return {name: np.concatenate([part[name] for part in done]).astype(np.uint8) for name in LOOKS}


def _through_images(drawings: Drawings, seed: list[int]) -> Arrays:
    rng = np.random.default_rng(seed)
    found: dict[str, list[Pictures]] = {name: [] for name in LOOKS}
    for index in range(len(drawings)):
        strokes = drawings.strokes(index)
        for name, look in LOOKS.items():
            image = photograph(strokes, rng) if look is None else screenshot(strokes, look)
            found[name].append(bitmap_of(image))
    return {name: np.stack(bitmaps) for name, bitmaps in found.items()}


CANVASES: Mapping[str, Callable[[Stroke], Stroke]] = {
    "moved by 10 %": lambda points: points + np.array([25.5, -25.5]),
    "half the size": lambda points: points / 2,
    "twice the size": lambda points: points * 2,
    "on a large canvas, moved": lambda points: points * 7.3 + np.array([1200.0, 345.6]),
}
"""How the same strokes may come from another canvas. Strokes have no width and no colour."""


def through_strokes(
    drawings: Drawings, picture: Picture, change: Callable[[Stroke], Stroke]
) -> Pictures:
    """What a network reads of drawings whose strokes were changed, by the stroke path."""
    return np.stack(
        [
            picture_of(prepare([change(stroke) for stroke in drawings.strokes(index)]), picture)
            for index in range(len(drawings))
        ]
    )


def beginnings(drawings: Drawings, picture: Picture, share: float) -> Pictures:
    """What a network reads when the pen has gone this share of its way."""
    return np.stack(
        [
            picture_of(fit(first_part(drawings.strokes(index), share)), picture)
            for index in range(len(drawings))
        ]
    )


def nothings(picture: Picture, count: int, seed: int, *, letters: bool) -> dict[str, Pictures]:
    """Pictures of nothing in the list: each kind of scribble, and, for bitmaps, letters and digits.

    Letters come through the image path and so are bitmaps only.

    Args:
        picture: What to draw.
        count: Of each kind of scribble.
        seed: Of the scribbles.
        letters: Whether to show letters, too.
    """
    rng = np.random.default_rng([seed, 1])
    found = {
        f"scribbles, {kind}": np.stack(
            [picture_of(scribble(kind, rng), picture) for _ in range(count)]
        )
        for kind in get_args(Scribble)
    }
    if letters and picture == "bitmap":
        found["letters and digits"] = np.stack([bitmap_of(_letter(text)) for text in _TEXTS])
    return found


_LETTERS = "ABDEFGHJKMNPQRSTWYabdefghkmnpqrtuwy2345679"
"""Without those that are drawings of something: O is a circle, L an angle, V a check mark."""

_TEXTS = (*_LETTERS, *(a + b for a, b in zip(_LETTERS, _LETTERS[::-1], strict=True)))


def _letter(text: str) -> Image.Image:
    image = Image.new("L", (400, 300), 255)
    font = ImageFont.load_default(size=170)
    ImageDraw.Draw(image).text((40, 40), text, font=font, fill=0)
    return image


def empty_is_refused() -> bool:
    """Whether an empty canvas is refused, as strokes and as a picture."""
    refused = 0
    try:
        prepare([])
    except EmptyDrawingError:
        refused += 1
    try:
        bitmap_of(Image.new("L", (200, 200), 255))
    except EmptyDrawingError:
        refused += 1
    return refused == 2


def picture_of(strokes: tuple[Stroke, ...], picture: Picture) -> Pictures:
    """What a network reads of one prepared drawing."""
    return draw(strokes) if picture == "bitmap" else draw_raster(strokes)


def pictures_of(drawings: Drawings, picture: Picture) -> Pictures:
    """What a network reads of drawings: their bitmaps as they are, or rasters of their strokes."""
    if picture == "bitmap":
        return drawings.bitmaps
    return np.stack([draw_raster(drawings.strokes(index)) for index in range(len(drawings))])
