"""A network that was trained before, tried on the last days of a series beside what is simple.

Nothing is fitted again: the network is the published one, and drift and the last price know the
days before the test alone. Each model also forecasts from days before the test, which are not
scored: they correct its first intervals.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fourcast_models.sequence.baselines import FEWEST_DAYS, drift, naive
from fourcast_models.sequence.codec import SHORTEST_WINDOW, Places
from fourcast_models.sequence.conformal import WINDOW, conformal
from fourcast_models.sequence.forecasting import check_numbers
from fourcast_models.sequence.forecasts import Forecasts
from fourcast_models.sequence.scores import Score, always_up, score
from fourcast_models.sequence.series import Series, SeriesError
from fourcast_models.sequence.verdict import Verdict, judge

BASELINES = {"naive": naive, "drift": drift}
HAR = "har"
"""What stands beside the network: models of a horizon, and one that is a network to the server."""

MOST_TEST_DAYS = 5000
"""Of one backtest."""


@dataclass(frozen=True)
class Plan:
    """What a backtest forecasts.

    Attributes:
        series: All of it.
        origins: The days to forecast from, int64 [N]; those to be scored are the last ones.
        days: How many are scored.
        horizon: How many days to look ahead.
    """

    series: Series
    origins: Places
    days: int
    horizon: int

    @property
    def lead(self) -> int:
        """How many of the origins only correct intervals."""
        return len(self.origins) - self.days


@dataclass(frozen=True)
class Backtest:
    """What a backtest found.

    Attributes:
        intervals: Of the network, corrected, on the days that are scored.
        scores: By model and days ahead: one day, and the horizon.
        up: By days ahead: the share of days that moved up.
        verdicts: By days ahead.
        seen: How many of the days were over when the network's training ended; None if the dates
            are not known.
    """

    intervals: Forecasts
    scores: Mapping[str, Mapping[int, Score]]
    up: Mapping[int, float]
    verdicts: tuple[Verdict, ...]
    seen: int | None


def plan_backtest(series: Series, days: int, horizon: int) -> Plan:
    """Which days to forecast from.

    Args:
        series: Already checked.
        days: How many to score, the last ones; at least FEWEST more than the horizon, at most
            MOST_TEST_DAYS.
        horizon: How many days to look ahead, 1 to 30.

    Raises:
        SeriesError: If the series is too short for them, or stands still somewhere.
    """
    first = len(series) - 1 - days
    if first < FEWEST_DAYS - 1:
        raise SeriesError(
            None,
            "close",
            f"{len(series)} days are too few: {days} test days need at least {days + FEWEST_DAYS}",
        )
    start = max(FEWEST_DAYS - 1, first - WINDOW - horizon)
    origins = np.arange(start, len(series) - 1)
    _check_moves(series)
    return Plan(series, origins, days, horizon)


def baselines(plan: Plan) -> dict[str, Forecasts]:
    """The forecasts of naive and drift, which know the days before the first origin alone."""
    past = plan.series.until(int(plan.origins[0]) + 1)
    return {
        name: model(plan.horizon)(past, 0)(plan.series, plan.origins)
        for name, model in BASELINES.items()
    }


def corrected(plan: Plan, forecasts: Forecasts) -> Forecasts:
    """The days that are scored, with intervals corrected by all days before each.

    Raises:
        SeriesError: If a forecast is no number any more.
    """
    intervals = conformal(forecasts.ahead(plan.horizon), plan.series, plan.lead)
    check_numbers(intervals)
    return intervals


def evaluate(
    plan: Plan, intervals: Mapping[str, Forecasts], network: str, trained_until: np.datetime64
) -> Backtest:
    """Score what `corrected` gave for each model.

    Args:
        plan: The backtest.
        intervals: By model; naive and the network are there.
        network: Its name among them.
        trained_until: The last day that its training saw.
    """
    series, own, naives = plan.series, intervals[network], intervals["naive"]
    distances = sorted({1, plan.horizon})
    days = series.days[own.origins]
    return Backtest(
        intervals=own,
        scores={
            name: {ahead: score(forecasts, naives, series, ahead) for ahead in distances}
            for name, forecasts in intervals.items()
        },
        up={ahead: always_up(own, series, ahead) for ahead in distances},
        verdicts=tuple(judge(own, series, ahead, trained_until) for ahead in distances),
        seen=None if np.isnat(days).any() else int((days < trained_until).sum()),
    )


def _check_moves(series: Series) -> None:
    """Refuse a series in which a whole month has no volatility at all."""
    moved = np.concatenate([[0], np.cumsum(series.log_returns != 0)])
    month = SHORTEST_WINDOW - 1
    origins = np.arange(month, len(series))
    still = np.flatnonzero(moved[origins] == moved[origins - month])
    if len(still):
        place = int(origins[still[0]])
        raise SeriesError(
            place,
            "close",
            f"the price stands still for the {month} days up to here: begin the series later",
        )
