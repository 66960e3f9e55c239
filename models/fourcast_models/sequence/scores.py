"""How good forecasts are: errors beside naive's, coverage of intervals, volatility.

A score is taken over the origins whose outcome is known. Shares are from 0 to 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fourcast_models.sequence.codec import LEVELS, bounds_of
from fourcast_models.sequence.forecasts import Floats, Forecasts
from fourcast_models.sequence.series import Series
from fourcast_models.sequence.significance import Comparison, compare


@dataclass(frozen=True)
class Score:
    """Of one model at one distance.

    Attributes:
        days: Origins that count.
        error: Mean absolute error of the median price, in the price's unit.
        ratio: That error over naive's.
        price: The test of the absolute errors against naive's.
        direction: Share of days whose move has the forecast's sign; NaN if it names none.
        coverage: Share of outcomes inside each interval, by level.
        magnitude: Mean squared error of the forecast absolute return over that of yesterday's.
        qlike: Mean of log h + r²/h with h the forecast variance (Patton, 2011); lower is better.
    """

    days: int
    error: float
    ratio: float
    price: Comparison
    direction: float
    coverage: Mapping[int, float]
    magnitude: float
    qlike: float


def outcomes(forecasts: Forecasts, series: Series) -> Floats:
    """The closes that were forecast, float64 [N, H]; NaN where the series ends before."""
    horizon = forecasts.prices.shape[1]
    places = forecasts.origins[:, None] + np.arange(1, horizon + 1)
    is_known = places < len(series)
    return np.where(is_known, series.closes[np.minimum(places, len(series) - 1)], np.nan)


def price_losses(forecasts: Forecasts, series: Series, ahead: int) -> Floats:
    """Absolute errors of the median, float64 [N]; NaN where the outcome is not known."""
    losses: Floats = np.abs(forecasts.medians - outcomes(forecasts, series))[:, ahead - 1]
    return losses


def sizes_of(forecasts: Forecasts, series: Series, ahead: int) -> Floats:
    """Absolute log returns of the days that were forecast, float64 [N]; NaN where not known."""
    places = forecasts.origins + ahead - 1
    returns = np.abs(series.log_returns)
    return np.where(places < len(returns), returns[np.minimum(places, len(returns) - 1)], np.nan)


def magnitude_losses(forecasts: Forecasts, series: Series, ahead: int) -> Floats:
    """Squared errors of the forecast absolute log return, float64 [N]."""
    errors = forecasts.magnitude[:, ahead - 1] - sizes_of(forecasts, series, ahead)
    return errors**2


def qlike_losses(forecasts: Forecasts, series: Series, ahead: int) -> Floats:
    """QLIKE, log h + r²/h with h the forecast variance, float64 [N]."""
    variance = forecasts.volatility[:, ahead - 1] ** 2
    return np.log(variance) + sizes_of(forecasts, series, ahead) ** 2 / variance


def is_covered(forecasts: Forecasts, series: Series, level: int, ahead: int) -> Floats:
    """1 where the outcome lies inside the interval, 0 where not, NaN where it is not known."""
    low, high = bounds_of(level)
    reached = outcomes(forecasts, series)[:, ahead - 1]
    fan = forecasts.prices[:, ahead - 1]
    inside = (fan[:, low] <= reached) & (reached <= fan[:, high])
    return np.where(np.isfinite(reached), inside, np.nan)


def score(forecasts: Forecasts, naive: Forecasts, series: Series, ahead: int) -> Score:
    """Score a model's forecasts beside naive's from the same origins.

    Raises:
        ValueError: If the origins differ, or too few have a known outcome.
    """
    if not np.array_equal(forecasts.origins, naive.origins):
        raise ValueError("the two forecasts are from different days")
    known = np.isfinite(outcomes(forecasts, series)[:, ahead - 1])
    forecasts, naive = forecasts.select(known), naive.select(known)
    errors = price_losses(forecasts, series, ahead)
    naive_errors = price_losses(naive, series, ahead)
    last = series.closes[forecasts.origins]
    claimed = np.sign(forecasts.medians[:, ahead - 1] - last)
    moved = np.sign(outcomes(forecasts, series)[:, ahead - 1] - last)
    yesterday = np.abs(series.log_returns[forecasts.origins - 1])
    unchanged = (yesterday - sizes_of(forecasts, series, ahead)) ** 2
    return Score(
        days=len(forecasts),
        error=float(errors.mean()),
        ratio=float(errors.mean() / naive_errors.mean()),
        price=compare(errors, naive_errors, ahead),
        direction=float((claimed == moved).mean()) if claimed.any() else float("nan"),
        coverage={
            level: float(is_covered(forecasts, series, level, ahead).mean()) for level in LEVELS
        },
        magnitude=float(magnitude_losses(forecasts, series, ahead).mean() / unchanged.mean()),
        qlike=float(qlike_losses(forecasts, series, ahead).mean()),
    )


def always_up(forecasts: Forecasts, series: Series, ahead: int) -> float:
    """The share of days that moved up: what saying "up" every day scores as a direction."""
    reached = outcomes(forecasts, series)[:, ahead - 1]
    known = np.isfinite(reached)
    return float((reached > series.closes[forecasts.origins])[known].mean())
