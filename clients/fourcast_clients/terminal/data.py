"""``fourcast data``: prices from a public exchange, as a file that `fourcast forecast` takes."""

import json
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from fourcast_clients.candles import COINBASE, FIRST_DAY, Download, DownloadError, download
from fourcast_clients.errors import FourcastError
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.bar import bar
from fourcast_clients.terminal.exit_codes import UsageError


def _default_cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "fourcast" / "candles"


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """Fetch the daily prices of a coin from Coinbase Exchange as a CSV file.

    Pages that can no longer change are kept, so a run that broke off goes on where it was, and a
    later one fetches only what is new. Where the exchange asks for patience it gets it. With --json
    it prints one JSON object: {"file": "btc.csv", "product": "BTC-USD", "days": 4000}

    Example: fourcast data crypto BTC-USD --out btc.csv

    Example: fourcast data crypto ETH-USD --out eth.csv --start 2020-01-01
    """

    source: Annotated[tyro.conf.Positional[Literal["crypto"]], tyro.conf.arg(metavar="crypto")]
    """What kind of prices: there are those of coins."""

    product: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="PRODUCT")]
    """Coin and currency as the exchange writes them, such as BTC-USD."""

    out: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """The file to write: date, open, high, low, close, volume."""

    start: Annotated[date, tyro.conf.arg(metavar="DAY")] = FIRST_DAY
    """First day; the file begins with the first one that the exchange has after it."""

    end: Annotated[
        date | None, tyro.conf.arg(metavar="DAY", help_behavior_hint="(default: yesterday)")
    ] = None
    """Last day; the present one is not over yet."""

    cache: Annotated[
        Path | None,
        tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: ~/.cache/fourcast/candles)"),
    ] = None
    """Where pages are kept."""

    address: Annotated[str, tyro.conf.arg(metavar="URL")] = COINBASE
    """The exchange, or another server with the same interface."""

    json: bool = False
    """Print one JSON object, as above, in place of words."""

    def run(self) -> int:
        """Fetch and write.

        Returns:
            The exit code: 0.

        Raises:
            UsageError: If a flag's value is wrong.
            FourcastError: If the exchange failed, or the file cannot be written.
        """
        config = Download(
            product=self.product,
            out=self.out,
            cache=self.cache or _default_cache(),
            start=self.start,
            end=self.end,
            source=self.address,
        )
        try:
            with bar(Console(stderr=True), self.product) as report:
                days = download(config, progress=report)
        except ValueError as error:
            raise UsageError(f"--start, --end: {error}") from None
        except DownloadError as error:
            raise FourcastError("UNAVAILABLE", str(error)) from None
        except OSError as error:
            raise UsageError(f"{error.filename or self.out}: {error.strerror}") from None
        if self.json:
            record = {"file": str(self.out), "product": self.product, "days": days}
            print(json.dumps(record))
        else:
            print(f"{self.out}: {days} days")
        return exit_codes.OK
