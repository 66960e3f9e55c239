"""Forecasts on the wire and in code: prices and options in, fans, verdicts and scores out."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeAlias, TypeVar

import numpy as np

from fourcast.forecast.v1 import forecast_pb2 as wire
from fourcast_models.sequence.backtest import MOST_TEST_DAYS, Backtest
from fourcast_models.sequence.codec import LEVELS, LONGEST_HORIZON, MEDIAN, bounds_of
from fourcast_models.sequence.forecasting import MOST_DAYS, Outlook, checked_series
from fourcast_models.sequence.forecasts import Floats
from fourcast_models.sequence.prices_file import parse_series
from fourcast_models.sequence.scores import Score
from fourcast_models.sequence.series import (
    DAY,
    Days,
    Series,
    SeriesError,
    checked_closes,
    checked_days,
    unknown_days,
)
from fourcast_models.sequence.significance import Outcome
from fourcast_models.sequence.verdict import FEWEST, Verdict
from fourcast_services.errors import FieldError

DEFAULT_MODEL = "forecast_lstm"
DEFAULT_HORIZON = 14
DEFAULT_BACKTEST_HORIZON = 1
DEFAULT_TEST_DAYS = 365
DEFAULT_LEVELS = (80, 95)
RECENT_DAYS = 90

_COLUMNS = {"close": "closes", "date": "days"}

_OUTCOMES: dict[Outcome, wire.Outcome.ValueType] = {
    "better than": wire.OUTCOME_BETTER,
    "as good as": wire.OUTCOME_AS_GOOD,
    "worse than": wire.OUTCOME_WORSE,
}

_Request: TypeAlias = wire.ForecastRequest | wire.BacktestRequest
_Result = TypeVar("_Result")


def read_series(request: _Request) -> Series:
    """The prices of a request, all of them checked.

    Raises:
        FieldError: If they cannot be used.
    """
    match request.WhichOneof("prices"):
        case "series":
            return blaming(request, lambda: _read_message(request.series))
        case "csv":
            try:
                series = parse_series(request.csv, "prices")
            except ValueError as error:
                raise FieldError("csv", str(error)) from None
            return blaming(request, lambda: checked_series(series))
        case _:
            raise FieldError("prices", "missing; set series (numbers) or csv (a file)")


def blaming(request: _Request, work: Callable[[], _Result]) -> _Result:
    """What some work with the series of a request gives.

    Args:
        request: It has prices.
        work: Raises `SeriesError` where the series cannot be used.

    Raises:
        FieldError: In place of that error.
    """
    try:
        return work()
    except SeriesError as error:
        field, problem = "csv", error.problem
        if request.HasField("series"):
            place = "" if error.place is None else f"[{error.place}]"
            field = f"series.{_COLUMNS[error.column]}{place}"
        elif error.place is not None:
            problem = f"price number {error.place + 1}: {problem}"
        raise FieldError(field, problem) from None


def read_horizon(horizon: int, default: int) -> int:
    """How many days to look ahead.

    Raises:
        FieldError: If it is beyond the longest.
    """
    if horizon > LONGEST_HORIZON:
        raise FieldError("horizon", f"{horizon}, but must be 1 to {LONGEST_HORIZON}")
    return horizon or default


def read_test_days(days: int, horizon: int) -> int:
    """How many days a backtest scores.

    Raises:
        FieldError: If they are too few or too many.
    """
    fewest = FEWEST + horizon
    days = days or DEFAULT_TEST_DAYS
    if not fewest <= days <= MOST_TEST_DAYS:
        raise FieldError(
            "days",
            f"{days}, but must be {fewest} to {MOST_TEST_DAYS} with a horizon of {horizon}",
        )
    return days


def read_levels(levels: Sequence[int]) -> list[int]:
    """The levels of the intervals, the lowest first, each once.

    Raises:
        FieldError: If there is no such level.
    """
    for place, level in enumerate(levels):
        if level not in LEVELS:
            known = ", ".join(map(str, LEVELS))
            raise FieldError(f"levels[{place}]", f"{level}, but must be one of {known}")
    return sorted(set(levels or DEFAULT_LEVELS))


def write_forecast(
    outlook: Outlook, series: Series, levels: Sequence[int]
) -> wire.ForecastResponse:
    """All of a forecast but the model."""
    fan, volatility, magnitude = (
        array[-1]
        for array in (
            outlook.forecast.prices,
            outlook.forecast.volatility,
            outlook.forecast.magnitude,
        )
    )
    days = series.days[-1] + DAY * np.arange(1, len(fan) + 1)
    first = max(0, len(series) - RECENT_DAYS)
    return wire.ForecastResponse(
        prospects=[
            wire.Prospect(
                ahead=place + 1,
                day=day,
                median=fan[place, MEDIAN],
                intervals=_write_intervals(fan[place], levels),
                volatility=volatility[place],
                magnitude=magnitude[place],
            )
            for place, day in enumerate(_write_days(days))
        ],
        verdicts=[write_verdict(verdict) for verdict in outlook.verdicts],
        corrected_by=outlook.corrected_by,
        recent=[
            wire.Close(day=day, close=close)
            for day, close in zip(
                _write_days(series.days[first:]), series.closes[first:].tolist(), strict=True
            )
        ],
    )


def write_backtest(backtest: Backtest, series: Series) -> wire.BacktestResult:
    """All of a backtest but the model."""
    own = backtest.intervals
    sizes = np.abs(series.log_returns[own.origins])
    return wire.BacktestResult(
        scores=[
            _write_score(name, ahead, scores[ahead])
            for ahead in backtest.up
            for name, scores in backtest.scores.items()
        ],
        verdicts=[write_verdict(verdict) for verdict in backtest.verdicts],
        always_up=[wire.AlwaysUp(ahead=ahead, direction=up) for ahead, up in backtest.up.items()],
        test_days=[
            wire.TestDay(
                day=day,
                close=close,
                median=fan[MEDIAN],
                intervals=_write_intervals(fan, LEVELS),
                magnitude=magnitude,
                size=size,
            )
            for day, close, fan, magnitude, size in zip(
                _write_days(series.days[own.origins + 1]),
                series.closes[own.origins + 1],
                own.prices[:, 0],
                own.magnitude[:, 0],
                sizes,
                strict=True,
            )
        ],
        seen_days=backtest.seen,
    )


def write_verdict(verdict: Verdict) -> wire.Verdict:
    """What may be claimed."""
    found = verdict.comparison
    return wire.Verdict(
        ahead=verdict.ahead,
        outcome=wire.OUTCOME_UNKNOWN if found is None else _OUTCOMES[found.outcome],
        p_value=1.0 if found is None else found.p,
        statistic=0.0 if found is None else found.statistic,
        days=verdict.days,
        unseen=verdict.are_unseen,
        text=verdict.text,
    )


def _read_message(message: wire.Series) -> Series:
    closes = checked_closes(np.array(message.closes), fewest=1)
    if not message.days:
        return checked_series(Series("prices", unknown_days(len(closes)), closes))
    if len(message.days) != len(closes):
        raise FieldError(
            "series.days",
            f"{len(message.days)} days, but {len(closes)} closes: give one for each, or none",
        )
    days = np.empty(len(closes), dtype="datetime64[D]")
    # So that an error does not wait for millions of them.
    for place, text in enumerate(message.days[: MOST_DAYS + 1]):
        days[place] = _read_day(text, place)
    return checked_series(Series("prices", checked_days(days), closes))


def _read_day(text: str, place: int) -> np.datetime64:
    try:
        day: date | None = date.fromisoformat(text)
    except ValueError:
        day = None
    if str(day) != text:
        raise FieldError(f"series.days[{place}]", f"{text[:40]!r} is not a day such as 2026-11-21")
    return np.datetime64(day, "D")


def _write_days(days: Days) -> list[str]:
    return ["" if np.isnat(day) else str(day) for day in days]


def _write_intervals(fan: Floats, levels: Sequence[int]) -> list[wire.Interval]:
    return [
        wire.Interval(level=level, lower=fan[low], upper=fan[high])
        for level in levels
        for low, high in (bounds_of(level),)
    ]


def _write_score(name: str, ahead: int, score: Score) -> wire.Score:
    return wire.Score(
        forecast=name,
        ahead=ahead,
        days=score.days,
        mean_absolute_error=score.error,
        ratio=score.ratio,
        outcome=_OUTCOMES[score.price.outcome],
        p_value=score.price.p,
        direction=None if np.isnan(score.direction) else score.direction,
        coverage=[
            wire.Coverage(level=level, share=score.coverage[level]) for level in sorted(LEVELS)
        ],
        magnitude_ratio=score.magnitude,
        qlike=score.qlike,
    )
