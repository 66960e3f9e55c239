"""The detector of hidden texts: it learns what shows, and only that."""

import numpy as np
import pytest

from fourcast_models.stego.codec import Pixels
from fourcast_training.stego.detector import area_under_curve, features, train_detector
from fourcast_training.stego.textures import texture


def photographs(start: int) -> list[Pixels]:
    """Smooth ones, half the size."""
    return [texture(np.random.default_rng([start, i]))[::2, ::2] for i in range(16)]


def with_bits(picture: Pixels, generator: np.random.Generator) -> Pixels:
    """Its two least significant bits are random."""
    noise = generator.integers(0, 4, picture.shape, dtype=np.uint8)
    return (picture & np.uint8(252)) | noise


def test_what_shows_is_found_in_other_pictures() -> None:
    generator = np.random.default_rng(0)
    covers, others = photographs(1), photographs(2)
    detector = train_detector(covers, [with_bits(cover, generator) for cover in covers])
    stegos = [with_bits(cover, generator) for cover in others]
    assert area_under_curve(detector.scores(others), detector.scores(stegos)) > 0.8


def test_what_does_not_show_is_not_found() -> None:
    covers, others = photographs(1), photographs(2)
    detector = train_detector(covers, photographs(3))
    area = area_under_curve(detector.scores(others), detector.scores(photographs(4)))
    assert 0.2 < area < 0.8


def test_features_are_frequencies() -> None:
    found = features(photographs(5)[0]).reshape(4, -1)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found >= 0).all()
    flat = features(np.full((64, 64, 3), 9, dtype=np.uint8)).reshape(4, 9, 9)
    np.testing.assert_array_equal(flat[:, 4, 4], 1)


def test_the_area_under_the_curve() -> None:
    low, high = np.array([0.0, 1.0]), np.array([2.0, 3.0])
    assert area_under_curve(low, high) == 1
    assert area_under_curve(high, low) == 0
    assert area_under_curve(low, low) == 0.5
    assert area_under_curve(np.array([0.0, 2.0]), np.array([1.0, 3.0])) == 0.75


def test_a_detector_needs_pictures() -> None:
    with pytest.raises(ValueError, match="without and with"):
        train_detector([], photographs(1))
