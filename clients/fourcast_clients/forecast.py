"""Forecasts as a caller sees them: calls with prices, frozen records coming back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import TypeAlias

from fourcast.forecast.v1 import forecast_pb2, forecast_pb2_grpc
from fourcast_clients.calls import Calls
from fourcast_clients.cancellation import Cancellation

DEFAULT_HORIZON = 14
DEFAULT_LEVELS = (80, 95)
DEFAULT_TEST_DAYS = 365


class Outcome(Enum):
    """What may be claimed of a forecast beside repeating the last price."""

    BETTER = "better than"
    AS_GOOD = "as good as"
    WORSE = "worse than"
    UNKNOWN = "too few days"


_OUTCOMES = {
    forecast_pb2.OUTCOME_BETTER: Outcome.BETTER,
    forecast_pb2.OUTCOME_AS_GOOD: Outcome.AS_GOOD,
    forecast_pb2.OUTCOME_WORSE: Outcome.WORSE,
    forecast_pb2.OUTCOME_UNKNOWN: Outcome.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a close is expected to lie.

    Attributes:
        level: Per cent of the outcomes that it is meant to hold: 50, 80 or 95.
        lower: Its lower end, in the unit of the prices.
        upper: Its upper end.
    """

    level: int
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is expected of one day.

    Attributes:
        ahead: How many days after the last one that is known, from 1.
        day: The UTC day; None if the days are not known.
        median: The close that is as likely to be exceeded as not.
        intervals: One for each level, the lowest first.
        volatility: Standard deviation of the day's log return; 0.03 is about 3 %.
        magnitude: Mean of the absolute value of the day's log return.
    """

    ahead: int
    day: date | None
    median: float
    intervals: tuple[Interval, ...]
    volatility: float
    magnitude: float


@dataclass(frozen=True, slots=True)
class Close:
    """A price that is known.

    Attributes:
        day: The UTC day; None if the days are not known.
        close: In the unit of the prices.
    """

    day: date | None
    close: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What forecasts of a model were worth beside repeating the last price.

    Attributes:
        ahead: How many days ahead.
        outcome: What may be claimed.
        p_value: The chance of so large a difference if both were equally good, 0 to 1.
        statistic: Of the test of Diebold and Mariano, negative where the model is better.
        days: How many forecasts were compared.
        unseen: Whether the model's training saw none of those days; None if nobody knows.
        text: All of it in words.
    """

    ahead: int
    outcome: Outcome
    p_value: float
    statistic: float
    days: int
    unseen: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of the next days.

    Attributes:
        prospects: The days in order.
        verdicts: One day ahead, and as far as was asked for.
        corrected_by: How many earlier forecasts correct the intervals one day ahead, 0 to 365.
        recent: The last days that are known, at most 90, the oldest first.
        model: The model that answered.
        model_version: Its version, a whole number as text.
        trained_until: The last day that its training saw.
    """

    prospects: tuple[Prospect, ...]
    verdicts: tuple[Verdict, ...]
    corrected_by: int
    recent: tuple[Close, ...]
    model: str
    model_version: str
    trained_until: date


@dataclass(frozen=True, slots=True)
class Score:
    """How good one forecast was, so many days ahead.

    Attributes:
        forecast: "naive" (the last price), "drift", "har" or the model's name.
        ahead: How many days ahead.
        days: How many days have an outcome.
        mean_absolute_error: Of the median, in the unit of the prices.
        ratio: That error over naive's.
        outcome: What may be claimed beside naive.
        p_value: As in `Verdict`.
        direction: Share of days whose move has the forecast's sign; None if it names none.
        coverage: Share of the outcomes inside each interval, by level.
        magnitude_ratio: Mean squared error of the forecast absolute log return over that of
            yesterday's.
        qlike: Of the forecast volatility; lower is better.
    """

    forecast: str
    ahead: int
    days: int
    mean_absolute_error: float
    ratio: float
    outcome: Outcome
    p_value: float
    direction: float | None
    coverage: dict[int, float]
    magnitude_ratio: float
    qlike: float


@dataclass(frozen=True, slots=True)
class PastDay:
    """What a model forecast one day ahead, and what happened.

    Attributes:
        day: The UTC day that was forecast; None if the days are not known.
        close: The close that came.
        median: The one that was forecast.
        intervals: Of every level, the lowest first.
        magnitude: The mean absolute log return that was forecast.
        size: The absolute log return that came.
    """

    day: date | None
    close: float
    median: float
    intervals: tuple[Interval, ...]
    magnitude: float
    size: float


@dataclass(frozen=True, slots=True)
class Backtest:
    """How good a model was on the last days.

    Attributes:
        scores: For each number of days ahead: naive, drift, har and the model.
        always_up: By days ahead: the share of days on which saying "up" is right.
        verdicts: One day ahead, and as far as was asked for.
        test_days: The days in order.
        seen_days: How many of them were over when the model's training ended: figures of those are
            too good. None if the days are not known.
        model: The model that was tested.
        model_version: Its version, a whole number as text.
        trained_until: The last day that its training saw.
    """

    scores: tuple[Score, ...]
    always_up: dict[int, float]
    verdicts: tuple[Verdict, ...]
    test_days: tuple[PastDay, ...]
    seen_days: int | None
    model: str
    model_version: str
    trained_until: date


_Request: TypeAlias = forecast_pb2.ForecastRequest | forecast_pb2.BacktestRequest


class Forecasting:
    """The calls of a server that forecasts daily prices; reached as ``Fourcast.forecast``.

    Prices are given as ``closes``, the oldest first, with their ``days`` if those are known, or as
    ``csv``, the content of a file with the columns date and close. There must be 31 days at least,
    20,000 at most, and no gap.

    The calls raise `FourcastError`: code ``"INVALID_ARGUMENT"`` with the ``field`` for prices that
    cannot be used and options out of range; ``"NOT_FOUND"`` for an unknown model or version;
    ``"RESOURCE_EXHAUSTED"`` if the server has too much to do; ``"UNAVAILABLE"`` if none answers.
    After a cancellation the code is ``"CANCELLED"``.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = forecast_pb2_grpc.ForecastServiceStub(calls.channel)

    def predict(
        self,
        closes: Iterable[float] | None = None,
        *,
        days: Iterable[date] | None = None,
        csv: bytes | None = None,
        horizon: int = DEFAULT_HORIZON,
        levels: Sequence[int] = DEFAULT_LEVELS,
        model: str = "",
        model_version: str = "",
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Forecast:
        """The prices of the next days, and what such forecasts were worth on the days before.

        Args:
            closes: The prices; see the class.
            days: Their UTC days.
            csv: The prices as a file, in place of the other two.
            horizon: How many days to look ahead, 1 to 30.
            levels: Of the intervals, in per cent: any of 50, 80 and 95.
            model: The model in the server's repository; ``""`` is ``"forecast_lstm"``.
            model_version: A whole-number version; ``""`` is the one that serves by default.
            timeout: Seconds that the call may take; None is the client's own.
            cancellation: Ends the call from another thread.

        Raises:
            FourcastError: See the class.
            ValueError: If not exactly one of ``closes`` and ``csv`` is given, or the horizon is
                less than 1.
        """
        request = forecast_pb2.ForecastRequest(
            model=model,
            model_version=model_version,
            horizon=_checked("horizon", horizon),
            levels=levels,
        )
        _fill(request, closes, days, csv)
        reply = self._calls.call(self._stub.Forecast, request, timeout, cancellation)
        return Forecast(
            prospects=tuple(map(_prospect, reply.prospects)),
            verdicts=tuple(map(_verdict, reply.verdicts)),
            corrected_by=reply.corrected_by,
            recent=tuple(Close(_day(one.day), one.close) for one in reply.recent),
            model=reply.model,
            model_version=reply.model_version,
            trained_until=date.fromisoformat(reply.trained_until),
        )

    def backtest(
        self,
        closes: Iterable[float] | None = None,
        *,
        days: Iterable[date] | None = None,
        csv: bytes | None = None,
        horizon: int = 1,
        test_days: int = DEFAULT_TEST_DAYS,
        model: str = "",
        model_version: str = "",
        progress: Callable[[int, int], object] = lambda _done, _total: None,
        cancellation: Cancellation | None = None,
    ) -> Backtest:
        """How good a model was on the last days, beside forecasts that cost nothing.

        Args:
            closes: The prices; see the class.
            days: Their UTC days.
            csv: The prices as a file, in place of the other two.
            horizon: How many days to look ahead, 1 to 30; there are scores for one day, too.
            test_days: From how many days to forecast, the last ones: at least 60 more than the
                horizon, at most 5,000.
            model: As in `predict`.
            model_version: As in `predict`.
            progress: Told now and then how many steps are done, and of how many.
            cancellation: Ends the call from another thread.

        Raises:
            FourcastError: See the class.
            ValueError: As with `predict`.
        """
        request = forecast_pb2.BacktestRequest(
            model=model,
            model_version=model_version,
            horizon=_checked("horizon", horizon),
            days=_checked("test_days", test_days),
        )
        _fill(request, closes, days, csv)
        result = forecast_pb2.BacktestResult()
        for event in self._calls.follow(self._stub.Backtest, request, cancellation):
            if event.HasField("progress"):
                progress(event.progress.done, event.progress.total)
            else:
                result = event.result
        return Backtest(
            scores=tuple(map(_score, result.scores)),
            always_up={one.ahead: one.direction for one in result.always_up},
            verdicts=tuple(map(_verdict, result.verdicts)),
            test_days=tuple(map(_test_day, result.test_days)),
            seen_days=result.seen_days if result.HasField("seen_days") else None,
            model=result.model,
            model_version=result.model_version,
            trained_until=date.fromisoformat(result.trained_until),
        )


def _checked(name: str, value: int) -> int:
    """The number, if it is at least 1; the wire takes 0 for the default."""
    if value < 1:
        raise ValueError(f"{name} is {value}, but must be at least 1")
    return value


def _fill(
    request: _Request,
    closes: Iterable[float] | None,
    days: Iterable[date] | None,
    csv: bytes | None,
) -> None:
    """Write the prices into a request; ValueError if they are not given in exactly one way."""
    if closes is not None and csv is None:
        request.series.closes.extend(closes)
        request.series.days.extend(str(day) for day in days or ())
        request.series.SetInParent()
    elif csv is not None and closes is None and days is None:
        request.csv = csv
    else:
        raise ValueError("give the prices as closes=, with days= if they are known, or as csv=")


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _intervals(messages: Iterable[forecast_pb2.Interval]) -> tuple[Interval, ...]:
    return tuple(Interval(one.level, one.lower, one.upper) for one in messages)


def _prospect(message: forecast_pb2.Prospect) -> Prospect:
    return Prospect(
        message.ahead,
        _day(message.day),
        message.median,
        _intervals(message.intervals),
        message.volatility,
        message.magnitude,
    )


def _verdict(message: forecast_pb2.Verdict) -> Verdict:
    return Verdict(
        message.ahead,
        _OUTCOMES[message.outcome],
        message.p_value,
        message.statistic,
        message.days,
        message.unseen if message.HasField("unseen") else None,
        message.text,
    )


def _score(message: forecast_pb2.Score) -> Score:
    return Score(
        forecast=message.forecast,
        ahead=message.ahead,
        days=message.days,
        mean_absolute_error=message.mean_absolute_error,
        ratio=message.ratio,
        outcome=_OUTCOMES[message.outcome],
        p_value=message.p_value,
        direction=message.direction if message.HasField("direction") else None,
        coverage={one.level: one.share for one in message.coverage},
        magnitude_ratio=message.magnitude_ratio,
        qlike=message.qlike,
    )


def _test_day(message: forecast_pb2.TestDay) -> PastDay:
    return PastDay(
        _day(message.day),
        message.close,
        message.median,
        _intervals(message.intervals),
        message.magnitude,
        message.size,
    )
