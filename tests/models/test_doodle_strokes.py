"""Strokes to the data set's pictures: its form, its bitmaps, and drawings that are none."""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fourcast_models.doodle.strokes import (
    FRAME,
    LINE_WIDTH,
    MAX_COORDINATE,
    MAX_POINTS,
    SPAN,
    TOLERANCE,
    DrawingError,
    EmptyDrawingError,
    Stroke,
    check,
    draw,
    draw_raster,
    prepare,
    simplify,
)

SQUARE = [[(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]]

strokes_of_any_canvas = st.lists(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 40), st.just(2)),
        elements=st.floats(-5000, 5000, width=32),
    ),
    min_size=1,
    max_size=6,
)


def distance_to(stroke: Stroke, point: npt.NDArray[np.float64]) -> float:
    """The distance of a point from the nearest part of a stroke."""
    nearest = float(np.hypot(*(stroke - point).T).min())
    for start, end in pairwise(stroke):
        along = end - start
        if (length := float(along @ along)) > 0:
            share = min(1.0, max(0.0, float((point - start) @ along) / length))
            nearest = min(nearest, float(np.hypot(*(start + share * along - point))))
    return nearest


@given(strokes_of_any_canvas)
def test_a_prepared_drawing_fills_the_box(strokes: list[Stroke]) -> None:
    prepared = prepare(strokes)
    points = np.concatenate(prepared)
    assert len(prepared) == len(strokes)
    assert (points == np.round(points)).all()
    assert points.min() >= 0
    assert points.max() <= SPAN
    everything = np.concatenate(strokes)
    if np.ptp(everything, axis=0).max() > 1e-6:
        # What is left out may have been the outermost point, by the tolerance at most.
        assert np.ptp(points, axis=0).max() >= SPAN - 2 * TOLERANCE - 1
    else:
        assert points.max() == 0


@given(arrays.arrays(np.float64, (60, 2), elements=st.integers(0, 255).map(float)))
def test_what_is_left_out_lies_near_the_line(stroke: Stroke) -> None:
    kept = simplify(stroke)
    assert (kept[0] == stroke[0]).all()
    assert (kept[-1] == stroke[-1]).all()
    rows = {tuple(point) for point in stroke.tolist()}
    assert {tuple(point) for point in kept.tolist()} <= rows
    assert max(distance_to(kept, point) for point in stroke) <= TOLERANCE + 1e-9


def test_a_curve_is_kept_within_the_tolerance() -> None:
    angles = np.linspace(0, 2 * np.pi, 400)
    circle = 127.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    kept = simplify(circle)
    assert 12 <= len(kept) <= 40
    assert max(distance_to(kept, point) for point in circle) <= TOLERANCE


def test_points_on_a_line_are_left_out() -> None:
    line = np.stack([np.arange(100.0), 2 * np.arange(100.0)], axis=1)
    np.testing.assert_array_equal(simplify(line), line[[0, -1]])


@pytest.mark.parametrize(("scale", "shift"), [(0.001, 0.0), (1.0, -3.0), (37.0, 1e4), (1e6, -2e6)])
def test_the_canvas_makes_no_difference(scale: float, shift: float) -> None:
    expected = prepare(SQUARE)
    found = prepare([np.array(stroke) * scale + shift for stroke in SQUARE])
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(expected[0], [(0, 0), (255, 0), (255, 255), (0, 255), (0, 0)])


def test_a_prepared_drawing_stays_as_it_is() -> None:
    # These two points lie within the tolerance of their neighbours' line.
    drawing = [np.array([(0, 0), (100, 1), (200, 1), (255, 0), (255, 130)], dtype=np.float64)]
    (found,) = prepare(drawing)
    np.testing.assert_array_equal(found, drawing[0])
    (again,) = prepare([drawing[0] * 1.01])
    assert len(again) == 3


def test_a_line_has_the_width_and_place_of_the_data_set() -> None:
    bitmap = draw(prepare([[(0, 0), (100, 0)]])).astype(np.float64) / 255
    # Summed over a column, the line's width in pixels: 16 of 304 units in 28 pixels.
    width = LINE_WIDTH * 28 / FRAME
    assert bitmap[:, 14].sum() == pytest.approx(width, abs=0.08)
    np.testing.assert_allclose(bitmap, bitmap[:, ::-1], atol=0.15)
    lit = np.flatnonzero(bitmap.max(axis=0) > 0.02)
    assert (lit[0], lit[-1]) == (1, 26)
    rows = np.flatnonzero(bitmap.max(axis=1) > 0.02)
    assert set(rows) <= {12, 13, 14, 15}


