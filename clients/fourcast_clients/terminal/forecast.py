"""``fourcast forecast``: what the prices in a file may do next."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from fourcast_clients.api import Forecast, FourcastError
from fourcast_clients.forecast import DEFAULT_HORIZON, DEFAULT_LEVELS
from fourcast_clients.forecast_records import Outcome
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.connection import connected
from fourcast_clients.terminal.console import Output
from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.price_charts import check_charts, save_fan
from fourcast_clients.terminal.prices import explained, model_name, read_prices
from fourcast_clients.terminal.progress import progress
from fourcast_clients.terminal.server_access import ServerAccess

COLOURS = {
    Outcome.BETTER: "green",
    Outcome.AS_GOOD: "yellow",
    Outcome.WORSE: "red",
    Outcome.UNKNOWN: "yellow",
}


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Forecast daily prices, with intervals, and say what such forecasts were worth before.

    FILE is a CSV file with the columns date and close, one line a day without a gap; `fourcast data
    crypto` makes one. Nobody should buy or sell because of what is printed.

    Without --server it starts a service of its own and stops it at the end. With --json it prints
    one JSON object: {"prospects": [{"ahead": 1, "day": "2026-11-22", "median": 1.0, "intervals":
    [{"level": 80, "lower": 0.9, "upper": 1.1}, ...], ...}, ...], "verdicts": [...], ...}

    Example: fourcast forecast prices.csv --model lstm --horizon 14 --level 80 95 --plot out.png

    Example: fourcast forecast prices.csv --horizon 30 --json
    """

    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE")]
    """The prices."""

    model: Annotated[str, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: lstm)")] = ""
    """The network: mlp, lstm, gru, lstm_regularized, deep_lstm or har, or a model's whole name."""

    horizon: Annotated[int, tyro.conf.arg(metavar="DAYS")] = DEFAULT_HORIZON
    """How many days to look ahead, 1 to 30."""

    level: Annotated[tuple[int, ...], tyro.conf.arg(metavar="PERCENT")] = DEFAULT_LEVELS
    """How many per cent of the outcomes each interval is meant to hold: any of 50, 80 and 95."""

    plot: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: none)")
    ] = None
    """Draw the last closes and the intervals as a PNG, SVG or PDF; needs the extra 'plot'."""

    json: bool = False
    """Print one JSON object, as above, in place of the table."""

    access: tyro.conf.OmitArgPrefixes[ServerAccess] = field(default_factory=ServerAccess)

    def run(self) -> int:
        """Ask the server and print what it answers.

        Returns:
            The exit code: 0.

        Raises:
            UsageError: If a flag's value or the file is wrong.
            FourcastError: If the server failed.
            LocalServiceError: If a service of its own did not start.
        """
        if self.horizon < 1:
            raise UsageError(f"--horizon is {self.horizon}, but must be at least 1")
        if any(level < 1 for level in self.level):
            raise UsageError("--level: a level is 50, 80 or 95")
        if self.plot is not None:
            check_charts("--plot", self.plot)
        content = read_prices(self.file)
        with (
            progress(Console(stderr=True), "Forecasting ..."),
            connected(self.access) as connection,
        ):
            try:
                forecast = connection.fourcast.forecast.predict(
                    csv=content,
                    horizon=self.horizon,
                    levels=self.level,
                    model=model_name(self.model),
                )
            except FourcastError as error:
                raise explained(error, self.file) from None
        if self.plot is not None:
            save_fan(forecast, f"{self.file.stem}, {forecast.model}", self.plot)
        if self.json:
            print(json.dumps(asdict(forecast), default=as_text))
        else:
            show(forecast, Output())
        return exit_codes.OK


def show(forecast: Forecast, console: Console) -> None:
    """Print the days with their intervals, and the verdicts."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("day")
    table.add_column("median", justify="right")
    for interval in forecast.prospects[0].intervals:
        table.add_column(f"{interval.level} %", justify="right")
    for one in forecast.prospects:
        spans = [f"{price(each.lower)} to {price(each.upper)}" for each in one.intervals]
        table.add_row(str(one.day or f"+{one.ahead}"), price(one.median), *spans)
    console.print(table)
    if not forecast.corrected_by:
        console.print(
            "Too few earlier forecasts are known: the intervals are not corrected.", soft_wrap=True
        )
    for verdict in forecast.verdicts:
        console.print(verdict.text, style=COLOURS[verdict.outcome], soft_wrap=True)
    console.print(
        f"Answered by {forecast.model}, version {forecast.model_version}, trained up to "
        f"{forecast.trained_until}.",
        style="dim",
        soft_wrap=True,
    )


def price(value: float) -> str:
    """A price in a table: six digits that count."""
    return f"{value:,.2f}" if 1000 <= value < 1e9 else f"{value:.6g}"


def as_text(value: object) -> str:
    """Days and outcomes in JSON."""
    return value.value if isinstance(value, Outcome) else str(value)
