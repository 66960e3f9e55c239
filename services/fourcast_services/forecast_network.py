"""Forecasts by a published network, asked of whatever runs models, some days at a time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np

from fourcast_models.model_config import Arrays
from fourcast_models.sequence.codec import PUBLISHED, Places
from fourcast_models.sequence.forecasts import Forecasts, forecasts_from, joined
from fourcast_models.sequence.series import Series
from fourcast_services.engine.errors import InputError
from fourcast_services.errors import FieldError
from fourcast_services.inference_backend import InferenceBackend

ROWS = 128
"""Days that are asked about at once: a batch that no model refuses and no other call waits long
for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Forecasts from some days.

    Attributes:
        forecasts: For 30 days each.
        trained_until: The last day that the network's training saw.
        version: That answered.
    """

    forecasts: Forecasts
    trained_until: np.datetime64
    version: str


class ForecastNetwork:
    """One network for one call.

    Attributes:
        name: The model's name.
    """

    def __init__(self, backend: InferenceBackend, name: str, version: str) -> None:
        """Prepare.

        Args:
            backend: Runs the network.
            name: The model's name.
            version: A whole number, "" for the one that serves by default.
        """
        self.name = name
        self._backend = backend
        self._version = version

    async def forecast(self, series: Series, origins: Places) -> Answer:
        """Forecasts from some days of a series; see `parts`."""
        return together([part async for part in self.parts(series, origins)])

    async def parts(self, series: Series, origins: Places) -> AsyncIterator[Answer]:
        """The same, a few days at a time.

        Raises:
            UnknownModelError: If there is no such model.
            UnknownVersionError: If it has no such version.
            FieldError: If the model is none that forecasts.
        """
        for start in range(0, len(origins), ROWS):
            some = origins[start : start + ROWS]
            try:
                inference = await self._backend.infer(
                    self.name, PUBLISHED.encode(series, some), self._version
                )
            except InputError:
                raise self._no_forecaster() from None
            # The version that answered first answers on, so that one call never mixes two.
            self._version = inference.version
            self._check(inference.outputs, len(some))
            until = np.datetime64(int(inference.outputs["trained_until"][0, 0]), "D")
            yield Answer(forecasts_from(inference.outputs, some), until, inference.version)

    def _check(self, outputs: Arrays, rows: int) -> None:
        for spec in PUBLISHED.outputs:
            array = outputs.get(spec.name)
            if array is None or (array.dtype, array.shape) != (spec.dtype, (rows, *spec.dims)):
                raise self._no_forecaster()

    def _no_forecaster(self) -> FieldError:
        tensors = ", ".join(f"{spec.name!r}" for spec in PUBLISHED.inputs)
        return FieldError(
            "model",
            f"{self.name!r} is no model for forecasts: those take {tensors}, with "
            f"{PUBLISHED.window} closes, and look {PUBLISHED.horizon} days ahead (see the card of "
            "'forecast_lstm')",
        )


def together(parts: list[Answer]) -> Answer:
    """The answers about consecutive days as one."""
    forecasts = joined([part.forecasts for part in parts])
    return Answer(forecasts, parts[0].trained_until, parts[0].version)
