"""One forecast from the end of a series, by a network that was trained before.

The network also forecasts from the days before the last one, as far back as they still count: what
those met corrects the intervals, and says whether the network is any better than the last price.
"""

from dataclasses import dataclass

import numpy as np

from fourcast_models.sequence.codec import PUBLISHED, Places
from fourcast_models.sequence.conformal import WINDOW, conformal, scores_known
from fourcast_models.sequence.forecasts import Forecasts
from fourcast_models.sequence.series import Series, SeriesError, checked_closes
from fourcast_models.sequence.verdict import Verdict, judge

MOST_DAYS = 20_000
"""The longest series."""


@dataclass(frozen=True)
class Outlook:
    """What comes after a series.

    Attributes:
        forecast: From the last day, its intervals corrected.
        corrected_by: How many earlier forecasts correct them one day ahead; 0 if too few are known.
        verdicts: One day ahead, and as far as was asked for.
    """

    forecast: Forecasts
    corrected_by: int
    verdicts: tuple[Verdict, ...]


def checked_series(series: Series) -> Series:
    """A series that a published network can read.

    Raises:
        SeriesError: If it cannot.
    """
    checked_closes(series.closes, PUBLISHED.window)
    if len(series) > MOST_DAYS:
        raise SeriesError(
            None, "close", f"{len(series)} days are too many: give the last {MOST_DAYS}"
        )
    return series


def origins_for(series: Series, horizon: int) -> Places:
    """The days to forecast from, the last one included, int64 [N]."""
    last = len(series) - 1
    return np.arange(max(PUBLISHED.window - 1, last - WINDOW - horizon), last + 1)


def outlook_of(
    forecasts: Forecasts, series: Series, horizon: int, trained_until: np.datetime64
) -> Outlook:
    """What forecasts from the days of `origins_for` say together.

    Args:
        forecasts: Of at least `horizon` days.
        series: What they were made from.
        horizon: How many days to look ahead, 1 to 30.
        trained_until: The last day that the network's training saw.

    Raises:
        SeriesError: If the prices move so wildly that a forecast is no number any more.
    """
    raw = forecasts.ahead(horizon)
    before = len(raw) - 1
    forecast = conformal(raw, series, before)
    check_numbers(forecast)
    distances = sorted({1, horizon})
    return Outlook(
        forecast=forecast,
        corrected_by=scores_known(before, 1),
        verdicts=tuple(judge(raw, series, ahead, trained_until) for ahead in distances),
    )


def check_numbers(forecasts: Forecasts) -> None:
    """Refuse what floating-point numbers cannot hold.

    Raises:
        SeriesError: If a forecast is not finite, or not above 0.
    """
    are_good = [
        np.isfinite(values).all() and (values > 0).all()
        for values in (forecasts.prices, forecasts.volatility)
    ]
    if not all(are_good):
        raise SeriesError(
            None,
            "close",
            "the prices move so wildly, or are so small or so large, that a forecast is no number "
            "above 0 any more: scale them, or begin later",
        )
