"""A forecast from the end of a series, backtests, and what may be claimed of them."""

from dataclasses import replace

import numpy as np
import pytest

from fourcast_models.sequence.backtest import (
    BASELINES,
    baselines,
    corrected,
    evaluate,
    plan_backtest,
)
from fourcast_models.sequence.baselines import FEWEST_DAYS, naive
from fourcast_models.sequence.codec import LEVELS, MEDIAN, bounds_of
from fourcast_models.sequence.conformal import FEWEST as FEWEST_SCORES
from fourcast_models.sequence.conformal import WINDOW
from fourcast_models.sequence.forecasting import (
    MOST_DAYS,
    check_numbers,
    checked_series,
    origins_for,
    outlook_of,
)
from fourcast_models.sequence.forecasts import Floats, Forecasts
from fourcast_models.sequence.scores import outcomes
from fourcast_models.sequence.series import Series, SeriesError, unknown_days
from fourcast_models.sequence.significance import Comparison
from fourcast_models.sequence.verdict import FEWEST, Verdict, judge

DAYS = 1000
LONG_AGO = np.datetime64("2000-01-01")


def walk(days: int = DAYS, seed: int = 0) -> Series:
    moves = 0.03 * np.random.default_rng(seed).standard_t(5, days - 1)
    return Series(
        "walk",
        np.datetime64("2020-01-01") + np.arange(days),
        50 * np.exp(np.concatenate([[0.0], np.cumsum(moves)])),
    )


def by_naive(series: Series, horizon: int = 30) -> Forecasts:
    """What the last price says from each of the days of a forecast."""
    fitted = naive(horizon)(series.until(FEWEST_DAYS), 0)
    return fitted(series, origins_for(series, horizon))


def knowing(series: Series, share: float) -> Forecasts:
    """Forecasts that know so much of each move."""
    forecasts = by_naive(series)
    reached = outcomes(forecasts, series)
    last = series.closes[forecasts.origins][:, None]
    known = np.where(np.isfinite(reached), (reached / last) ** share, 1.0)
    return forecasts.with_prices(forecasts.prices * known[:, :, None])


def test_the_days_before_correct_the_last_forecast() -> None:
    series = walk()
    outlook = outlook_of(by_naive(series), series, 14, LONG_AGO)
    assert outlook.corrected_by == WINDOW
    assert outlook.forecast.prices.shape == (1, 14, 7)
    assert outlook.forecast.origins.tolist() == [DAYS - 1]
    assert [verdict.ahead for verdict in outlook.verdicts] == [1, 14]


@pytest.mark.parametrize("seed", range(3))
def test_intervals_hold_each_other_and_widen(seed: int) -> None:
    series = walk(seed=seed)
    fan = outlook_of(by_naive(series), series, 30, LONG_AGO).forecast.prices[0]
    assert (np.diff(fan, axis=1) >= 0).all()
    for level in LEVELS:
        low, high = bounds_of(level)
        assert (np.diff(np.log(fan[:, high] / fan[:, MEDIAN])) >= -1e-12).all()
        assert (np.diff(np.log(fan[:, low] / fan[:, MEDIAN])) <= 1e-12).all()
        width = np.log(fan[:, high] / fan[:, low])
        assert 3 < width[-1] / width[0] < 9  # the root of 30 is 5.5


@pytest.mark.parametrize(("days", "known"), [(31, 0), (91, 0), (92, 61), (300, 269)])
def test_short_series_say_how_little_they_know(days: int, known: int) -> None:
    series = walk(days)
    origins = origins_for(series, 1)
    ones = np.ones((len(origins), 1))
    fan = series.closes[origins][:, None, None] * np.exp(np.linspace(-0.1, 0.1, 7))
    outlook = outlook_of(Forecasts(origins, fan, 0.03 * ones, 0.02 * ones), series, 1, LONG_AGO)
    assert outlook.corrected_by == known
    (verdict,) = outlook.verdicts
    assert verdict.days == days - 31
    assert (verdict.comparison is None) == (verdict.days < FEWEST)


