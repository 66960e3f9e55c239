"""Named measurements as a caller sees them: calls with values, frozen records coming back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from fourcast.tabular.v1 import tabular_pb2, tabular_pb2_grpc
from fourcast_clients.calls import Calls
from fourcast_clients.cancellation import Cancellation

Measurement: TypeAlias = float | tuple[float, str]
"""A value in the unit that `Tabular.features` gives, or the value with its unit, which is then
checked."""


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that is measured.

    Attributes:
        name: Its name in a call.
        unit: Of its values.
        minimum: The lowest value that is allowed.
        maximum: The highest value that is allowed.
        meaning: What it is, in a few words.
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    meaning: str


@dataclass(frozen=True, slots=True)
class Classification:
    """How probable each class is.

    Attributes:
        probabilities: Of each class by name, 0 to 1; they sum to 1.
        notice: What the answer is not; show it beside the probabilities.
        model: The model that answered.
        model_version: Its version, a whole number as text.
    """

    probabilities: dict[str, float]
    notice: str
    model: str
    model_version: str


class Tabular:
    """The calls of a server that classify named measurements; reached as ``Fourcast.tabular``.

    They raise `FourcastError`: code ``"INVALID_ARGUMENT"`` with the ``field`` ``"features.NAME"``
    for a feature that is missing, unknown, out of range or in another unit; ``"NOT_FOUND"`` for an
    unknown model or version; otherwise as the calls of `Doodle`. ``timeout`` is in seconds, None
    the client's own.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = tabular_pb2_grpc.TabularServiceStub(calls.channel)

    def classify(
        self,
        features: Mapping[str, Measurement],
        *,
        model: str = "",
        model_version: str = "",
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Classification:
        """How probable each class is. An exercise, no medical device.

            fourcast.tabular.classify(
                {"Age": 48, "BMI": 23.5, "Glucose": (70, "mg/dL"), "Resistin": 8}
            )

        Args:
            features: A measurement for every feature that `features` lists, by its name.
            model: The model in the server's repository; ``""`` is ``"coimbra"``.
            model_version: A whole-number version; ``""`` is the one that serves by default.
            timeout: See the class.
            cancellation: See the class.

        Raises:
            FourcastError: See the class.
            ValueError: If a measurement is neither a number nor a number with its unit.
        """
        request = tabular_pb2.ClassifyRequest(
            features={name: _message(name, measured) for name, measured in features.items()},
            model=model,
            model_version=model_version,
        )
        reply = self._calls.call(self._stub.Classify, request, timeout, cancellation)
        return Classification(
            probabilities={entry.name: entry.probability for entry in reply.classes},
            notice=reply.notice,
            model=reply.model,
            model_version=reply.model_version,
        )

    def features(
        self, *, timeout: float | None = None, cancellation: Cancellation | None = None
    ) -> tuple[Feature, ...]:
        """What `classify` asks for, in the model's order."""
        request = tabular_pb2.ListFeaturesRequest()
        reply = self._calls.call(self._stub.ListFeatures, request, timeout, cancellation)
        return tuple(
            Feature(entry.name, entry.unit, entry.minimum, entry.maximum, entry.meaning)
            for entry in reply.features
        )


def _message(name: str, measured: Measurement) -> tabular_pb2.Measurement:
    value, unit = measured if isinstance(measured, tuple) else (measured, "")
    try:
        return tabular_pb2.Measurement(value=value, unit=unit)
    except TypeError:
        raise ValueError(
            f"{name} is {measured!r}: expected a number, or a number with its unit such as "
            "(70, 'mg/dL')"
        ) from None
