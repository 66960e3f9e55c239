"""Training drawings as the image path sees them: screenshots and photographs, brought back.

Where a line was thick, its image has fewer details than the strokes had, and no path from pixels
brings them back. A network that has seen such bitmaps in training reads them better.
"""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fourcast_models.doodle.images import bitmap_of
from fourcast_models.doodle.strokes import Stroke
from fourcast_training.doodle.drawings import Drawings
from fourcast_training.doodle.pictures import READER, Look, photograph, screenshot
from fourcast_training.parallel import Arrays, run_parts

PHOTOGRAPHS = 0.25
"""Share of the images that are photographs."""

LIGHT_ON_DARK = 0.25
"""Share of the screenshots that are."""

PEN = (0.4, 2.4)
"""The narrowest and widest line of a screenshot, by the data set's own."""

SPAN = (0.25, 0.9)
"""The smallest and largest drawing, by its canvas."""

CANVAS = (200, 900)
"""The smallest and largest canvas, in pixels."""

_PART = 256


def imaged(drawings: Drawings, per_class: int, folder: Path, *, seed: int, jobs: int) -> Drawings:
    """Some drawings of each category, through an image each and back.

    Args:
        drawings: To choose from, sorted by label: the first of each category that have strokes.
        per_class: How many of each category.
        folder: Keeps finished parts, so that a run that was killed goes on from them.
        seed: Of the images.
        jobs: Processes.

    Returns:
        Bitmaps without strokes and without key ids.
    """
    chosen = drawings.select(np.flatnonzero(drawings.has_strokes)).first_of_each(per_class)
    recipe = f"{READER} {chosen.sha256} {seed} {PHOTOGRAPHS} {LIGHT_ON_DARK} {PEN} {SPAN} {CANVAS}"
    name = f"imaged-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    parts = [
        (chosen.select(np.arange(start, min(start + _PART, len(chosen)))), [seed, start])
        for start in range(0, len(chosen), _PART)
    ]
    done = run_parts(folder / name, parts, _through_images, jobs=jobs, description="images")
    return Drawings(
        labels=chosen.labels,
        key_ids=np.zeros_like(chosen.key_ids),
        bitmaps=np.concatenate([part["bitmaps"] for part in done]).astype(np.uint8),
        points=np.zeros((0, 3), dtype=np.uint8),
        offsets=np.zeros(len(chosen) + 1, dtype=np.int64),
    )


def _through_images(drawings: Drawings, seed: list[int]) -> Arrays:
    rng = np.random.default_rng(seed)
    return {
        "bitmaps": np.stack(
            [_through_an_image(drawings.strokes(index), rng) for index in range(len(drawings))]
        )
    }


def _through_an_image(
    strokes: tuple[Stroke, ...], rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    if rng.random() < PHOTOGRAPHS:
        return bitmap_of(photograph(strokes, rng))
    is_light = rng.random() < LIGHT_ON_DARK
    look = Look(
        canvas=int(rng.integers(*CANVAS)),
        span=float(rng.uniform(*SPAN)),
        pen=Look().pen * float(rng.uniform(*PEN)),
        ink=255 if is_light else 0,
        paper=0 if is_light else 255,
    )
    return bitmap_of(screenshot(strokes, look))
