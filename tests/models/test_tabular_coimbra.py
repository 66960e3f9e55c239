"""The features of Breast Cancer Coimbra: their order, their ranges, and what is refused."""

import math

import numpy as np
import pytest

from fourcast_models.tabular.coimbra import COLUMNS, FEATURES, INPUTS, FeatureError, encode

MIDDLE = {feature.name: (feature.minimum + feature.maximum) / 2 for feature in INPUTS}


def test_values_are_encoded_in_the_models_order() -> None:
    row = encode(dict(reversed(MIDDLE.items())))
    assert row.dtype == FEATURES.dtype
    assert row.shape == (1, *FEATURES.dims)
    np.testing.assert_array_equal(row[0], np.array(list(MIDDLE.values()), dtype=np.float32))


def test_every_feature_has_its_own_name_and_a_range_of_positive_numbers() -> None:
    assert len({feature.name for feature in COLUMNS}) == len(COLUMNS) == 9
    for feature in COLUMNS:
        # Their logarithms are what is learnt from.
        assert 0 < feature.minimum < feature.maximum
        assert feature.problem(feature.minimum) is None
        assert feature.problem(feature.maximum) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, -1.0, 1e9])
@pytest.mark.parametrize("name", MIDDLE)
def test_a_value_out_of_range_is_refused_by_its_name(name: str, value: float) -> None:
    with pytest.raises(FeatureError, match="out of range") as caught:
        encode({**MIDDLE, name: value})
    assert caught.value.feature == name


@pytest.mark.parametrize("name", MIDDLE)
def test_a_missing_feature_is_named_with_its_unit(name: str) -> None:
    unit = next(feature.unit for feature in INPUTS if feature.name == name)
    with pytest.raises(FeatureError) as caught:
        encode({other: value for other, value in MIDDLE.items() if other != name})
    assert caught.value.feature == name
    assert caught.value.problem.endswith(f"in {unit}")


def test_an_unknown_feature_is_refused_before_a_missing_one() -> None:
    with pytest.raises(FeatureError, match="no such feature") as caught:
        encode({"glucose": 90.0})
    assert caught.value.feature == "glucose"
