"""Fetch daily candles from the public interface of Coinbase Exchange.

``GET /products/BTC-USD/candles?granularity=86400&start=…&end=…`` answers with at most 300 rows of
``[time, low, high, open, close, volume]``, the newest first; time is the day's midnight in seconds
since 1970 (docs.cdp.coinbase.com, "Get product candles"). Pages that can no longer change are kept,
so that a run which broke off goes on where it was. Where the exchange asks for patience it gets it.
"""

import csv
import io
import json
import logging
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

from fourcast_clients.files import write_atomically

log = logging.getLogger(__name__)

COINBASE = "https://api.exchange.coinbase.com"
FIRST_DAY = date(2015, 7, 21)
"""Of Bitcoin there; nothing is older."""

PAGE_DAYS = 300
"""Most candles that the interface gives at once."""

_DAY_SECONDS = 86_400
_TIMEOUT_SECONDS = 30.0
_TRIES = 6
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds to wait before trying again: doubled each time."""

_HEADER = ("date", "open", "high", "low", "close", "volume")


class Candle(NamedTuple):
    """A day's prices and the volume in coins."""

    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True)
class Download:
    """What is fetched.

    Attributes:
        product: As the exchange writes it, such as ETH-USD.
        start: First day; without candles for it, the file begins with the first one there is.
        end: Last day; None is yesterday, the last day that is over.
        out: The CSV file.
        cache: The folder where pages are kept.
        source: Where they come from.
    """

    product: str
    out: Path
    cache: Path
    start: date = FIRST_DAY
    end: date | None = None
    source: str = COINBASE


class DownloadError(RuntimeError):
    """Candles could not be fetched; the text says which and what to do."""


def download(
    config: Download,
    *,
    today: date | None = None,
    pause: Callable[[float], object] = time.sleep,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> int:
    """Fetch what is not there yet and write a CSV file that the forecasts take.

    Args:
        config: What to fetch.
        today: The day that is not over yet, in UTC; None asks the clock.
        pause: Waits that many seconds.
        progress: Told after each page how many are there, and of how many.

    Returns:
        How many days were written.

    Raises:
        DownloadError: If the exchange cannot be reached, does not have the product, sends what is
            no page of candles, or leaves days out.
        ValueError: If the days asked for are none.
    """
    today = today or datetime.now(UTC).date()
    end = min(config.end or today, today - timedelta(days=1))
    if end < config.start:
        raise ValueError(f"there are no days from {config.start} to {end}")
    starts = range(config.start.toordinal(), end.toordinal() + 1, PAGE_DAYS)
    candles: dict[date, Candle] = {}
    for page, number in enumerate(starts):
        progress(page, len(starts))
        first = date.fromordinal(number)
        last = min(first + timedelta(days=PAGE_DAYS - 1), end)
        candles |= _page(config, first, last, pause)
    if not candles:
        raise DownloadError(f"{config.product} has no candles from {config.start} to {end}")
    _check_days(config.product, candles)
    progress(len(starts), len(starts))
    write_atomically(config.out, _table(candles))
    return len(candles)


def _check_days(product: str, candles: Mapping[date, Candle]) -> None:
    """Refuse a gap: filled silently, it would make a forecast silently wrong."""
    first, last = min(candles), max(candles)
    span = map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))
    missing = [day for day in span if day not in candles]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DownloadError(
            f"{product} has no candle for {missing[0]}{more}, and nothing was written: try again "
            "later, or begin after it"
        )


def _page(
    config: Download, first: date, last: date, pause: Callable[[float], object]
) -> dict[date, Candle]:
    """The candles of a span of days, from the cache if they were all there before."""
    file = config.cache / config.product / f"{first}_{last}.json"
    if file.exists():
        return _candles(file.read_bytes(), str(file), first, last)
    query = {"granularity": _DAY_SECONDS, "start": f"{first}T00:00:00Z", "end": f"{last}T00:00:00Z"}
    product = urllib.parse.quote(config.product, safe="")
    address = f"{config.source}/products/{product}/candles?{urllib.parse.urlencode(query)}"
    content = _fetch(address, pause)
    candles = _candles(content, address, first, last)
    # A page with days missing may be whole later, so it is asked for again.
    if len(candles) > (last - first).days:
        write_atomically(file, content)
    return candles


def _fetch(address: str, pause: Callable[[float], object]) -> bytes:
    """What an address answers, asked again with growing pauses while the exchange is busy."""
    wait = _FIRST_PAUSE
    for attempt in range(1, _TRIES + 1):
        problem, asked = "", 0.0
        # Without a name of its own a program is turned away.
        request = urllib.request.Request(address, headers={"User-Agent": "fourcast"})
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
                content: bytes = response.read()
                return content
        except urllib.error.HTTPError as error:
            problem = f"the exchange answers {error.code} {error.reason}"
            if error.code == HTTPStatus.NOT_FOUND:
                raise DownloadError(f"{address}: {problem}: is the product's name right?") from None
            if error.code != HTTPStatus.TOO_MANY_REQUESTS and error.code < 500:
                raise DownloadError(f"{address}: {problem}") from None
            header = error.headers.get("Retry-After", "")
            asked = float(header) if header.isdigit() else 0.0
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
            problem = str(error)
        if attempt < _TRIES:
            seconds = min(max(wait, asked), _LONGEST_PAUSE)
            log.info("%s: again in %.0f s", problem, seconds)
            pause(seconds)
            wait *= 2
    raise DownloadError(
        f"{address}: {problem}, {_TRIES} times: run again later, what has arrived is kept"
    )


def _candles(content: bytes, place: str, first: date, last: date) -> dict[date, Candle]:
    """The candles of a span of days; the exchange may send some from before it, too."""
    try:
        rows = [tuple(map(float, row)) for row in json.loads(content)]
    except (ValueError, TypeError):
        rows = [()]
    candles: dict[date, Candle] = {}
    for row in rows:
        if len(row) != len(_HEADER):
            raise DownloadError(f"{place}: this is no page of candles: {content[:80]!r}")
        moment, low, high, start, end, volume = row
        if moment % _DAY_SECONDS:
            raise DownloadError(f"{place}: the candle of {moment:.0f} s begins at no midnight")
        day = datetime.fromtimestamp(moment, UTC).date()
        if first <= day <= last:
            candles[day] = Candle(start, high, low, end, volume)
    return candles


def _table(candles: dict[date, Candle]) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_HEADER)
    table.writerows([day, *candles[day]] for day in sorted(candles))
    return text.getvalue().encode()
