"""Walk forward through a series: fit to the past, forecast, go on, fit again.

Strictly out of sample: a model is handed the days up to its first forecast and no others, and
between two fits only their closes up to each origin. `leaks.py` checks that a model keeps to it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from fourcast_models.sequence.forecasts import Forecasts, joined
from fourcast_models.sequence.model import Model
from fourcast_models.sequence.series import Series


@dataclass(frozen=True)
class ProtocolConfig:
    """How a model is tested on a series."""

    days: int = 1000
    """Days to forecast from, the last ones of the series."""

    refit: int = 250
    """Fit anew after this many days; 1 is always, 0 is never after the first time."""

    seeds: tuple[int, ...] = (0,)
    """The test is made once with each."""


def walk_forward(
    model: Model,
    series: Series,
    config: ProtocolConfig,
    seed: int,
    *,
    name: str = "",
    report: Callable[[int, int], object] = lambda _done, _total: None,
) -> Forecasts:
    """Forecasts from each of the last days but the last, of which nothing is known afterwards.

    Args:
        model: What to test.
        series: All of it.
        config: How.
        seed: Of the fits.
        name: What the progress bar says; none shows none.
        report: Told after each fit how many days are done, and of how many.

    Raises:
        ValueError: If the series is too short, or the refits are fewer than none.
    """
    if config.refit < 0:
        raise ValueError(f"refit is {config.refit}: it can be 0 (never), 1 (always) or more days")
    first = len(series) - 1 - config.days
    if config.days < 1 or first < 1:
        raise ValueError(
            f"{series.name} has {len(series)} days: {config.days} of them cannot be test days"
        )
    step = config.refit or config.days
    starts = range(first, len(series) - 1, step)
    parts = []
    for start in tqdm(starts, desc=name, unit="fit", leave=False, disable=None if name else True):
        end = min(start + step, len(series) - 1)
        fitted = model(series.until(start + 1), seed)
        parts.append(fitted(series.until(end), np.arange(start, end)))
        report(end - first, config.days)
    return joined(parts)
