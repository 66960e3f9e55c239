"""Forecast and Backtest over gRPC, with models of the repository."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import grpc
import numpy as np
import pytest

from fourcast.forecast.v1 import forecast_pb2 as wire
from fourcast.forecast.v1 import forecast_pb2_grpc
from fourcast_models.sequence.codec import MEDIAN, PUBLISHED, bounds_of
from fourcast_models.sequence.forecasting import origins_for, outlook_of
from fourcast_models.sequence.forecasts import forecasts_from
from fourcast_models.sequence.series import Series
from fourcast_training.export import open_onnx
from tests.services.forecast_models import MODELS, copy_forecast_models, csv_of, version_of, walk
from tests.services.running import RunningServer, run_server
from tests.services.small_model import publish_small_model
from tests.services.status import failure

Stub = forecast_pb2_grpc.ForecastServiceStub


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_forecast_models(tmp_path_factory.mktemp("forecast"))
    publish_small_model(folder)
    return folder


@pytest.fixture(scope="module")
def server(repository: Path) -> Iterator[RunningServer]:
    with run_server(repository, "--max-streams", "2") as running:
        yield running
        assert "Traceback" not in running.log()


@pytest.fixture(scope="module")
def forecasts(server: RunningServer) -> Iterator[Stub]:
    with grpc.insecure_channel(server.address) as channel:
        yield Stub(channel)


def message(series: Series, *, dated: bool = True) -> wire.Series:
    days = [str(day) for day in series.days] if dated else []
    return wire.Series(closes=series.closes.tolist(), days=days)


@pytest.mark.parametrize("model", MODELS)
def test_an_answer_is_what_the_network_says_corrected_by_the_past(
    forecasts: Stub, repository: Path, model: str
) -> None:
    series = walk(500)
    answer = forecasts.Forecast(
        wire.ForecastRequest(series=message(series), model=model, horizon=5, levels=[95, 50])
    )
    origins = origins_for(series, 5)
    weights = repository / model / version_of(model) / "model.onnx"
    outputs = open_onnx(weights)(PUBLISHED.encode(series, origins))
    until = np.datetime64(int(outputs["trained_until"][0, 0]), "D")
    expected = outlook_of(forecasts_from(outputs, origins), series, 5, until)
    fan = expected.forecast.prices[0]
    assert [one.median for one in answer.prospects] == pytest.approx(fan[:, MEDIAN], rel=1e-6)
    for place, level in ((0, 50), (1, 95)):
        low, high = bounds_of(level)
        intervals = [one.intervals[place] for one in answer.prospects]
        assert {one.level for one in intervals} == {level}
        assert [one.lower for one in intervals] == pytest.approx(fan[:, low], rel=1e-6)
        assert [one.upper for one in intervals] == pytest.approx(fan[:, high], rel=1e-6)
    days = [one.day for one in answer.prospects]
    assert days == [f"2026-11-{day}" for day in range(21, 26)]
    assert (answer.model, answer.model_version) == (model, version_of(model))
    assert answer.trained_until == str(until)
    assert answer.corrected_by == 365
    assert [(one.day, one.close) for one in answer.recent] == [
        (str(day), close)
        for day, close in zip(series.days[-90:], series.closes[-90:].tolist(), strict=True)
    ]


def test_defaults(forecasts: Stub) -> None:
    answer = forecasts.Forecast(wire.ForecastRequest(csv=csv_of(walk(200))))
    assert answer.model == "forecast_lstm"
    assert len(answer.prospects) == 14
    assert [one.level for one in answer.prospects[0].intervals] == [80, 95]
    assert [verdict.ahead for verdict in answer.verdicts] == [1, 14]
    assert all(verdict.unseen for verdict in answer.verdicts)


def test_intervals_widen_up_to_the_longest_horizon(forecasts: Stub) -> None:
    answer = forecasts.Forecast(wire.ForecastRequest(csv=csv_of(walk(600)), horizon=30))
    for place in (0, 1):
        widths = [
            one.intervals[place].upper / one.intervals[place].lower for one in answer.prospects
        ]
        assert len(widths) == 30
        assert (np.diff(widths) > -1e-9).all()
        assert 3 < np.log(widths[-1]) / np.log(widths[0]) < 9


def test_a_file_and_numbers_are_answered_alike(forecasts: Stub) -> None:
    series = walk(150)
    by_file = forecasts.Forecast(wire.ForecastRequest(csv=csv_of(series)))
    assert forecasts.Forecast(wire.ForecastRequest(series=message(series))) == by_file


def test_prices_without_dates(forecasts: Stub) -> None:
    series = walk(300)
    dated = forecasts.Forecast(wire.ForecastRequest(series=message(series)))
    answer = forecasts.Forecast(wire.ForecastRequest(series=message(series, dated=False)))
    assert {one.day for one in answer.prospects} == {""}
    assert {one.day for one in answer.recent} == {""}
    assert not any(verdict.HasField("unseen") for verdict in answer.verdicts)
    assert "nobody knows which of them its training saw" in answer.verdicts[0].text
    # Not knowing the day of the week changes little.
    assert answer.prospects[0].volatility == pytest.approx(dated.prospects[0].volatility, rel=0.4)


def test_days_that_training_saw_do_not_count(forecasts: Stub) -> None:
    series = walk(300, last="2024-01-20")
    answer = forecasts.Forecast(wire.ForecastRequest(csv=csv_of(series)))
    (verdict, _) = answer.verdicts
    assert answer.trained_until < "2024-01-20"
    assert (verdict.outcome, verdict.p_value) == (wire.OUTCOME_UNKNOWN, 1.0)
    assert verdict.days < 60
    assert "nothing can be said" in verdict.text


@pytest.mark.parametrize("scale", [1e-200, 1e-9, 1e9, 1e200])
def test_the_unit_of_the_price_changes_nothing(forecasts: Stub, scale: float) -> None:
    closes = walk(200).closes
    one = forecasts.Forecast(wire.ForecastRequest(series=wire.Series(closes=closes)))
    other = forecasts.Forecast(wire.ForecastRequest(series=wire.Series(closes=closes * scale)))
    for first, second in zip(one.prospects, other.prospects, strict=True):
        assert second.median == pytest.approx(first.median * scale)
        assert second.intervals[1].upper == pytest.approx(first.intervals[1].upper * scale)


def test_the_shortest_series(forecasts: Stub) -> None:
    answer = forecasts.Forecast(wire.ForecastRequest(csv=csv_of(walk(31)), horizon=2))
    assert len(answer.prospects) == 2
    assert answer.corrected_by == 0
    assert {verdict.outcome for verdict in answer.verdicts} == {wire.OUTCOME_UNKNOWN}


def changed(place: int, close: float) -> wire.Series:
    series = message(walk(100))
    series.closes[place] = close
    return series


def gap() -> wire.Series:
    series = message(walk(100))
    del series.days[40]
    del series.closes[40]
    return series


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        (wire.ForecastRequest(), "prices", "missing; set series"),
        (wire.ForecastRequest(series=wire.Series()), "series.closes", "0 days are too few"),
        (wire.ForecastRequest(series=message(walk(30))), "series.closes", "at least 31"),
        (wire.ForecastRequest(series=changed(7, float("nan"))), "series.closes[7]", "NaN"),
        (wire.ForecastRequest(series=changed(8, float("inf"))), "series.closes[8]", "finite"),
        (wire.ForecastRequest(series=changed(9, 0)), "series.closes[9]", "0.0 is not a price"),
        (wire.ForecastRequest(series=changed(9, -1)), "series.closes[9]", "-1.0 is not a price"),
        (wire.ForecastRequest(series=gap()), "series.days[40]", "no price for"),
        (
            wire.ForecastRequest(series=wire.Series(closes=[1.0] * 50)),
            "series.closes",
            "never moves",
        ),
        (
            wire.ForecastRequest(series=wire.Series(closes=[1.0, 2.0] * 20_000)),
            "series.closes",
            "40000 days are too many",
        ),
        (
            wire.ForecastRequest(series=wire.Series(closes=[1e300, 1e-300] * 20)),
            "series.closes",
            "so wildly",
        ),
        (
            wire.ForecastRequest(series=wire.Series(closes=[1, 2], days=["2026-11-21"])),
            "series.days",
            "1 days, but 2 closes",
        ),
        (
            wire.ForecastRequest(series=wire.Series(closes=[1, 2], days=["2026-11-21", "x"])),
            "series.days[1]",
            "not a day",
        ),
        (wire.ForecastRequest(csv=b"a,b\n"), "csv", "line 1: there is no column 'date'"),
        (wire.ForecastRequest(csv=b"\xff\xfe"), "csv", "no CSV file in UTF-8"),
        (wire.ForecastRequest(csv=csv_of(walk(30))), "csv", "30 days are too few"),
        (
            wire.ForecastRequest(csv=csv_of(walk(50)).replace(b"2026-11-20", b"2026-11-22")),
            "csv",
            "line 51, column 'date': no price for 2026-11-20",
        ),
        (wire.ForecastRequest(csv=csv_of(walk(50)), horizon=31), "horizon", "must be 1 to 30"),
        (wire.ForecastRequest(csv=csv_of(walk(50)), levels=[80, 90]), "levels[1]", "50, 80, 95"),
        (
            wire.ForecastRequest(csv=csv_of(walk(50)), model="connect4"),
            "model",
            "'connect4' is no model for forecasts",
        ),
    ],
)
def test_wrong_requests_name_field_and_reason(
    forecasts: Stub, request_: wire.ForecastRequest, field: str, reason: str
) -> None:
    named, description = failure(lambda: forecasts.Forecast(request_)).field_violation()
    assert named == field
    assert reason in description


def test_models_and_versions_that_are_not_there(forecasts: Stub) -> None:
    csv = csv_of(walk(50))
    for wrong in (
        wire.ForecastRequest(csv=csv, model="nonesuch"),
        wire.ForecastRequest(csv=csv, model="forecast_mlp", model_version="9"),
    ):
        error = failure(partial(forecasts.Forecast, wrong))
        assert error.code is grpc.StatusCode.NOT_FOUND


def test_a_backtest_tells_its_progress_and_then_everything(forecasts: Stub) -> None:
    series = walk(700)
    request = wire.BacktestRequest(csv=csv_of(series), model="forecast_mlp", horizon=7, days=200)
    *events, last = forecasts.Backtest(request)
    steps = [event.progress.done for event in events]
    assert steps == sorted(set(steps))
    assert {event.progress.total for event in events} == {steps[-1]}
    result = last.result
    assert [(row.forecast, row.ahead) for row in result.scores] == [
        (name, ahead) for ahead in (1, 7) for name in ("naive", "drift", "har", "forecast_mlp")
    ]
    for row in result.scores:
        assert row.days == 201 - row.ahead
        assert [one.level for one in row.coverage] == [50, 80, 95]
        assert 0.85 <= row.coverage[2].share <= 1.0
        assert row.ratio == pytest.approx(1.0, abs=0.05)
        assert 0 <= row.p_value <= 1
    assert [one.ahead for one in result.always_up] == [1, 7]
    moved = np.diff(series.closes)[-200:] > 0
    assert result.always_up[0].direction == pytest.approx(moved.mean())
    assert [one.close for one in result.test_days] == series.closes[-200:].tolist()
    assert result.test_days[-1].day == "2026-11-20"
    assert result.seen_days == 0
    inside = [
        one.intervals[1].lower <= one.close <= one.intervals[1].upper for one in result.test_days
    ]
    assert result.scores[3].coverage[1].share == pytest.approx(np.mean(inside))
    assert result.verdicts[0].outcome == wire.OUTCOME_AS_GOOD
    assert (result.model, result.model_version) == ("forecast_mlp", version_of("forecast_mlp"))


def test_a_backtest_of_har_itself_and_of_days_without_dates(forecasts: Stub) -> None:
    request = wire.BacktestRequest(
        series=message(walk(300), dated=False), model="forecast_har", days=61
    )
    *_, last = forecasts.Backtest(request)
    assert [row.forecast for row in last.result.scores] == ["naive", "drift", "har"]
    assert last.result.model == "forecast_har"
    assert not last.result.HasField("seen_days")


def test_days_that_training_saw_are_counted(forecasts: Stub) -> None:
    request = wire.BacktestRequest(csv=csv_of(walk(300, last="2024-01-20")), days=100)
    *_, last = forecasts.Backtest(request)
    assert 70 < last.result.seen_days < 90
    assert last.result.verdicts[0].outcome == wire.OUTCOME_UNKNOWN


def still() -> wire.Series:
    series = message(walk(300))
    for place in range(100, 131):
        series.closes[place] = 7.0
    return series


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        (
            wire.BacktestRequest(csv=csv_of(walk(300)), days=60),
            "days",
            "60, but must be 61 to 5000",
        ),
        (wire.BacktestRequest(csv=csv_of(walk(300)), days=5001), "days", "5001, but must be"),
        (wire.BacktestRequest(csv=csv_of(walk(300)), horizon=31), "horizon", "1 to 30"),
        (wire.BacktestRequest(csv=csv_of(walk(300))), "csv", "365 test days need at least 427"),
        (wire.BacktestRequest(series=still(), days=100), "series.closes[130]", "stands still"),
        (
            wire.BacktestRequest(csv=csv_of(walk(300)), days=99, model="connect4"),
            "model",
            "no model",
        ),
    ],
)
def test_impossible_backtests_name_field_and_reason(
    forecasts: Stub, request_: wire.BacktestRequest, field: str, reason: str
) -> None:
    named, description = failure(lambda: list(forecasts.Backtest(request_))).field_violation()
    assert named == field
    assert reason in description


def test_backtests_are_bounded_and_can_be_cancelled(forecasts: Stub) -> None:
    request = wire.BacktestRequest(csv=csv_of(walk(6000)), horizon=30, days=5000)
    running = [forecasts.Backtest(request) for _ in range(2)]
    for call in running:
        assert next(call).HasField("progress")
    assert failure(lambda: list(forecasts.Backtest(request))).retry_seconds() > 0
    for call in running:
        call.cancel()
    # As soon as they are over there is room again.
    small = wire.BacktestRequest(csv=csv_of(walk(300)), days=61)
    for _ in range(50):
        try:
            *_, last = forecasts.Backtest(small)
        except grpc.RpcError:
            continue
        assert last.HasField("result")
        return
    raise AssertionError("the cancelled backtests still run")