def test_only_days_after_training_count() -> None:
    series = walk()
    forecasts = by_naive(series)
    early = judge(forecasts, series, 1, series.days[-101])
    assert (early.days, early.are_unseen) == (100, True)
    assert early.text.startswith("One day ahead it is as good as repeating the last price (p = 1.")
    assert "on 100 days after its training: it repeats it." in early.text
    late = judge(forecasts, series, 1, series.days[-FEWEST])
    assert late.comparison is None
    assert "nothing can be said" in late.text
    assert f"{FEWEST - 1} days after its training have an outcome" in late.text
    undated = replace(series, days=unknown_days(DAYS))
    nobody = judge(forecasts, undated, 7, series.days[-101])
    assert nobody.are_unseen is None
    assert nobody.days == len(forecasts) - 7
    assert nobody.text.startswith("7 days ahead it is")
    assert "nobody knows which of them its training saw" in nobody.text


@pytest.mark.parametrize(("share", "outcome"), [(0.3, "better than"), (-0.3, "worse than")])
def test_what_is_better_or_worse_is_called_so(share: float, outcome: str) -> None:
    series = walk(seed=3)
    verdict = judge(knowing(series, share), series, 1, LONG_AGO)
    assert verdict.comparison is not None
    assert verdict.comparison.outcome == outcome
    assert f"it is {outcome} repeating the last price (p = 0.000)" in verdict.text
    assert not verdict.repeats


def test_a_verdict_in_words() -> None:
    verdict = Verdict(2, 80, Comparison(-1.0, 0.32), are_unseen=None)
    assert verdict.text == (
        "2 days ahead it is as good as repeating the last price (p = 0.320) on 80 days; without "
        "dates nobody knows which of them its training saw."
    )


def test_a_backtest_scores_the_last_days_alone() -> None:
    series = walk()
    plan = plan_backtest(series, days=300, horizon=7)
    assert plan.origins.tolist() == list(range(699 - WINDOW - 7, 999))
    raw = baselines(plan)
    assert list(raw) == list(BASELINES)
    raw["mine"] = raw["naive"]
    intervals = {name: corrected(plan, forecasts) for name, forecasts in raw.items()}
    assert intervals["mine"].origins.tolist() == list(range(699, 999))
    backtest = evaluate(plan, intervals, "mine", series.days[800])
    assert backtest.seen == 101
    assert set(backtest.scores) == {"naive", "drift", "mine"}
    for ahead in (1, 7):
        row = backtest.scores["mine"][ahead]
        assert (row.days, row.ratio) == (300 - ahead + 1, 1.0)
        assert row.coverage[80] == pytest.approx(0.8, abs=0.07)
        assert 0.4 < backtest.up[ahead] < 0.6
    assert [verdict.days for verdict in backtest.verdicts] == [199, 193]


def test_baselines_know_only_what_lies_before() -> None:
    series = walk()
    plan = plan_backtest(series, days=100, horizon=3)
    day = int(plan.origins[-50])
    closes: Floats = series.closes.copy()
    closes[day + 1 :] *= 2.0
    other = plan_backtest(replace(series, closes=closes), days=100, horizon=3)
    for name, forecasts in baselines(plan).items():
        changed = baselines(other)[name]
        assert changed.prices[:-49] == pytest.approx(forecasts.prices[:-49], rel=1e-12)


def test_what_cannot_be_tested_says_why() -> None:
    series = walk(200)
    with pytest.raises(SeriesError, match="200 days are too few: 139 test days need at least 201"):
        plan_backtest(series, days=139, horizon=1)
    assert plan_backtest(series, days=138, horizon=1).lead == 0
    closes = series.closes.copy()
    closes[50:81] = 7.0
    with pytest.raises(SeriesError, match="stands still for the 30 days up to here") as caught:
        plan_backtest(replace(series, closes=closes), days=100, horizon=1)
    assert caught.value.place == 80


def test_too_long_series_and_numbers_that_are_none() -> None:
    checked_series(walk(31))
    with pytest.raises(SeriesError, match="30 days are too few"):
        checked_series(walk(30))
    long = Series("long", unknown_days(MOST_DAYS + 1), np.arange(1.0, MOST_DAYS + 2))
    with pytest.raises(SeriesError, match="20001 days are too many"):
        checked_series(long)
    good = by_naive(walk(200))
    check_numbers(good)
    for wrong in (np.inf, np.nan, 0.0):
        prices = good.prices.copy()
        prices[3, 2, 1] = wrong
        with pytest.raises(SeriesError, match="so wildly"):
            check_numbers(good.with_prices(prices))
    assert FEWEST_SCORES == FEWEST
