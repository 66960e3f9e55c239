"""Training drawings through images: their own category, like their bitmap, and again the same."""

from pathlib import Path

import numpy as np

from fourcast_training.doodle.generated import generate
from fourcast_training.doodle.imaged import imaged


def test_images_are_like_their_drawings_and_the_same_every_time(tmp_path: Path) -> None:
    drawings = generate(5, seed=3)
    images = imaged(drawings, 3, tmp_path, seed=1, jobs=1)
    chosen = drawings.first_of_each(3)
    np.testing.assert_array_equal(images.labels, chosen.labels)
    assert not images.has_strokes.any()
    assert not images.key_ids.any()
    # Nearer to its own drawing than to any other one, most of the time.
    ours, theirs = (
        part.bitmaps.reshape(len(part), -1).astype(np.float64) for part in (images, chosen)
    )
    distances = np.square(ours[:, None] - theirs[None]).mean(axis=2)
    assert (distances.argmin(axis=1) == np.arange(len(chosen))).mean() > 0.8
    (folder,) = tmp_path.iterdir()
    for part in folder.iterdir():
        part.unlink()
    again = imaged(drawings, 3, tmp_path, seed=1, jobs=2)
    np.testing.assert_array_equal(images.bitmaps, again.bitmaps)
    other = imaged(drawings, 3, tmp_path, seed=2, jobs=1)
    assert (images.bitmaps != other.bitmaps).any()
