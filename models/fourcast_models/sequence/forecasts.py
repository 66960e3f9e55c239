"""What every forecaster answers, network or baseline."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fourcast_models.model_config import Arrays
from fourcast_models.sequence.codec import MEDIAN, Places

__all__ = ["Floats", "Forecasts", "Places", "joined"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Forecasts:
    """Forecasts from N days of a series, each made after that day's close.

    Attributes:
        origins: The days' places in the series, int64 [N].
        prices: Quantiles of the closes of the H days that follow, float64 [N, H, Q].
        volatility: Standard deviation of each day's log return, float64 [N, H].
        magnitude: Mean of its absolute value, float64 [N, H].
    """

    origins: Places
    prices: Floats
    volatility: Floats
    magnitude: Floats

    def __len__(self) -> int:
        """How many origins."""
        return len(self.origins)

    @property
    def medians(self) -> Floats:
        """Point forecasts, float64 [N, H]."""
        return self.prices[:, :, MEDIAN]

    def select(self, rows: npt.NDArray[np.bool_] | slice) -> "Forecasts":
        """Some of the origins."""
        return Forecasts(
            self.origins[rows], self.prices[rows], self.volatility[rows], self.magnitude[rows]
        )

    def ahead(self, days: int) -> "Forecasts":
        """The first days of each forecast."""
        return Forecasts(
            self.origins,
            self.prices[:, :days],
            self.volatility[:, :days],
            self.magnitude[:, :days],
        )

    def with_prices(self, prices: Floats) -> "Forecasts":
        """The same with other quantiles of the prices."""
        return replace(self, prices=prices)


def joined(parts: list[Forecasts]) -> Forecasts:
    """One after the other."""
    return Forecasts(
        np.concatenate([part.origins for part in parts]),
        np.concatenate([part.prices for part in parts]),
        np.concatenate([part.volatility for part in parts]),
        np.concatenate([part.magnitude for part in parts]),
    )


def forecasts_from(outputs: Arrays, origins: Places) -> Forecasts:
    """What a network answered; see `codec.Tensors`.

    Args:
        outputs: By name, one row for each origin.
        origins: Where the forecasts were made.
    """
    return Forecasts(origins, outputs["prices"], outputs["volatility"], outputs["magnitude"])
