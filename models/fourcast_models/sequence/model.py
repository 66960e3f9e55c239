"""The one interface of networks and baselines: fit to the past, then forecast."""

from typing import Protocol

from fourcast_models.sequence.forecasts import Forecasts, Places
from fourcast_models.sequence.series import Series


class Fitted(Protocol):
    """A model that was fitted to the past and can now forecast."""

    def __call__(self, series: Series, origins: Places, /) -> Forecasts:
        """Forecast from each origin, by the closes up to it and none after it."""


class Model(Protocol):
    """Something that can be fitted."""

    def __call__(self, past: Series, seed: int, /) -> Fitted:
        """Fit to a series; all of it is the past."""
