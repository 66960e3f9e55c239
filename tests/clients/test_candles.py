"""The download of candles from a server of this machine that answers as the exchange does."""

import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from fourcast_clients.candles import PAGE_DAYS, Download, DownloadError, download
from fourcast_models.sequence.prices_file import read_series
from fourcast_models.sequence.series import Series

START = date(2023, 1, 1)
END = START + timedelta(days=649)
TODAY = END + timedelta(days=1)


def candle(day: date) -> list[float]:
    """Time, low, high, open, close, volume."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    price = 100.0 + day.toordinal() % 37
    return [int(moment), price - 2, price + 2, price - 1, price, 12.25]


@dataclass
class Exchange:
    """Answers as Coinbase Exchange does: the newest first, at most 300, some from before the start.

    Attributes:
        address: Where it listens.
        missing: Days without a candle.
        failures: Status codes to answer the next requests with, and the Retry-After to send along.
        answer: Sent as it is instead of candles, if it is not None.
        requests: The span of each request that got candles.
        agents: What the callers said they are.
    """

    address: str = ""
    missing: set[date] = field(default_factory=set)
    failures: list[tuple[int, str]] = field(default_factory=list)
    answer: bytes | None = None
    requests: list[tuple[str, str]] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    state = Exchange()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(address.query))
            state.agents.add(self.headers.get("User-Agent", ""))
            if state.failures:
                status, retry = state.failures.pop(0)
                self.send_response(status)
                if retry:
                    self.send_header("Retry-After", retry)
                self.end_headers()
                return
            if address.path != "/products/BTC-USD/candles":
                self.send_error(404, "NotFound")
                return
            assert query["granularity"] == "86400"
            first, last = (datetime.fromisoformat(query[name]).date() for name in ("start", "end"))
            assert (last - first).days < PAGE_DAYS
            state.requests.append((str(first), str(last)))
            days = [last - timedelta(days=n) for n in range((last - first).days + 3)]
            rows = [candle(day) for day in days if day not in state.missing]
            body = json.dumps(rows).encode() if state.answer is None else state.answer
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # as overridden
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield state
        server.shutdown()
        thread.join()


@pytest.fixture
def config(exchange: Exchange, tmp_path: Path) -> Download:
    return Download(
        product="BTC-USD",
        start=START,
        end=END,
        out=tmp_path / "btc.csv",
        cache=tmp_path / "pages",
        source=exchange.address,
    )


def fetched(config: Download, today: date = TODAY) -> Series:
    """What is in the file after a download, as the forecasts read it."""
    count = download(config, today=today)
    series = read_series(config.out)
    assert len(series) == count
    return series


def test_pages_become_one_file(exchange: Exchange, config: Download) -> None:
    series = fetched(config)
    assert (str(series.days[0]), str(series.days[-1])) == (str(START), str(END))
    expected = [candle(START + timedelta(days=n))[4] for n in range(len(series))]
    assert series.closes.tolist() == expected
    assert len(exchange.requests) == 3
    assert exchange.agents == {"fourcast"}


def test_what_has_arrived_is_not_asked_for_again(exchange: Exchange, config: Download) -> None:
    first = fetched(config)
    exchange.requests.clear()
    assert fetched(config).sha256 == first.sha256
    assert exchange.requests == []
    later = replace(config, end=END + timedelta(days=3))
    assert len(fetched(later, TODAY + timedelta(days=9))) == 653
    assert exchange.requests == [("2024-08-23", "2024-10-14")]


def test_a_broken_run_goes_on_where_it_was(exchange: Exchange, config: Download) -> None:
    exchange.failures = []
    first = replace(config, end=START + timedelta(days=PAGE_DAYS - 1))
    download(first, today=TODAY)
    exchange.failures = [(503, "")] * 6
    with pytest.raises(DownloadError, match=r"503 .*, 6 times: run again later, what has arrived"):
        download(config, today=TODAY, pause=lambda _: None)
    exchange.requests.clear()
    assert len(fetched(config)) == 650
    assert len(exchange.requests) == 2


def test_a_busy_exchange_is_given_time(exchange: Exchange, config: Download) -> None:
    exchange.failures = [(429, ""), (429, "7"), (500, ""), (429, "9999")]
    pauses: list[float] = []
    download(config, today=TODAY, pause=pauses.append)
    assert pauses == [1.0, 7.0, 4.0, 60.0]


def test_an_unknown_product_says_so(config: Download) -> None:
    with pytest.raises(DownloadError, match="404 NotFound: is the product's name right"):
        download(replace(config, product="BTC/USD"), today=TODAY)


def test_a_refusal_is_not_repeated(exchange: Exchange, config: Download) -> None:
    exchange.failures = [(400, "")]
    pauses: list[float] = []
    with pytest.raises(DownloadError, match="the exchange answers 400"):
        download(config, today=TODAY, pause=pauses.append)
    assert pauses == []


@pytest.mark.parametrize(
    "answer", [b"<html>", b'{"message": "no"}', b"[[1, 2]]", b"[[1,2,3,4,5,6]]"]
)
def test_what_is_no_page_is_not_kept(exchange: Exchange, config: Download, answer: bytes) -> None:
    exchange.answer = answer
    with pytest.raises(DownloadError, match=r"no page of candles|begins at no midnight"):
        download(config, today=TODAY)
    exchange.answer = None
    assert len(fetched(config)) == 650


def test_missing_days_are_an_error_and_asked_for_again(
    exchange: Exchange, config: Download
) -> None:
    exchange.missing = {START + timedelta(days=400)}
    with pytest.raises(DownloadError, match="no candle for 2024-02-05, and nothing was written"):
        download(config, today=TODAY)
    exchange.missing = set()
    assert len(fetched(config)) == 650


def test_today_is_not_over(config: Download) -> None:
    series = fetched(replace(config, end=None), START + timedelta(days=10))
    assert len(series) == 10
    with pytest.raises(ValueError, match="there are no days from 2023-01-01 to 2022-12-31"):
        download(config, today=START)


def test_progress_is_told(config: Download) -> None:
    told: list[tuple[int, int]] = []
    download(config, today=TODAY, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_server_that_is_not_there_says_so(tmp_path: Path) -> None:
    config = Download("BTC-USD", tmp_path / "x.csv", tmp_path, source="http://127.0.0.1:9")
    with pytest.raises(DownloadError, match="6 times: run again later"):
        download(config, pause=lambda _: None)
