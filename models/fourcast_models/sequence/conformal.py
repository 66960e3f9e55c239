"""Rolling conformal intervals, normalised by volatility.

Conformalised quantile regression (Romano, Patterson and Candès, 2019) with scores in units of the
forecast's own volatility, over a rolling window of the past: where recent intervals were too narrow
the next one is made wider, in proportion to how wild the days are said to be, and the other way
round. A score of a forecast h days ahead is known h days later, and not before.
"""

import math

import numpy as np

from fourcast_models.sequence.codec import LEVELS, MEDIAN, bounds_of
from fourcast_models.sequence.forecasts import Floats, Forecasts
from fourcast_models.sequence.scores import outcomes
from fourcast_models.sequence.series import Series

WINDOW = 365
"""Scores that count, at most."""

FEWEST = 60
"""Scores below which quantiles stay as they are."""


def conformal(forecasts: Forecasts, series: Series, first: int = 0) -> Forecasts:
    """The same forecasts with intervals corrected by what earlier ones met.

    Args:
        forecasts: Of consecutive origins.
        series: What they were made from; of each day only what lies before it is used.
        first: The forecasts before this one only tell what was met, and are left out.
    """
    closes = series.closes[forecasts.origins][:, None]
    total = np.sqrt(np.cumsum(forecasts.volatility**2, axis=1))
    logs = np.log(forecasts.prices / closes[:, :, None]) / total[:, :, None]
    reached = np.log(outcomes(forecasts, series) / closes) / total
    corrected = logs[first:].copy()
    for level in LEVELS:
        low, high = bounds_of(level)
        scores = np.maximum(logs[:, :, low] - reached, reached - logs[:, :, high])
        wider = _corrections(scores, level / 100, first)
        corrected[:, :, low] -= wider
        corrected[:, :, high] += wider
    # A wide interval never ends within a narrower one, and the median stays.
    middle = corrected[:, :, MEDIAN : MEDIAN + 1]
    below = np.minimum(corrected[:, :, :MEDIAN], middle)
    above = np.maximum(corrected[:, :, MEDIAN + 1 :], middle)
    corrected = np.concatenate(
        [
            np.minimum.accumulate(below[:, :, ::-1], axis=2)[:, :, ::-1],
            middle,
            np.maximum.accumulate(above, axis=2),
        ],
        axis=2,
    )
    logs = corrected * total[first:, :, None]
    middle = logs[:, :, MEDIAN : MEDIAN + 1]
    # Nobody knows more of a later day: by chance alone its correction may be the smaller one.
    distances = np.maximum.accumulate(np.abs(logs - middle), axis=1)
    logs = middle + np.sign(np.arange(logs.shape[2]) - MEDIAN) * distances
    prices = closes[first:, :, None] * np.exp(logs)
    return forecasts.select(slice(first, None)).with_prices(prices)


def _corrections(scores: Floats, level: float, first: int) -> Floats:
    """For each origin and day ahead the quantile of the scores known by then, [N - first, H]."""
    origins, horizon = scores.shape
    corrections = np.zeros((origins - first, horizon))
    for ahead in range(1, horizon + 1):
        column = scores[:, ahead - 1]
        for origin in range(first, origins):
            count = scores_known(origin, ahead)
            if not count:
                continue
            # The forecast made at origin o for o + ahead is judged by the close of that day.
            end = origin - ahead + 1
            known = np.sort(column[end - count : end])
            # The quantile that split conformal prediction asks for, so that the share is kept.
            place = min(count, math.ceil((count + 1) * level)) - 1
            corrections[origin - first, ahead - 1] = known[place]
    return corrections


def scores_known(before: int, ahead: int) -> int:
    """How many scores correct a forecast's interval; 0 if there are too few.

    Args:
        before: How many forecasts were made on the days before it.
        ahead: How many days ahead it is, at least 1.
    """
    known = before - ahead + 1
    return min(known, WINDOW) if known > FEWEST else 0
