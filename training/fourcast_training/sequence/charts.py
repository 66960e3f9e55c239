"""Pictures of a test: the fan of prices, the coverage over time, the volatility."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fourcast_models.sequence.codec import LEVELS, MEDIAN, bounds_of
from fourcast_models.sequence.forecasts import Floats, Forecasts
from fourcast_models.sequence.scores import is_covered
from fourcast_models.sequence.series import DAY, Series
from fourcast_training.plots import save_figure

_BEFORE = 90
"""Days shown before a fan."""

_ROLLING = 90
"""Days over which coverage is averaged."""


def save_fan(series: Series, forecasts: Forecasts, title: str, file: Path) -> None:
    """The intervals of the last forecast after the closes before it, as a PNG."""
    origin = int(forecasts.origins[-1])
    fan = forecasts.prices[-1]
    first = max(0, origin - _BEFORE)
    days = series.days[origin] + DAY * np.arange(len(fan) + 1)
    fan = np.concatenate([np.full((1, fan.shape[1]), series.closes[origin]), fan])
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(series.days[first : origin + 1], series.closes[first : origin + 1], color="black")
    for level in sorted(LEVELS, reverse=True):
        low, high = bounds_of(level)
        axes.fill_between(
            days, fan[:, low], fan[:, high], color="tab:blue", alpha=0.2, label=f"{level} %"
        )
    axes.plot(days, fan[:, MEDIAN], color="tab:blue", label="median")
    axes.set(title=title, ylabel="close")
    axes.legend(loc="upper left")
    axes.grid(alpha=0.3)
    save_figure(figure, file)


def save_coverage(series: Series, forecasts: Forecasts, title: str, file: Path) -> None:
    """The share of the last 90 outcomes inside each interval, one day ahead, as a PNG."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    for number, level in enumerate(LEVELS):
        inside = is_covered(forecasts, series, level, 1)
        colour = f"C{number}"
        days = series.days[forecasts.origins[_ROLLING - 1 :] + 1]
        axes.plot(days, _rolling(inside), color=colour, label=f"{level} %")
        axes.axhline(level / 100, color=colour, linestyle=":")
    axes.set(title=title, ylabel=f"share of {_ROLLING} days inside", ylim=(0, 1))
    axes.legend(loc="lower left")
    axes.grid(alpha=0.3)
    save_figure(figure, file)


def save_volatility(series: Series, forecasts: Forecasts, title: str, file: Path) -> None:
    """The absolute log returns and their forecast mean, one day ahead, as a PNG."""
    days = series.days[forecasts.origins + 1]
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(
        days,
        np.abs(series.log_returns[forecasts.origins]),
        color="0.7",
        linewidth=0.6,
        label="absolute log return",
    )
    axes.plot(days, forecasts.magnitude[:, 0], color="tab:blue", label="its forecast mean")
    axes.set(title=title, ylabel="a day")
    axes.legend(loc="upper left")
    axes.grid(alpha=0.3)
    save_figure(figure, file)


def _rolling(values: Floats) -> Floats:
    """Means over windows of _ROLLING values."""
    return np.convolve(values, np.full(_ROLLING, 1 / _ROLLING), "valid")
