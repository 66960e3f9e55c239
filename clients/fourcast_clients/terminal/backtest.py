"""``fourcast backtest``: what a model's forecasts of the last days were worth."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from fourcast_clients.api import Backtest, FourcastError
from fourcast_clients.forecast import DEFAULT_TEST_DAYS
from fourcast_clients.forecast_records import Outcome, Score
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.bar import bar
from fourcast_clients.terminal.connection import connected
from fourcast_clients.terminal.console import Output
from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.forecast import COLOURS, as_text, price
from fourcast_clients.terminal.price_charts import (
    check_charts,
    save_coverage,
    save_prices,
    save_volatility,
)
from fourcast_clients.terminal.prices import explained, model_name, read_prices
from fourcast_clients.terminal.server_access import ServerAccess

CHARTS = {
    "prices.png": save_prices,
    "coverage.png": save_coverage,
    "volatility.png": save_volatility,
}

LEGEND = """\
error: mean absolute error of the median; ratio: that over naive's; right: days with the right sign;
80 %, 95 %: outcomes inside the interval; size: squared error of the forecast absolute return over
that of yesterday's; QLIKE: of the volatility, lower is better; price: beside the last one."""

_PRICE = {
    Outcome.BETTER: "better",
    Outcome.AS_GOOD: "as good",
    Outcome.WORSE: "worse",
    Outcome.UNKNOWN: "unknown",
}


@dataclass(frozen=True, kw_only=True)
class TryOut:
    """Try a forecasting model on the last days of a file, beside forecasts that cost nothing.

    FILE is a CSV file as `fourcast forecast` takes it. The model forecasts from each day by the
    closes up to it and is not trained anew; drift and the last price know only what lies before the
    test. "har" are the statistics that the networks correct.

    Without --server it starts a service of its own and stops it at the end. With --json it prints
    one JSON object: {"scores": [{"forecast": "naive", "ahead": 1, "ratio": 1.0, ...}, ...],
    "verdicts": [...], "test_days": [...], ...}

    Example: fourcast backtest prices.csv --model gru --days 1000 --plots pictures

    Example: fourcast backtest prices.csv --horizon 7 --json
    """

    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE")]
    """The prices."""

    model: Annotated[str, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: lstm)")] = ""
    """The network: mlp, lstm, gru, lstm_regularized, deep_lstm or har, or a model's whole name."""

    horizon: Annotated[int, tyro.conf.arg(metavar="DAYS")] = 1
    """How many days to look ahead, 1 to 30; one day is always scored."""

    days: Annotated[int, tyro.conf.arg(metavar="N")] = DEFAULT_TEST_DAYS
    """How many days to forecast from, the last ones; at least 60 more than the horizon."""

    plots: Annotated[
        Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: none)")
    ] = None
    """Draw prices.png, coverage.png and volatility.png there; needs the extra 'plot'."""

    json: bool = False
    """Print one JSON object, as above, in place of the table."""

    access: tyro.conf.OmitArgPrefixes[ServerAccess] = field(default_factory=ServerAccess)

    def run(self) -> int:
        """Have the server test the model, and print what it found.

        Returns:
            The exit code: 0.

        Raises:
            UsageError: If a flag's value or the file is wrong.
            FourcastError: If the server failed.
            LocalServiceError: If a service of its own did not start.
        """
        for flag, value in (("--horizon", self.horizon), ("--days", self.days)):
            if value < 1:
                raise UsageError(f"{flag} is {value}, but must be at least 1")
        if self.plots is not None:
            check_charts("--plots")
        content = read_prices(self.file)
        with connected(self.access) as connection, bar(Console(stderr=True), "Backtest") as report:
            try:
                backtest = connection.fourcast.forecast.backtest(
                    csv=content,
                    horizon=self.horizon,
                    test_days=self.days,
                    model=model_name(self.model),
                    progress=report,
                )
            except FourcastError as error:
                raise explained(error, self.file) from None
        if self.plots is not None:
            title = f"{self.file.stem}, {backtest.model}"
            for name, save in CHARTS.items():
                save(backtest, title, self.plots / name)
        if self.json:
            print(json.dumps(asdict(backtest), default=as_text))
        else:
            show(backtest, Output())
        return exit_codes.OK


def show(backtest: Backtest, console: Console) -> None:
    """Print a table for each number of days ahead, and the verdicts."""
    for ahead, up in backtest.always_up.items():
        scores = [score for score in backtest.scores if score.ahead == ahead]
        distance = "One day ahead" if ahead == 1 else f"{ahead} days ahead"
        console.print(f"{distance}, {scores[0].days} days with an outcome:", style="bold")
        # Narrow enough for 80 characters, with the longest name of a network.
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
        table.add_column("forecast")
        for name in ("error", "ratio", "right", "80 %", "95 %", "size", "QLIKE"):
            table.add_column(name, justify="right")
        table.add_column("price")
        for score in scores:
            table.add_row(*_cells(score))
            if score.forecast == "naive":
                table.add_row("always up", "", "", f"{up:.1%}")
        console.print(table)
        console.print()
    console.print(LEGEND, style="dim", soft_wrap=True)
    if backtest.seen_days:
        console.print(
            f"{backtest.seen_days} of the {len(backtest.test_days)} days were over when the "
            f"training ended ({backtest.trained_until}): the table is too good there.",
            style="yellow",
            soft_wrap=True,
        )
    for verdict in backtest.verdicts:
        console.print(verdict.text, style=COLOURS[verdict.outcome], soft_wrap=True)
    console.print(
        f"Answered by {backtest.model}, version {backtest.model_version}, trained up to "
        f"{backtest.trained_until}.",
        style="dim",
        soft_wrap=True,
    )


def _cells(score: Score) -> list[str]:
    return [
        score.forecast.removeprefix("forecast_"),
        price(score.mean_absolute_error),
        f"{score.ratio:.4f}",
        "" if score.direction is None else f"{score.direction:.1%}",
        f"{score.coverage[80]:.1%}",
        f"{score.coverage[95]:.1%}",
        f"{score.magnitude_ratio:.4f}",
        f"{score.qlike:.4f}",
        "" if score.forecast == "naive" else _PRICE[score.outcome],
    ]
