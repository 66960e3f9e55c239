"""The calls that forecast daily prices; what they give stands in `forecast_records`."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import TypeAlias

from fourcast.forecast.v1 import forecast_pb2, forecast_pb2_grpc
from fourcast_clients.calls import Calls
from fourcast_clients.cancellation import Cancellation
from fourcast_clients.forecast_records import (
    Backtest,
    Close,
    Forecast,
    Interval,
    Outcome,
    PastDay,
    Prospect,
    Score,
    Verdict,
)

DEFAULT_HORIZON = 14
DEFAULT_LEVELS = (80, 95)
DEFAULT_TEST_DAYS = 365


_OUTCOMES = {
    forecast_pb2.OUTCOME_BETTER: Outcome.BETTER,
    forecast_pb2.OUTCOME_AS_GOOD: Outcome.AS_GOOD,
    forecast_pb2.OUTCOME_WORSE: Outcome.WORSE,
    forecast_pb2.OUTCOME_UNKNOWN: Outcome.UNKNOWN,
}


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
