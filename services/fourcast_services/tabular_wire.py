"""Measurements on the wire and in code: named values in, classes out."""

import numpy as np
import numpy.typing as npt

from fourcast.tabular.v1 import tabular_pb2 as wire
from fourcast_models.tabular.coimbra import CLASSES, INPUTS, NOTICE, FeatureError, encode
from fourcast_services.errors import FieldError


def read_features(request: wire.ClassifyRequest) -> npt.NDArray[np.float32]:
    """One row of the model's input, float32 [1, 4].

    Raises:
        FieldError: If a feature is missing, unknown, out of range or in another unit.
    """
    try:
        row = encode({name: measured.value for name, measured in request.features.items()})
    except FeatureError as error:
        raise FieldError(f"features.{error.feature}", error.problem) from None
    for feature in INPUTS:
        unit = request.features[feature.name].unit
        if unit not in ("", feature.unit):
            raise FieldError(
                f"features.{feature.name}",
                f"the unit is {unit!r}; right would be {feature.unit!r}, and nothing is converted",
            )
    return row


def write_classes(
    probabilities: npt.NDArray[np.float32], model: str, version: str
) -> wire.ClassifyResponse:
    """The answer.

    Args:
        probabilities: Of each class, float32 [2].
        model: Whose they are.
        version: Of the model.
    """
    return wire.ClassifyResponse(
        classes=[
            wire.ClassProbability(name=name, probability=float(probability))
            for name, probability in zip(CLASSES, probabilities, strict=True)
        ],
        notice=NOTICE,
        model=model,
        model_version=version,
    )


def write_features() -> list[wire.Feature]:
    """What the model reads, in its order."""
    return [
        wire.Feature(
            name=feature.name,
            unit=feature.unit,
            minimum=feature.minimum,
            maximum=feature.maximum,
            meaning=feature.meaning,
        )
        for feature in INPUTS
    ]
