"""What a series must be, and what is said of one that cannot be used."""

from typing import Any

import numpy as np
import pytest

from fourcast_models.sequence.codec import (
    LEVELS,
    LONGEST_HORIZON,
    MEDIAN,
    QUANTILES,
    SHORTEST_WINDOW,
    UNIT_DAYS,
    Tensors,
    bounds_of,
    units_at,
)
from fourcast_models.sequence.series import (
    UNKNOWN_WEEKDAY,
    Closes,
    Series,
    SeriesError,
    checked_closes,
    checked_days,
    unknown_days,
    weekdays_of,
)

DAYS = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")
CLOSES: Closes = 100.0 + np.arange(len(DAYS), dtype=np.float64)


def test_good_prices_come_back_as_float64() -> None:
    closes = checked_closes([1, 2, 3], fewest=3)
    assert closes.dtype == np.float64
    assert closes.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 1e9, 1e300])
def test_any_unit_of_price_will_do(scale: float) -> None:
    assert checked_closes(CLOSES * scale, fewest=31).tolist() == (CLOSES * scale).tolist()


@pytest.mark.parametrize(
    ("closes", "place", "words"),
    [
        ([1.0, np.nan, 2.0], 1, "NaN"),
        ([1.0, 2.0, 0.0], 2, "0.0 is not a price: it must be a finite number above 0"),
        ([-1.0, 2.0, 3.0], 0, "-1.0 is not a price"),
        ([1.0, np.inf, 3.0], 1, "inf is not a price"),
        ([1.0, 2.0], None, "2 days are too few: this model needs at least 3"),
        ([], None, "0 days are too few"),
        ([1.0, 5.0, 5.0, 5.0], None, "all of the last 3 prices are 5.0"),
        ([[1.0, 2.0, 3.0]], None, r"not shape \(1, 3\)"),
    ],
)
def test_wrong_prices_are_refused(closes: Any, place: int | None, words: str) -> None:
    with pytest.raises(SeriesError, match=words) as caught:
        checked_closes(closes, fewest=3)
    assert (caught.value.place, caught.value.column) == (place, "close")


def test_prices_that_stood_still_once_are_good() -> None:
    assert len(checked_closes([5.0, 5.0, 5.0, 6.0], fewest=3)) == 4


@pytest.mark.parametrize(
    ("days", "place", "words"),
    [
        (np.delete(DAYS, 5), 5, "no price for 2024-01-06: every day"),
        (np.delete(DAYS, slice(5, 10)), 5, "2024-01-06, 2024-01-07, 2024-01-08 and 2 more"),
        (np.insert(DAYS, 3, DAYS[3]), 4, "2024-01-04 stands here twice"),
        (DAYS[::-1], 1, "2024-02-28 comes after 2024-02-29: sort the days"),
    ],
)
def test_days_must_follow_one_another(days: Any, place: int, words: str) -> None:
    with pytest.raises(SeriesError, match=words) as caught:
        checked_days(days)
    assert (caught.value.place, caught.value.column) == (place, "date")


def test_days_in_order_pass() -> None:
    assert checked_days([str(day) for day in DAYS]).tolist() == DAYS.tolist()
    assert len(checked_days([])) == 0


def test_weekdays_are_those_of_the_calendar() -> None:
    days = np.arange("1969-12-20", "2030-01-01", 97, dtype="datetime64[D]")
    assert weekdays_of(days).tolist() == [day.weekday() for day in days.tolist()]


def test_a_series_becomes_tensors() -> None:
    tensors = Tensors(window=40, horizon=3)
    series = Series("prices", DAYS, CLOSES)
    inputs = tensors.encode(series, np.array([50, 59]))
    assert inputs["close"].tolist() == [CLOSES[11:51].tolist(), CLOSES[20:].tolist()]
    # 2024-02-29 was a Thursday.
    assert inputs["weekday"].tolist() == [[1], [3]]
    undated = Series("prices", unknown_days(60), CLOSES)
    assert tensors.encode(undated, np.array([59]))["weekday"].tolist() == [[UNKNOWN_WEEKDAY]]
    returns = np.log(CLOSES[1:] / CLOSES[:-1])
    expected = [[np.sqrt((returns[:end] ** 2).mean())] for end in (50, 59)]
    assert inputs["unit"] == pytest.approx(np.array(expected))
    for spec in tensors.inputs:
        assert inputs[spec.name].shape[1:] == spec.dims
        assert inputs[spec.name].dtype == spec.dtype
    assert [spec.dims for spec in tensors.outputs] == [(3, 7), (3,), (3,), (3, 7), (1,)]


def test_the_unit_forgets_what_was_long_ago() -> None:
    closes = 100 * np.exp(np.cumsum(np.where(np.arange(UNIT_DAYS + 500) < 400, 0.5, 0.01)))
    series = Series("prices", unknown_days(len(closes)), closes)
    wild, calm = units_at(series, np.array([390, len(closes) - 1]))
    assert wild == pytest.approx(0.5)
    assert calm == pytest.approx(0.01)
    still = Series("prices", unknown_days(50), np.full(50, 3.0))
    assert units_at(still, np.array([40]))[0] > 0


def test_a_series_shorter_than_the_window_is_refused() -> None:
    series = Series("prices", DAYS, CLOSES)
    with pytest.raises(ValueError, match=r"from day 60 of prices .* but the network reads 61 days"):
        Tensors(window=61, horizon=1).encode(series, np.array([59]))


@pytest.mark.parametrize(
    ("window", "horizon", "words"),
    [
        (SHORTEST_WINDOW - 1, 1, "window is 30: it must be at least 31"),
        (SHORTEST_WINDOW, 0, "horizon is 0: it can be 1 to 30"),
        (SHORTEST_WINDOW, LONGEST_HORIZON + 1, "horizon is 31"),
    ],
)
def test_impossible_shapes_are_refused(window: int, horizon: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Tensors(window, horizon)


def test_levels_are_the_distance_of_their_quantiles() -> None:
    assert QUANTILES[MEDIAN] == 0.5
    for level in LEVELS:
        low, high = bounds_of(level)
        assert QUANTILES[high] - QUANTILES[low] == pytest.approx(level / 100)
        assert QUANTILES[low] == pytest.approx(1 - QUANTILES[high])
    with pytest.raises(ValueError, match="level is 90: it can be 50, 80, 95"):
        bounds_of(90)
