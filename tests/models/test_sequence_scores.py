"""Scores, the test of Diebold and Mariano, and conformal intervals, on forecasts of known worth."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from fourcast_models.sequence.codec import LEVELS, MEDIAN, QUANTILES
from fourcast_models.sequence.conformal import FEWEST, conformal
from fourcast_models.sequence.forecasts import Floats, Forecasts, joined
from fourcast_models.sequence.scores import (
    always_up,
    is_covered,
    magnitude_losses,
    outcomes,
    price_losses,
    qlike_losses,
    score,
)
from fourcast_models.sequence.series import Series
from fourcast_models.sequence.significance import _two_sided, compare

DAILY = 0.02


def walk(days: int, seed: int = 0, volatility: Floats | float = DAILY) -> Series:
    moves = volatility * np.random.default_rng(seed).standard_normal(days - 1)
    return Series(
        "walk",
        np.datetime64("2020-01-01") + np.arange(days),
        100 * np.exp(np.concatenate([[0.0], np.cumsum(moves)])),
    )


def around_the_last(series: Series, horizon: int, believed: Floats | float = DAILY) -> Forecasts:
    """Normal quantiles around the last price, with a volatility that may be right or wrong."""
    origins = np.arange(1, len(series) - 1)
    volatility = np.broadcast_to(np.asarray(believed), (len(origins),))[:, None]
    volatility = np.repeat(volatility, horizon, axis=1)
    total = np.sqrt(np.cumsum(volatility**2, axis=1))
    offsets = stats.norm.ppf(QUANTILES)
    prices = series.closes[origins][:, None, None] * np.exp(total[:, :, None] * offsets)
    return Forecasts(origins, prices, volatility, np.sqrt(2 / np.pi) * volatility)


def test_outcomes_are_the_closes_that_follow() -> None:
    series = walk(10)
    forecasts = around_the_last(series, 3)
    reached = outcomes(forecasts, series)
    assert reached[0].tolist() == series.closes[2:5].tolist()
    assert reached[-1, 0] == series.closes[-1]
    assert np.isnan(reached[-1, 1:]).all()
    assert np.isnan(reached[-2]).tolist() == [False, False, True]


def test_losses_are_those_of_the_day_that_was_forecast() -> None:
    series = walk(50)
    forecasts = around_the_last(series, 2)
    returns = series.log_returns
    expected = np.abs(series.closes[1:-1] - series.closes[2:])
    assert price_losses(forecasts, series, 1) == pytest.approx(expected)
    sizes = (np.abs(returns[1:]) - np.sqrt(2 / np.pi) * DAILY) ** 2
    assert magnitude_losses(forecasts, series, 1) == pytest.approx(sizes)
    qlike = np.log(DAILY**2) + returns[2:] ** 2 / DAILY**2
    assert qlike_losses(forecasts, series, 2)[:-1] == pytest.approx(qlike)


def test_a_good_forecast_scores_well() -> None:
    series = walk(4000, seed=4)
    naive = around_the_last(series, 2)
    row = score(naive, naive, series, 1)
    assert (row.ratio, row.price.p, row.price.outcome) == (1.0, 1.0, "as good as")
    assert np.isnan(row.direction)
    for level in LEVELS:
        assert row.coverage[level] == pytest.approx(level / 100, abs=0.02)
    # Independent sizes: yesterday's has twice the variance as an error.
    assert row.magnitude == pytest.approx(0.5, abs=0.03)
    knowing = naive.with_prices(
        naive.prices * (outcomes(naive, series) / naive.medians)[:, :, None]
    )
    known = score(knowing.select(slice(0, -2)), naive.select(slice(0, -2)), series, 1)
    assert known.ratio == pytest.approx(0, abs=1e-9)
    assert known.direction == 1.0
    assert known.price.outcome == "better than"
    wrong = score(naive.with_prices(naive.prices * 1.05), naive, series, 1)
    assert wrong.price.outcome == "worse than"
    assert wrong.direction == pytest.approx(always_up(naive, series, 1))


def test_scores_compare_the_same_days_only() -> None:
    series = walk(100)
    naive = around_the_last(series, 1)
    with pytest.raises(ValueError, match="different days"):
        score(naive.select(slice(1, None)), naive, series, 1)


@pytest.mark.parametrize("ahead", [1, 5])
def test_the_statistic_is_that_of_a_regression_with_newey_wests_errors(ahead: int) -> None:
    generator = np.random.default_rng(7)
    noise = generator.standard_normal(305)
    differences = 0.2 + noise[5:] + 0.6 * noise[4:-1] + 0.4 * noise[3:-2]
    count = len(differences)
    lags = max(ahead - 1, int(4 * (count / 100) ** (2 / 9)))
    fitted = sm.OLS(differences, np.ones(count)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    factor = np.sqrt((count + 1 - 2 * ahead + ahead * (ahead - 1) / count) / count)
    found = compare(differences, np.zeros(count), ahead)
    assert found.statistic == pytest.approx(fitted.tvalues[0] * factor)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.statistic), count - 1), abs=1e-3)


@pytest.mark.parametrize("degrees", [9, 30, 300, 3000])
def test_p_is_that_of_students_t(degrees: int) -> None:
    for statistic in np.linspace(-6, 6, 49):
        exact = 2 * stats.t.sf(abs(statistic), degrees)
        assert _two_sided(float(statistic), degrees) == pytest.approx(exact, abs=1e-3)


def test_equals_are_found_different_as_often_as_promised() -> None:
    """Losses correlated in time, where a test without correction finds far too much."""
    generator = np.random.default_rng(11)
    found = 0
    for _ in range(1000):
        noise = generator.standard_normal(401)
        found += compare(noise[1:] + 0.8 * noise[:-1], np.zeros(400), 1).p < 0.05
    assert 0.03 < found / 1000 < 0.08


def test_comparisons_say_what_they_found() -> None:
    losses = np.random.default_rng(1).random(500)
    better = compare(losses, losses + 0.1 + 0.01 * np.sin(np.arange(500)), 1)
    assert better.verdict().startswith("better than repeating the last price (p = 0.000")
    assert compare(losses, losses, 1).verdict("naive") == "as good as naive (p = 1.000)"
    with pytest.raises(ValueError, match="9 days are too few"):
        compare(losses[:9], losses[1:10], 1)
    with pytest.raises(ValueError, match="not finite"):
        compare(np.append(losses, np.nan), np.append(losses, 0.0), 1)


@pytest.mark.parametrize("factor", [0.4, 2.5])
def test_conformal_intervals_repair_a_wrong_width(factor: float) -> None:
    """The truth changes from calm to wild; the forecast knows that, but not the size."""
    days = 3000
    volatility = DAILY * np.where(np.arange(days - 1) // 250 % 2, 2.0, 0.7)
    series = walk(days, seed=5, volatility=volatility)
    wrong = around_the_last(series, 3, factor * volatility[1:])
    right = conformal(wrong, series)
    rows = slice(FEWEST + 100, -3)
    wild = (volatility[1:] > DAILY)[rows]
    for ahead in (1, 3):
        for level in LEVELS:
            before = is_covered(wrong, series, level, ahead)[rows].mean()
            inside = is_covered(right, series, level, ahead)[rows]
            assert abs(before - level / 100) > 0.02
            assert inside.mean() == pytest.approx(level / 100, abs=0.03)
            if ahead == 1:
                assert inside[wild].mean() == pytest.approx(level / 100, abs=0.05)
    assert (np.diff(right.prices, axis=2) >= 0).all()
    assert right.medians == pytest.approx(wrong.medians)
    assert right.prices[:FEWEST] == pytest.approx(wrong.prices[:FEWEST])


def test_conformal_intervals_know_nothing_of_the_future() -> None:
    series = walk(400, seed=6)
    forecasts = around_the_last(series, 3, 0.3 * DAILY)
    day = 250
    closes = series.closes.copy()
    closes[day + 1 :] *= 3.0
    other = Series(series.name, series.days, closes)
    seen = forecasts.origins <= day
    one = conformal(forecasts, series).prices[seen]
    assert conformal(forecasts.select(seen), other.until(day + 1)).prices == pytest.approx(one)
    # The same quantiles judged by another future: nothing up to that day changes.
    moved = forecasts.with_prices(
        forecasts.prices * (closes / series.closes)[forecasts.origins][:, None, None]
    )
    assert conformal(moved, other).prices[seen] == pytest.approx(one)


def test_forecasts_are_joined_in_order() -> None:
    forecasts = around_the_last(walk(30), 2)
    again = joined([forecasts.select(slice(0, 10)), forecasts.select(slice(10, None))])
    assert len(again) == len(forecasts) == 28
    assert again.medians.tolist() == forecasts.prices[:, :, MEDIAN].tolist()
