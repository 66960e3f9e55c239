"""The names of the categories and the guesses made of probabilities."""

from pathlib import Path

import numpy as np
import pytest

from fourcast_models.doodle.codec import BITMAP, CATEGORIES, PROBABILITIES, RASTER, top_k
from fourcast_models.doodle.strokes import draw, draw_raster, prepare


def test_there_are_345_categories() -> None:
    assert len(CATEGORIES) == len(set(CATEGORIES)) == 345
    assert CATEGORIES[:5] == ("aircraft carrier", "airplane", "alarm clock", "ambulance", "angel")
    assert CATEGORIES[-1] == "zigzag"
    assert PROBABILITIES.dims == (345,)


def test_they_are_those_of_the_data(shared_data: Path) -> None:
    file = shared_data / "quickdraw" / "categories.txt"
    if not file.exists():
        pytest.skip(f"no {file}")
    assert tuple(file.read_text().splitlines()) == CATEGORIES


def test_pictures_have_the_shapes_of_the_tensors() -> None:
    strokes = prepare([[(0, 0), (5, 9)]])
    for spec, picture in ((BITMAP, draw(strokes)), (RASTER, draw_raster(strokes))):
        assert (picture.shape, picture.dtype) == (spec.dims, spec.dtype)


def test_the_most_probable_come_first() -> None:
    row = np.zeros(345, dtype=np.float32)
    row[[3, 7, 344]] = 0.2, 0.5, 0.3
    guesses = top_k(row, 3)
    assert [guess.category for guess in guesses] == [CATEGORIES[7], "zigzag", CATEGORIES[3]]
    assert [guess.probability for guess in guesses] == pytest.approx([0.5, 0.3, 0.2])
    assert len(top_k(row, 345)) == 345
    # Equal ones keep their order.
    assert top_k(row, 4)[3].category == CATEGORIES[0]


@pytest.mark.parametrize("k", [0, -1, 346])
def test_k_out_of_range_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match=f"top_k is {k}: it can be 1 to 345"):
        top_k(np.zeros(345, dtype=np.float32), k)


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="expected probabilities"):
        top_k(np.zeros((1, 345), dtype=np.float32), 1)
