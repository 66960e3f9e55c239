"""The arithmetic of the evaluation, on guesses whose figures are known."""

import numpy as np
import pytest

from fourcast_models.doodle.codec import CATEGORIES
from fourcast_training.doodle.evaluate import (
    accuracy_by_category,
    area_under_curve,
    calibration_error,
    confusions,
    measure,
    table,
)


def guesses(*rows: dict[int, float]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Probabilities with these values, the rest spread evenly over all other categories."""
    found = np.empty((len(rows), 345), dtype=np.float32)
    for row, given in zip(found, rows, strict=True):
        row[:] = (1 - sum(given.values())) / (345 - len(given))
        for label, value in given.items():
            row[label] = value
    return found


RANKED = guesses(
    {0: 0.6, 1: 0.2, 2: 0.1},  # right at once
    {0: 0.2, 1: 0.6, 2: 0.1},  # second
    {0: 0.1, 1: 0.6, 2: 0.2},  # third
    {1: 0.6, 2: 0.2, 3: 0.1},  # not among three
)


def test_figures_of_known_guesses() -> None:
    figures = measure(RANKED, np.zeros(4, dtype=np.int64))
    assert figures.drawings == 4
    assert figures.top1 == 1 / 4
    assert figures.top3 == 3 / 4
    assert figures.map3 == pytest.approx((1 + 1 / 2 + 1 / 3) / 4)
    assert figures.calibration_error == pytest.approx(0.6 - 0.25)
    last = 0.1 / 342
    assert figures.loss == pytest.approx(-np.log([0.6, 0.2, 0.1, last]).mean(), rel=1e-5)


def test_ties_are_not_taken_as_right() -> None:
    figures = measure(np.full((5, 345), 1 / 345, dtype=np.float32), np.arange(5))
    assert (figures.top1, figures.top3, figures.map3) == (0, 0, 0)


def test_the_calibration_error_weighs_the_gaps() -> None:
    confidence = np.array([0.9] * 10 + [0.3] * 10, dtype=np.float32)
    is_right = np.array([True] * 9 + [False] + [True] * 6 + [False] * 4)
    assert calibration_error(confidence, is_right) == pytest.approx(0.5 * 0.0 + 0.5 * 0.3)
    assert calibration_error(np.ones(4, dtype=np.float32), np.ones(4, dtype=bool)) == 0


def test_guesses_as_sure_as_they_are_right_are_calibrated() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(200_000).astype(np.float32)
    assert calibration_error(confidence, rng.random(200_000) < confidence) < 0.01
    assert calibration_error(confidence, rng.random(200_000) < confidence / 2) > 0.2


def test_the_worst_category_comes_first() -> None:
    labels = np.array([0, 0, 1, 1, 1, 2])
    found = accuracy_by_category(guesses(*[{label: 0.9} for label in [0, 1, 1, 1, 0, 0]]), labels)
    assert found == {
        CATEGORIES[2]: 0.0,
        CATEGORIES[0]: 0.5,
        CATEGORIES[1]: pytest.approx(2 / 3),
    }
    assert list(found) == [CATEGORIES[2], CATEGORIES[0], CATEGORIES[1]]


def test_the_commonest_confusion_comes_first() -> None:
    labels = np.array([5, 5, 5, 5, 7, 7])
    rows = [{6: 0.5}, {6: 0.9}, {6: 0.7}, {5: 0.9}, {5: 0.9}, {7: 0.9}]
    found = confusions(guesses(*rows), labels, most=10)
    assert [(c.drawn, c.guessed, c.share) for c in found] == [(5, 6, 0.75), (7, 5, 0.5)]
    assert found[0].examples == (1, 2, 0)
    assert len(confusions(guesses(*rows), labels, most=1)) == 1


@pytest.mark.parametrize(
    ("positive", "negative", "area"),
    [
        ([0.9, 0.8], [0.1, 0.2], 1.0),
        ([0.1, 0.2], [0.9, 0.8], 0.0),
        ([0.5], [0.5], 0.5),
        ([0.9, 0.3], [0.5, 0.3], (1 + 1 + 0 + 0.5) / 4),
    ],
)
def test_the_area_under_the_curve(
    positive: list[float], negative: list[float], area: float
) -> None:
    found = area_under_curve(np.array(positive, np.float32), np.array(negative, np.float32))
    assert found == pytest.approx(area)


def test_the_table_has_a_row_for_each_name() -> None:
    figures = measure(RANKED, np.zeros(4, dtype=np.int64))
    lines = table({"one": figures, "other": figures}, "network").splitlines()
    assert lines[0].startswith("| network | drawings | top-1 |")
    assert lines[2] == "| one | 4 | 25.00% | 75.00% | 0.4583 | 0.3500 | 3.1401 |"
    assert len(lines) == 4
