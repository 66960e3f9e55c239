"""The features of Breast Cancer Coimbra, the ones that the model `coimbra` reads, and its tensors.

M. Patrício and others, "Using Resistin, glucose, age and BMI to predict the presence of breast
cancer", BMC Cancer 18 (2018), 29; the table is data set 451 of the UCI Machine Learning Repository.
Names, units and ranges stand here and nowhere else.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fourcast_models.model_config import TensorSpec

CODEC_VERSION = 1
"""Stamped into exported models; raise it when the order or the unit of a feature changes."""


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that was measured.

    Attributes:
        name: Its column in the publisher's file.
        unit: Of its values.
        minimum: The lowest allowed value.
        maximum: The highest allowed value.
        meaning: What it is, in a few words.
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    meaning: str

    def problem(self, value: float) -> str | None:
        """What is wrong with a value, and what would be right; None if it can be used."""
        if math.isfinite(value) and self.minimum <= value <= self.maximum:
            return None
        return (
            f"{value:g} is out of range: {self.meaning}, {self.minimum:g} to {self.maximum:g} "
            f"{self.unit}; nobody in the data lies outside"
        )


# The ranges are those of the 116 women of the data, rounded outwards. A model knows nothing beyond.
AGE = Feature("Age", "years", 24, 89, "age")
BMI = Feature("BMI", "kg/m²", 18, 39, "body mass index")
GLUCOSE = Feature("Glucose", "mg/dL", 60, 201, "fasting blood glucose")
INSULIN = Feature("Insulin", "µU/mL", 2.4, 58.5, "fasting blood insulin")
HOMA = Feature("HOMA", "(no unit)", 0.46, 25.1, "index of insulin resistance")
LEPTIN = Feature("Leptin", "ng/mL", 4.3, 90.3, "leptin in the blood")
ADIPONECTIN = Feature("Adiponectin", "µg/mL", 1.6, 38.1, "adiponectin in the blood")
RESISTIN = Feature("Resistin", "ng/mL", 3.2, 82.1, "resistin in the blood")
MCP_1 = Feature("MCP.1", "pg/dL", 45, 1699, "monocyte chemoattractant protein 1 in the blood")

COLUMNS = (AGE, BMI, GLUCOSE, INSULIN, HOMA, LEPTIN, ADIPONECTIN, RESISTIN, MCP_1)
"""All nine, in the order of the publisher's file."""

INPUTS = (AGE, BMI, GLUCOSE, RESISTIN)
"""Those that the model reads, in its order; the four of the publisher's own article."""

CLASSES = ("control", "patient")
"""A healthy woman of the control group, a woman with breast cancer; the place is the label."""

NOTICE = (
    "This is an exercise on 116 women of one hospital, no medical device: it says nothing about "
    "you or anybody else."
)
"""Goes with every answer."""

FEATURES = TensorSpec("features", np.dtype(np.float32), (len(INPUTS),))
"""What the model reads: the values of `INPUTS`, as measured."""

PROBABILITIES = TensorSpec("probabilities", np.dtype(np.float32), (len(CLASSES),))
"""What it answers: how probable each of `CLASSES` is, calibrated; the sum is 1."""


class FeatureError(ValueError):
    """A feature is missing, unknown or out of range.

    Attributes:
        feature: Its name, as given.
        problem: What is wrong and what would be right.
    """

    def __init__(self, feature: str, problem: str) -> None:
        super().__init__(f"{feature}: {problem}")
        self.feature = feature
        self.problem = problem


def encode(values: Mapping[str, float]) -> npt.NDArray[np.float32]:
    """One row of `FEATURES`, float32 [1, 4], of values by the features' names.

    Raises:
        FeatureError: If a value is missing or out of range, or a name is none of a feature.
    """
    known = {feature.name: feature for feature in INPUTS}
    for name in values:
        if name not in known:
            raise FeatureError(name, f"no such feature; there are {', '.join(known)}")
    for name, feature in known.items():
        if name not in values:
            raise FeatureError(name, f"missing: {feature.meaning}, in {feature.unit}")
        problem = feature.problem(values[name])
        if problem is not None:
            raise FeatureError(name, problem)
    return np.array([[values[name] for name in known]], dtype=np.float32)
