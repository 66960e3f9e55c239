"""Pictures of forecasts and backtests. They need matplotlib, which the extra `plot` brings."""

import importlib.util
from collections.abc import Sequence
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from fourcast_clients.api import Backtest, Forecast
from fourcast_clients.files import write_atomically
from fourcast_clients.forecast_records import PastDay
from fourcast_clients.terminal.exit_codes import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")

_ROLLING = 90
"""Days over which coverage is averaged; fewer if there are fewer than twice as many."""

_SHADES = {50: 0.45, 80: 0.3, 95: 0.15}
"""How dark each interval is."""


def check_charts(flag: str, *files: Path) -> None:
    """Fail before the work if pictures could not be drawn.

    Args:
        flag: Which asked for them.
        files: To be written.

    Raises:
        UsageError: If matplotlib is missing, or a file's name has no known ending.
    """
    for file in files:
        if file.suffix.lower() not in FORMATS:
            raise UsageError(f"{flag}: {file} must end in one of {', '.join(FORMATS)}")
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError(f"{flag} needs matplotlib: pip install 'fourcast[plot]'")


def save_fan(forecast: Forecast, title: str, file: Path) -> None:
    """The last closes and the intervals of the next days."""
    figure, axes = _figure(title)
    recent = forecast.recent
    past = _places([one.day for one in recent], 1 - len(recent))
    axes.plot(past, [one.close for one in recent], color="black", linewidth=1.2, label="close")
    ahead = _places([one.day for one in forecast.prospects], 1)
    # The fan begins at the last close, which is certain.
    places, last = [past[-1], *ahead], recent[-1].close
    for number, interval in reversed(list(enumerate(forecast.prospects[0].intervals))):
        axes.fill_between(
            places,
            [last, *(one.intervals[number].lower for one in forecast.prospects)],
            [last, *(one.intervals[number].upper for one in forecast.prospects)],
            color="tab:blue",
            alpha=_SHADES[interval.level],
            linewidth=0,
            label=f"{interval.level} %",
        )
    medians = [last, *(one.median for one in forecast.prospects)]
    axes.plot(places, medians, color="tab:blue", linewidth=1.2, label="median")
    _finish(figure, axes, "close", recent[0].day, file)


def save_prices(backtest: Backtest, title: str, file: Path) -> None:
    """Every close with the intervals that were forecast for it the day before."""
    figure, axes = _figure(title)
    days = backtest.test_days
    places = _places([one.day for one in days], 1)
    for number in (2, 1):
        axes.fill_between(
            places,
            [one.intervals[number].lower for one in days],
            [one.intervals[number].upper for one in days],
            color="tab:blue",
            alpha=_SHADES[days[0].intervals[number].level],
            linewidth=0,
            label=f"{days[0].intervals[number].level} %, a day before",
        )
    axes.plot(places, [one.close for one in days], color="black", linewidth=0.8, label="close")
    _finish(figure, axes, "close", days[0].day, file)


def save_coverage(backtest: Backtest, title: str, file: Path) -> None:
    """The share of the last outcomes inside each interval, over time."""
    figure, axes = _figure(title)
    days = backtest.test_days
    width = min(_ROLLING, len(days) // 2)
    places = _places([one.day for one in days], 1)[width - 1 :]
    for number, interval in enumerate(days[0].intervals):
        shares = _rolling([_is_inside(one, number) for one in days], width)
        colour = f"C{number}"
        axes.plot(places, shares, color=colour, label=f"{interval.level} %")
        axes.axhline(interval.level / 100, color=colour, linestyle=":")
    axes.set_ylim(0, 1.02)
    _finish(figure, axes, f"share of {width} days inside", days[0].day, file)


def save_volatility(backtest: Backtest, title: str, file: Path) -> None:
    """How far each day moved, and how far it was forecast to move."""
    figure, axes = _figure(title)
    days = backtest.test_days
    places = _places([one.day for one in days], 1)
    sizes = [one.size for one in days]
    axes.bar(places, sizes, width=1.0, color="0.75", label="absolute log return")
    forecast = [one.magnitude for one in days]
    axes.plot(places, forecast, color="tab:blue", linewidth=1.2, label="its forecast mean")
    _finish(figure, axes, "a day", days[0].day, file)


def _figure(title: str) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    return figure, axes


def _finish(figure: "Figure", axes: "Axes", unit: str, first: date | None, file: Path) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    axes.set_ylabel(unit)
    if first is None:
        axes.set_xlabel("day")
    else:
        locator = AutoDateLocator()  # type: ignore[no-untyped-call]  # matplotlib has no hints here
        axes.xaxis.set_major_locator(locator)
        form = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]  # nor here
        axes.xaxis.set_major_formatter(form)
    axes.grid(alpha=0.3)
    axes.margins(x=0.01)
    axes.legend(loc="best", frameon=False)
    picture = BytesIO()
    figure.savefig(picture, format=file.suffix[1:].lower(), dpi=120)
    write_atomically(file, picture.getvalue())


def _places(days: Sequence[date | None], first: int) -> list[float]:
    """Where days stand on the axis: by their dates, or numbered if those are not known."""
    from matplotlib.dates import date2num

    if any(day is None for day in days):
        return [float(number) for number in range(first, first + len(days))]
    return [float(date2num(day)) for day in days]  # type: ignore[no-untyped-call]  # has no hints


def _is_inside(day: PastDay, number: int) -> float:
    interval = day.intervals[number]
    return float(interval.lower <= day.close <= interval.upper)


def _rolling(values: Sequence[float], width: int) -> list[float]:
    """Means over windows of so many values."""
    return [sum(values[start : start + width]) / width for start in range(len(values) - width + 1)]
