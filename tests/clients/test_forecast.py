"""The typed client's forecasts and backtests, against a real service."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from fourcast_clients.api import Cancellation, Fourcast, FourcastError
from fourcast_clients.forecast_records import Outcome
from tests.services.forecast_models import copy_forecast_models, csv_of, version_of, walk
from tests.services.running import run_server

SERIES = walk(300)
DAYS: list[date] = SERIES.days.tolist()


@pytest.fixture(scope="module")
def forecaster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fourcast]:
    folder = copy_forecast_models(tmp_path_factory.mktemp("forecast"))
    with run_server(folder) as server, Fourcast(server.address) as client:
        client.wait_until_ready()
        yield client
        assert "Traceback" not in server.log()


def test_a_forecast(forecaster: Fourcast) -> None:
    forecast = forecaster.forecast.predict(
        SERIES.closes, days=DAYS, horizon=7, levels=[50, 95], model="forecast_mlp"
    )
    assert [one.day for one in forecast.prospects] == [
        DAYS[-1] + timedelta(days=ahead) for ahead in range(1, 8)
    ]
    for one in forecast.prospects:
        narrow, wide = one.intervals
        assert (narrow.level, wide.level) == (50, 95)
        assert wide.lower < narrow.lower < one.median < narrow.upper < wide.upper
    first, last = forecast.verdicts
    assert (first.ahead, last.ahead) == (1, 7)
    assert first.outcome is Outcome.AS_GOOD
    assert first.unseen is True
    assert first.text.startswith("One day ahead it is as good as repeating the last price")
    assert (forecast.recent[-1].day, forecast.recent[-1].close) == (DAYS[-1], SERIES.closes[-1])
    assert forecast.model == "forecast_mlp"
    assert forecast.model_version == version_of("forecast_mlp")
    assert forecast.trained_until < DAYS[0]


def test_the_same_from_a_file_and_without_dates(forecaster: Fourcast) -> None:
    by_numbers = forecaster.forecast.predict(SERIES.closes, days=DAYS)
    assert forecaster.forecast.predict(csv=csv_of(SERIES)) == by_numbers
    undated = forecaster.forecast.predict(list(SERIES.closes))
    assert undated.prospects[0].day is None
    assert undated.verdicts[0].unseen is None


def test_a_backtest(forecaster: Fourcast) -> None:
    told: list[tuple[int, int]] = []
    backtest = forecaster.forecast.backtest(
        csv=csv_of(SERIES),
        horizon=3,
        test_days=100,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1][0] == told[-1][1]
    assert [row.forecast for row in backtest.scores[:4]] == [
        "naive",
        "drift",
        "har",
        "forecast_lstm",
    ]
    assert backtest.scores[0].direction is None
    assert backtest.scores[1].direction is not None
    assert set(backtest.always_up) == {1, 3}
    assert set(backtest.scores[-1].coverage) == {50, 80, 95}
    assert len(backtest.test_days) == 100
    assert backtest.test_days[-1].day == DAYS[-1]
    assert backtest.seen_days == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: f.predict(), "give the prices as closes="),
        (lambda f: f.predict([1.0], csv=b""), "as closes=, with days="),
        (lambda f: f.predict(csv=b"", days=[]), "give the prices"),
        (lambda f: f.predict([1.0], horizon=0), "horizon is 0"),
        (lambda f: f.backtest([1.0], test_days=0), "test_days is 0"),
    ],
)
def test_what_cannot_be_sent(
    forecaster: Fourcast, call: Callable[[Any], object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        call(forecaster.forecast)


@pytest.mark.parametrize(
    ("call", "code", "field"),
    [
        (lambda f: f.predict([]), "INVALID_ARGUMENT", "series.closes"),
        (lambda f: f.predict(SERIES.closes, levels=[99]), "INVALID_ARGUMENT", "levels[0]"),
        (lambda f: f.predict(SERIES.closes, model="nonesuch"), "NOT_FOUND", None),
        (lambda f: f.backtest(SERIES.closes, test_days=20), "INVALID_ARGUMENT", "days"),
        (lambda f: f.backtest(csv=b"x"), "INVALID_ARGUMENT", "csv"),
    ],
)
def test_what_the_server_refuses(
    forecaster: Fourcast, call: Callable[[Any], object], code: str, field: str | None
) -> None:
    with pytest.raises(FourcastError) as caught:
        call(forecaster.forecast)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_a_backtest_can_be_cancelled(forecaster: Fourcast) -> None:
    cancellation = Cancellation()
    with pytest.raises(FourcastError, match="cancelled"):
        forecaster.forecast.backtest(
            csv=csv_of(walk(3000)),
            horizon=30,
            test_days=2500,
            progress=lambda _done, _total: cancellation.cancel(),
            cancellation=cancellation,
        )
    with pytest.raises(FourcastError, match="cancelled"):
        forecaster.forecast.backtest(SERIES.closes, cancellation=cancellation)


def test_nobody_there() -> None:
    with Fourcast("127.0.0.1:9") as nobody, pytest.raises(FourcastError, match="no fourcast"):
        nobody.forecast.backtest(SERIES.closes)


def test_a_closed_client(forecaster: Fourcast) -> None:
    closed = Fourcast(forecaster.server)
    closed.close()
    with pytest.raises(FourcastError, match="closed"):
        closed.forecast.backtest(SERIES.closes)
