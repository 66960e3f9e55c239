"""The tensors of the forecasting networks: closes go in, prices with quantiles come out.

There is nothing to scale here: the exported graph takes the last closes of a series as they are and
works on their log returns, so a series in cents gives the same answer as one in dollars.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fourcast_models.model_config import TensorSpec
from fourcast_models.sequence.series import Days, checked_closes, weekdays_of

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
    def inputs(self) -> tuple[TensorSpec, TensorSpec]:
        """`close`, the last closes as they are; `weekday` of the last one, 0 for Monday."""
        return (
            TensorSpec("close", np.dtype(np.float64), (self.window,)),
            TensorSpec("weekday", np.dtype(np.int64), (1,)),
        )

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The answers, of the days 1 to `horizon` after the last close.

        `prices`: the quantiles of the close, in the units of the input. `volatility`: the standard
        deviation of the log return of that day. `magnitude`: the mean of its absolute value.
        `magnitudes`: the quantiles of that absolute value.
        """
        double = np.dtype(np.float64)
        fan = (self.horizon, len(QUANTILES))
        return (
            TensorSpec("prices", double, fan),
            TensorSpec("volatility", double, (self.horizon,)),
            TensorSpec("magnitude", double, (self.horizon,)),
            TensorSpec("magnitudes", double, fan),
        )

    def encode(self, closes: npt.ArrayLike, days: Days) -> dict[str, npt.NDArray[np.generic]]:
        """The inputs that forecast from the end of a series, with a leading dimension of 1.

        Args:
            closes: The oldest first, at least `window`.
            days: Their days; only the last one counts.

        Raises:
            SeriesError: If the closes cannot be used.
        """
        checked = checked_closes(closes, self.window)
        return {
            "close": checked[None, -self.window :],
            "weekday": weekdays_of(days[-1:])[None, :],
        }


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
