"""The tensors of the forecasting networks: closes go in, prices with quantiles come out.

There is nothing to scale here: the exported graph takes the last closes of a series as they are and
works on their log returns, so a series in cents gives the same answer as one in dollars. What a
window of a month cannot show is told beside it: the unit, how far a usual day of this series moves.
A calm series gives the same answer as a wild one, made smaller.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fourcast_models.model_config import TensorSpec
from fourcast_models.sequence.series import Series

Places = npt.NDArray[np.int64]
"""Positions in a series, from 0."""

CODEC_VERSION = 1
"""Stamped into exported models; raise it when inputs or outputs mean something else."""

QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
"""The probabilities of the quantiles that come out, in order; the middle one is the median."""

MEDIAN = QUANTILES.index(0.5)

LEVELS = (50, 80, 95)
"""Per cent of the outcomes that an interval is meant to hold."""

SHORTEST_WINDOW = 31
"""Closes: one more than the 30 returns over which the longest average is taken."""

LONGEST_HORIZON = 30
"""Days."""

UNIT_DAYS = 1460
"""Log returns that make the unit, at most: four years. HAR in such units forecasts Bitcoin and
Ethereum better than in one fixed unit; tried were half a year, one, two, three, four and all."""


@dataclass(frozen=True)
class Tensors:
    """What a network with this window and this horizon reads and answers.

    Attributes:
        window: Closes that it reads.
        horizon: Days that it forecasts.
    """

    window: int
    horizon: int

    def __post_init__(self) -> None:
        """Check both.

        Raises:
            ValueError: If one is out of range.
        """
        if self.window < SHORTEST_WINDOW:
            raise ValueError(f"window is {self.window}: it must be at least {SHORTEST_WINDOW}")
        if not 1 <= self.horizon <= LONGEST_HORIZON:
            raise ValueError(f"horizon is {self.horizon}: it can be 1 to {LONGEST_HORIZON}")

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What a network reads.

        `close`: the last closes as they are. `weekday`: of the last one, 0 for Monday, 7 if it is
        not known. `unit`: the root mean square of the series' last log returns, at most UNIT_DAYS.
        """
        return (
            TensorSpec("close", np.dtype(np.float64), (self.window,)),
            TensorSpec("weekday", np.dtype(np.int64), (1,)),
            TensorSpec("unit", np.dtype(np.float64), (1,)),
        )

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The answers, of the days 1 to `horizon` after the last close.

        `prices`: the quantiles of the close, in the units of the input. `volatility`: the standard
        deviation of the log return of that day. `magnitude`: the mean of its absolute value.
        `magnitudes`: the quantiles of that absolute value. `trained_until`: the last day that
        training saw, in days since 1970-01-01, the same in every row.
        """
        double = np.dtype(np.float64)
        fan = (self.horizon, len(QUANTILES))
        return (
            TensorSpec("prices", double, fan),
            TensorSpec("volatility", double, (self.horizon,)),
            TensorSpec("magnitude", double, (self.horizon,)),
            TensorSpec("magnitudes", double, fan),
            TensorSpec("trained_until", np.dtype(np.int64), (1,)),
        )

    def encode(self, series: Series, origins: Places) -> dict[str, npt.NDArray[Any]]:
        """The inputs that forecast from some days of a series, one row for each.

        Args:
            series: What to forecast; of each origin only what lies before it is read.
            origins: Places of the days, int64 [N].

        Raises:
            ValueError: If a window would begin before the series does.
        """
        if len(origins) and int(origins.min()) < self.window - 1:
            raise ValueError(
                f"a forecast from day {origins.min() + 1} of {series.name} is asked for, but the "
                f"network reads {self.window} days"
            )
        places = origins[:, None] + np.arange(1 - self.window, 1)
        return {
            "close": series.closes[places],
            "weekday": series.weekdays[origins][:, None],
            "unit": units_at(series, origins)[:, None],
        }


PUBLISHED = Tensors(window=31, horizon=30)
"""What the project's own networks read and answer."""


def units_at(series: Series, origins: Places) -> npt.NDArray[np.float64]:
    """How far a usual day of a series moves, as known at some days, float64 [N].

    It is never 0: where nothing has moved yet, it is the smallest number there is.
    """
    sums = np.concatenate([[0.0], np.cumsum(series.log_returns**2)])
    starts = np.maximum(0, origins - UNIT_DAYS)
    squares = (sums[origins] - sums[starts]) / np.maximum(origins - starts, 1)
    units: npt.NDArray[np.float64] = np.sqrt(np.maximum(squares, np.finfo(np.float64).tiny))
    return units


def bounds_of(level: int) -> tuple[int, int]:
    """The places in QUANTILES of an interval's ends.

    Args:
        level: One of LEVELS.

    Raises:
        ValueError: If it is not.
    """
    if level not in LEVELS:
        raise ValueError(f"level is {level}: it can be {', '.join(map(str, LEVELS))}")
    place = LEVELS[::-1].index(level)
    return place, len(QUANTILES) - 1 - place
