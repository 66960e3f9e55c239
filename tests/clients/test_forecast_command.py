"""`fourcast forecast`, `fourcast backtest` and `fourcast data`: what they print and draw."""

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from PIL import Image
from rich.console import Console

from fourcast_clients.api import Fourcast
from fourcast_clients.terminal.__main__ import main
from fourcast_clients.terminal.backtest import show as show_backtest
from fourcast_models.sequence.prices_file import read_series
from tests.services.forecast_models import copy_forecast_models, csv_of, walk
from tests.services.running import run_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with run_server(copy_forecast_models(tmp_path_factory.mktemp("forecast"))) as running:
        yield running.address
        assert "Traceback" not in running.log()


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("prices") / "prices.csv"
    file.write_bytes(csv_of(walk(300)))
    return file


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    code = main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_fan_is_printed_and_drawn(
    server: str, prices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "pictures" / "fan.png"
    code, out, err = run(
        capsys, "forecast", prices, "--model", "mlp", "--horizon", 3, "--level", 80, 95,
        "--plot", picture, "--server", server,
    )  # fmt: skip
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["day", "median", "80", "%", "95", "%"]
    assert [line.split()[0] for line in lines[1:4]] == ["2026-11-21", "2026-11-22", "2026-11-23"]
    assert lines[4].startswith("One day ahead it is as good as repeating the last price (p = ")
    assert lines[5].startswith("3 days ahead it is")
    assert re.match(r"Answered by forecast_mlp, version \d+, trained up to ", lines[-1])
    with Image.open(picture) as image:
        assert image.size == (1200, 480)


def test_answers_for_programs(
    server: str, prices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "forecast", prices, "--json", "--server", server)
    assert code == 0
    answer = json.loads(out)
    with Fourcast(server) as client:
        forecast = client.forecast.predict(csv=prices.read_bytes())
    assert len(answer["prospects"]) == 14
    assert answer["prospects"][0]["day"] == "2026-11-21"
    assert answer["prospects"][0]["median"] == forecast.prospects[0].median
    assert answer["verdicts"][0]["outcome"] == "as good as"
    code, out, _ = run(capsys, "backtest", prices, "--days", 61, "--json", "--server", server)
    assert code == 0
    answer = json.loads(out)
    assert [row["forecast"] for row in answer["scores"]][:3] == ["naive", "drift", "har"]
    assert len(answer["test_days"]) == 61


def test_a_backtest_is_printed_and_drawn(
    server: str, prices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(
        capsys, "backtest", prices, "--days", 150, "--horizon", 2, "--plots", tmp_path,
        "--server", server,
    )  # fmt: skip
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "One day ahead, 150 days with an outcome:"
    names = [line.split("  ")[0].strip() for line in lines[2:7]]
    assert names == ["naive", "always up", "drift", "har", "lstm"]
    assert "2 days ahead, 149 days with an outcome:" in lines
    assert "One day ahead it is as good as repeating the last price" in out
    for name in ("prices", "coverage", "volatility"):
        with Image.open(tmp_path / f"{name}.png") as image:
            assert image.size == (1200, 480)


def test_the_table_says_what_training_saw_and_fits_a_terminal(server: str) -> None:
    with Fourcast(server) as client:
        backtest = client.forecast.backtest(csv=csv_of(walk(300, last="2024-01-20")), test_days=100)
    file = io.StringIO()
    show_backtest(backtest, Console(file=file, width=80))
    assert f"{backtest.seen_days} of the 100 days were over when the training ended" in (
        file.getvalue()
    )
    assert "…" not in file.getvalue()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("forecast", "missing.csv"), "missing.csv: there is no such file"),
        (("forecast", "."), ". is a folder: name one file in it"),
        (("forecast", "{prices}", "--horizon", "0"), "--horizon is 0"),
        (("forecast", "{prices}", "--horizon", "31"), "--horizon: 31"),
        (("forecast", "{prices}", "--level", "90"), "--level: 90"),
        (("forecast", "{prices}", "--level", "-1"), "--level: a level is"),
        (("forecast", "{prices}", "--model", "nonesuch"), "--model: no model 'forecast_nonesuch'"),
        (("forecast", "{prices}", "--plot", "x.gif"), "--plot: x.gif must end in one of .png"),
        (("backtest", "{prices}", "--days", "0"), "--days is 0"),
        (("backtest", "{prices}", "--days", "20"), "--days: 20"),
        (("backtest", "{prices}"), "{prices}: 300 days are too few: 365 test days need"),
        (("backtest", "{broken}"), "{broken}: line 3, column 'close'"),
    ],
)
def test_wrong_usage_exits_2_and_says_why(
    server: str,
    prices: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("date,close\n2026-01-01,1\n2026-01-02,-1\n")
    files = {"prices": prices, "broken": broken}
    given = [argument.format(**files) for argument in arguments]
    code, out, err = run(capsys, *given, "--server", server)
    assert (code, out) == (2, "")
    assert err.startswith(f"fourcast {given[0]}: {words.format(**files)}")
    assert err.count("\n") == 1


def test_pictures_without_matplotlib_name_the_extra(
    prices: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What Python does where a package is not installed.
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    code, _, err = run(capsys, "forecast", prices, "--plot", "out.png")
    assert code == 2
    assert "--plot needs matplotlib: pip install 'fourcast[plot]'" in err


@pytest.fixture
def exchange() -> Iterator[str]:
    """An exchange that has the candles of three days."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            days = [date(2024, 1, day) for day in (1, 2, 3)]
            moments = [datetime(d.year, d.month, d.day, tzinfo=UTC).timestamp() for d in days]
            rows = [[moment, 1, 3, 2, 2.5, 10] for moment in reversed(moments)]
            body = json.dumps(rows).encode()
            self.send_response(200 if "BTC-USD" in self.path else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # as overridden
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_prices_are_fetched(
    exchange: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "btc.csv"
    common = ("--address", exchange, "--cache", tmp_path / "cache", "--out", out)
    code, printed, err = run(
        capsys, "data", "crypto", "BTC-USD", *common, "--start", "2024-01-01", "--end", "2024-01-03"
    )
    assert (code, printed, err) == (0, f"{out}: 3 days\n", "")
    assert len(read_series(out)) == 3
    span = ("--start", "2024-01-01", "--end", "2024-01-03")
    code, printed, err = run(capsys, "data", "crypto", "BTC-USD", *common, *span, "--json")
    assert (code, err) == (0, "")
    assert json.loads(printed) == {"file": str(out), "product": "BTC-USD", "days": 3}
    code, _, err = run(capsys, "data", "crypto", "NONE-USD", *common, "--start", "2024-01-01")
    assert code == 1
    assert "is the product's name right?" in err
    code, _, err = run(capsys, "data", "crypto", "BTC-USD", *common, "--end", "2001-01-01")
    assert code == 2
    assert "there are no days from" in err