def test_a_dot_is_a_round_spot_in_the_middle() -> None:
    for strokes in ([[(3.5, -2)]], [[(7, 7), (7, 7)], [(7, 7)]]):
        bitmap = draw(prepare(strokes)).astype(np.float64) / 255
        radius = LINE_WIDTH / 2 * 28 / FRAME
        assert bitmap.sum() == pytest.approx(math.pi * radius**2, rel=0.15)
        np.testing.assert_allclose(bitmap, bitmap.T, atol=0.2)
        assert bitmap[12:16, 12:16].sum() == pytest.approx(bitmap.sum())


def test_the_picture_is_antialiased() -> None:
    bitmap = draw(prepare([[(0, 0), (100, 37)]]))
    assert bitmap.shape == (28, 28)
    assert bitmap.dtype == np.uint8
    assert len(np.unique(bitmap)) > 30


def test_the_raster_tells_the_order() -> None:
    ink, order = draw_raster(prepare([[(0, 0), (100, 0)], [(0, 50), (100, 50)]]))
    assert ink.shape == order.shape == (56, 56)
    top, bottom = order[:28].max(axis=0), order[28:].max(axis=0)
    inside = slice(8, 48)
    assert top[inside].min() > bottom[inside].max()
    # Ink is the same in another order.
    back = draw_raster(prepare([[(0, 50), (100, 50)], [(0, 0), (100, 0)]]))
    np.testing.assert_array_equal(back[0], ink)
    assert back[1][:28].max(axis=0)[inside].max() < back[1][28:].max(axis=0)[inside].min()
    # At half the resolution, the ink is the bitmap.
    halves = ink.reshape(28, 2, 28, 2).mean(axis=(1, 3))
    bitmap = draw(prepare([[(0, 0), (100, 0)], [(0, 50), (100, 50)]]))
    assert np.abs(halves - bitmap).max() <= 1


@pytest.mark.parametrize("strokes", [[], [[]], [[], []], [np.zeros((0, 2))]])
def test_an_empty_drawing_is_refused(strokes: Sequence[npt.ArrayLike]) -> None:
    with pytest.raises(EmptyDrawingError, match="the drawing is empty: expected at least one"):
        prepare(strokes)


@pytest.mark.parametrize(
    ("strokes", "words"),
    [
        ([[(0, 0)], [(1, 2), (math.nan, 3)]], r"stroke 2, point 2 is \(nan, 3.0\)"),
        ([[(0, math.inf)]], r"stroke 1, point 1 is \(0.0, inf\)"),
        ([[(2 * MAX_COORDINATE, 0)]], "at most 1e"),
        ([[(1, 2, 3)]], r"stroke 1 has shape \[1, 3\]: expected \[points, 2\]"),
        ([[1, 2]], r"stroke 1 has shape \[2\]"),
        ([[(1, 2), (3,)]], r"stroke 1 is not a list of \(x, y\) numbers"),
        ([[("a", "b")]], r"stroke 1 is not a list of \(x, y\) numbers"),
        ([np.zeros((MAX_POINTS, 2)), [(0, 0)]], f"{MAX_POINTS + 1} points: at most {MAX_POINTS}"),
    ],
)
def test_what_is_no_drawing_is_refused(strokes: Sequence[npt.ArrayLike], words: str) -> None:
    with pytest.raises(DrawingError, match=words):
        prepare(strokes)


def test_thousands_of_points_are_drawn() -> None:
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(0, 1, (MAX_POINTS, 2)), axis=0)
    prepared = prepare([walk])
    assert len(prepared[0]) < MAX_POINTS
    assert draw(prepared).max() == 255


def test_strokes_without_points_are_passed_over() -> None:
    assert len(check([[], [(1, 2)], []])) == 1


def test_bitmaps_are_the_data_set_s(shared_data: Path) -> None:
    # The bitmaps given for these strokes are 3 to 5 grey levels RMS from the official ones.
    folder = shared_data / "quickdraw"
    if not folder.is_dir():
        pytest.skip(f"no drawings in {folder}")
    with np.load(folder / "strokes_train.npz") as archive:
        points, offsets = archive["points"], archive["offsets"]
    with np.load(folder / "bitmaps_train.npz") as archive:
        bitmaps = archive["images"][archive["source"] == 0]
    rng = np.random.default_rng(0)
    errors = []
    for index in rng.choice(len(bitmaps), 400, replace=False):
        rows = points[offsets[index] : offsets[index + 1]]
        strokes = np.split(rows[:, :2], np.flatnonzero(rows[:-1, 2]) + 1)
        drawn = draw(prepare(strokes)).astype(np.float64)
        errors.append(np.sqrt(np.square(drawn - bitmaps[index]).mean()))
    assert np.sqrt(np.square(errors).mean()) < 5
    assert np.median(errors) < 3
