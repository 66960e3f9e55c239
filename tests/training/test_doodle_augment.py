"""The pictures of each epoch: what varies, what stays, and that a seed makes them again."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from fourcast_models.doodle.strokes import LINE_WIDTH, SPAN, draw, draw_raster, prepare
from fourcast_training.doodle.augment import (
    NOTHING,
    AugmentConfig,
    EpochPictures,
    Picture,
    augmented,
    first_part,
    thick,
)
from fourcast_training.doodle.drawings import Drawings
from fourcast_training.doodle.generated import Scribble, generate, scribble, shape

STILL = AugmentConfig(
    rotation=0,
    stretch=0,
    slant=0,
    shake=0,
    line_width=0,
    shift=0,
    unfinished=0,
    dropping=0,
    scribbles=0,
)


@pytest.fixture(scope="module")
def drawings() -> Drawings:
    """Twelve shapes of each category, the last of each without strokes."""
    whole = generate(12, seed=3)
    is_last = np.arange(len(whole)) % 12 == 11
    sizes = np.where(is_last, 0, np.diff(whole.offsets))
    keep = np.repeat(~is_last, np.diff(whole.offsets))
    return replace(
        whole,
        points=whole.points[keep],
        offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
    )


def pictures(
    drawings: Drawings,
    config: AugmentConfig,
    *,
    picture: Picture = "bitmap",
    per_class: int = 12,
    reuse: int = 1,
    jobs: int = 0,
    seed: int = 5,
) -> EpochPictures:
    return EpochPictures(
        drawings, picture, config, per_class=per_class, reuse=reuse, seed=seed, jobs=jobs
    )


def test_a_still_drawing_only_turns_its_face() -> None:
    rng = np.random.default_rng(0)
    strokes = shape("envelope", rng)
    mirrored = {augmented(strokes, STILL, rng)[0][0].tobytes() for _ in range(20)}
    assert len(mirrored) == 2
    found = [augmented(strokes, STILL, rng)[0] for _ in range(20)]
    plain = draw(strokes)
    for bent in found:
        picture = draw(bent).astype(int)  # moved by the fraction of a pixel that fitting costs
        assert min(np.abs(picture - plain).mean(), np.abs(picture[:, ::-1] - plain).mean()) < 5


def test_a_bent_drawing_still_fills_the_box() -> None:
    rng = np.random.default_rng(1)
    config = AugmentConfig(unfinished=0.5, dropping=0.5)
    for _ in range(200):
        for strokes in augmented(shape("ladder", rng), config, rng):
            points = np.concatenate(strokes)
            assert points.min() == pytest.approx(0)
            assert points.max() == pytest.approx(SPAN)


def test_what_is_missing_is_in_the_whole_drawing() -> None:
    rng = np.random.default_rng(2)
    strokes = shape("ladder", rng)
    for config in (replace(STILL, unfinished=1.0), replace(STILL, dropping=1.0)):
        pairs = [augmented(strokes, config, rng) for _ in range(20)]
        assert all(len(drawn) <= len(whole) == len(strokes) for drawn, whole in pairs)
        assert min(len(drawn) for drawn, _ in pairs) < len(strokes)
    drawn, whole = augmented(strokes, AugmentConfig(unfinished=0, dropping=0), rng)
    assert drawn is whole


def test_the_beginning_has_the_asked_length() -> None:
    strokes = (np.array([[0.0, 0], [30, 0], [30, 40]]), np.array([[0.0, 0], [0, 30]]))
    half = first_part(strokes, 0.5)
    assert len(half) == 1
    np.testing.assert_allclose(half[0], [[0, 0], [30, 0], [30, 20]])
    most = first_part(strokes, 0.9)
    np.testing.assert_allclose(most[1], [[0, 0], [0, 20]])
    whole = first_part(strokes, 1.0)
    for one, other in zip(whole, strokes, strict=True):
        np.testing.assert_allclose(one, other)
    (dot,) = first_part((np.array([[3.0, 4.0]]),), 0.5)
    np.testing.assert_array_equal(dot, [[3, 4]])


def test_the_beginning_of_a_drawing_with_a_point_reported_twice() -> None:
    strokes = (np.array([[0.0, 0.0], [10.0, 0.0]]), np.array([[5.0, 5.0], [5.0, 5.0], [5.0, 15.0]]))
    first, second = first_part(strokes, 0.5)
    np.testing.assert_array_equal(first, strokes[0])
    np.testing.assert_array_equal(np.unique(second, axis=0), [[5, 5]])


def test_an_epoch_is_balanced_and_goes_round(drawings: Drawings) -> None:
    uneven = drawings.select(np.flatnonzero((drawings.labels != 345) & (np.arange(132) % 12 < 7)))
    uneven = uneven.select(np.arange(4, len(uneven)))  # the first category has three left
    source = pictures(uneven, STILL, per_class=5)
    images, labels = source.epoch(0)
    assert len(source) == len(images) == 55
    assert set(np.bincount(labels)[np.unique(labels)]) == {5}
    # In as many turns as it takes, each drawing comes as often as the others of its category.
    label = np.unique(labels)[0]
    seen = np.concatenate([source.epoch(n)[0][source.epoch(n)[1] == label] for n in range(3)])
    folded = {min(p.tobytes(), p[:, ::-1].tobytes()) for p in seen}
    assert len(seen) == 15
    assert len(folded) <= 6  # three drawings, and rounding in the mirror


def test_the_seed_makes_the_pictures_again_in_any_number_of_processes(drawings: Drawings) -> None:
    config = AugmentConfig(scribbles=0.1)
    one, other = pictures(drawings, config), pictures(drawings, config, jobs=2)
    try:
        for number in (1, 0):
            for a, b in zip(one.epoch(number), other.epoch(number), strict=True):
                np.testing.assert_array_equal(a, b)
    finally:
        other.close()
    assert (one.epoch(0)[0] != one.epoch(1)[0]).any()
    assert (one.epoch(0)[0] != pictures(drawings, config, seed=6).epoch(0)[0]).any()


def test_a_set_is_used_as_often_as_asked(drawings: Drawings) -> None:
    source = pictures(drawings, AugmentConfig(), reuse=3)
    sets = [source.epoch(number)[0] for number in range(4)]
    assert sets[0] is sets[1] is sets[2]
    assert (sets[2] != sets[3]).any()


def test_scribbles_come_as_often_as_asked(drawings: Drawings) -> None:
    labels = pictures(drawings, AugmentConfig(scribbles=0.3), per_class=60).epoch(0)[1]
    assert 0.25 < (labels == NOTHING).mean() < 0.35
    assert (pictures(drawings, STILL).epoch(0)[1] != NOTHING).all()


def test_bitmaps_without_strokes_are_bent_too(drawings: Drawings) -> None:
    alone = drawings.select(np.flatnonzero(~drawings.has_strokes))
    still = pictures(alone, STILL, per_class=1).epoch(0)[0]
    for image, bitmap in zip(still, alone.bitmaps, strict=True):
        assert min(np.abs(image - s.astype(int)).max() for s in (bitmap, bitmap[:, ::-1])) <= 1
    bent = pictures(alone, AugmentConfig(scribbles=0), per_class=1).epoch(0)[0]
    assert (bent != still).any(axis=(1, 2)).all()


def test_a_thick_pen_fills_gaps_and_leaves_lines_as_they_are() -> None:
    hook = prepare([[(0, 0), (255, 80), (120, 255)]])
    apart, close = (
        prepare([[(0, 0), (255, 0)], [(0, gap), (255, gap)]]) for gap in (60, LINE_WIDTH + 10)
    )
    for strokes in (hook, apart):
        usual = draw(strokes).astype(float)
        assert np.sqrt(np.square(thick(strokes, LINE_WIDTH, 2) - usual).mean()) < 10
    between = np.s_[13:15, 6:22]
    assert draw(close)[between].mean() < 170
    assert thick(close, LINE_WIDTH, 2)[between].min() == 255


def test_thick_pens_come_as_often_as_asked(drawings: Drawings) -> None:
    known = drawings.select(np.flatnonzero(drawings.has_strokes))
    usual = {image.tobytes() for image in pictures(known, STILL, per_class=60).epoch(0)[0]}
    images, _ = pictures(known, replace(STILL, thick=0.3), per_class=60).epoch(0)
    share = np.mean([image.tobytes() not in usual for image in images])
    assert 0.25 < share < 0.35


def test_rasters_are_drawn(drawings: Drawings) -> None:
    known = drawings.select(np.flatnonzero(drawings.has_strokes))
    images, labels = pictures(known, STILL, picture="raster", per_class=2).epoch(0)
    assert images.shape == (22, 2, 56, 56)
    assert images.dtype == np.uint8
    expected = {
        draw_raster(known.strokes(int(i)))[0].tobytes()
        for i in np.flatnonzero(known.labels == labels[0])
    }
    assert any(image[0].tobytes() in expected for image in images)


@pytest.mark.parametrize("kind", get_args(Scribble))
def test_scribbles_are_prepared_drawings(kind: str) -> None:
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(30):
        strokes = scribble(kind, rng)  # type: ignore[arg-type]  # pytest's parameters are strings
        points = np.concatenate(strokes)
        assert points.max() >= SPAN - 3
        assert points.min() >= 0
        seen.add(draw(strokes).tobytes())
    assert len(seen) == 30
