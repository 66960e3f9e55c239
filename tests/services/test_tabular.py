"""TabularService against a real server: named measurements, checked one by one."""

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import grpc
import pytest

from fourcast.tabular.v1 import tabular_pb2 as wire
from fourcast.tabular.v1.tabular_pb2_grpc import TabularServiceStub as Tabular
from fourcast_models.tabular.coimbra import CLASSES, INPUTS, NOTICE
from tests.services.running import run_server
from tests.services.small_coimbra import probabilities, publish_small_coimbra, weights
from tests.services.small_model import publish_small_model
from tests.services.status import failure

VALUES = {"Age": 48.0, "BMI": 23.5, "Glucose": 70.0, "Resistin": 8.25}


@pytest.fixture(scope="module")
def tabular(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tabular]:
    """A server with two versions of a small model, and one for something else."""
    folder = tmp_path_factory.mktemp("coimbra")
    publish_small_coimbra(folder, 1, seed=1)
    publish_small_coimbra(folder, 2, seed=2)
    publish_small_model(folder)
    with run_server(folder) as server, grpc.insecure_channel(server.address) as channel:
        yield Tabular(channel)
        assert "Traceback" not in server.log()


def request(
    changes: dict[str, float | None] | None = None,
    units: dict[str, str] | None = None,
    model: str = "",
    version: str = "",
) -> wire.ClassifyRequest:
    """A good request, but for the changes; None leaves a feature out."""
    values = {**VALUES, **(changes or {})}
    features = {
        name: wire.Measurement(value=value, unit=(units or {}).get(name, ""))
        for name, value in values.items()
        if value is not None
    }
    return wire.ClassifyRequest(features=features, model=model, model_version=version)


@pytest.mark.parametrize(("version", "seed"), [("", 2), ("1", 1), ("2", 2)])
def test_the_answer_is_the_models(tabular: Tabular, version: str, seed: int) -> None:
    answer = tabular.Classify(request(version=version))
    assert [entry.name for entry in answer.classes] == list(CLASSES)
    expected = probabilities(weights(seed), *VALUES.values())
    assert [entry.probability for entry in answer.classes] == pytest.approx(expected, abs=1e-6)
    assert (answer.model, answer.model_version) == ("coimbra", version or "2")
    assert answer.notice == NOTICE
    assert "no medical device" in answer.notice


def test_the_order_of_the_request_does_not_count(tabular: Tabular) -> None:
    backwards = wire.ClassifyRequest(
        features={name: wire.Measurement(value=value) for name, value in reversed(VALUES.items())}
    )
    assert tabular.Classify(backwards) == tabular.Classify(request())


def test_features_are_listed_as_they_are_checked(tabular: Tabular) -> None:
    listed = tabular.ListFeatures(wire.ListFeaturesRequest()).features
    assert [entry.name for entry in listed] == [feature.name for feature in INPUTS]
    for entry in listed:
        assert entry.meaning
        for bound in (entry.minimum, entry.maximum):
            tabular.Classify(request({entry.name: bound}, {entry.name: entry.unit}))
        for beyond in (
            math.nextafter(entry.minimum, -math.inf),
            math.nextafter(entry.maximum, math.inf),
        ):
            wrong = request({entry.name: beyond})
            error = failure(partial(tabular.Classify, wrong))
            field, reason = error.field_violation()
            assert field == f"features.{entry.name}"
            assert f"{entry.minimum:g} to {entry.maximum:g} {entry.unit}" in reason


@pytest.mark.parametrize(
    ("wrong", "field", "reason"),
    [
        pytest.param(wire.ClassifyRequest(), "features.Age", "missing: age, in years", id="none"),
        pytest.param(
            request({"Glucose": None}),
            "features.Glucose",
            "missing: fasting blood glucose, in mg/dL",
            id="missing",
        ),
        pytest.param(
            request({"Insulin": 3.0}),
            "features.Insulin",
            "no such feature; there are Age, BMI, Glucose, Resistin",
            id="unknown",
        ),
        pytest.param(
            request({"Glucose": 5.2}),
            "features.Glucose",
            "5.2 is out of range: fasting blood glucose, 60 to 201 mg/dL",
            id="other-unit",
        ),
        pytest.param(
            request(units={"Glucose": "mmol/L"}),
            "features.Glucose",
            "the unit is 'mmol/L'; right would be 'mg/dL'",
            id="named-unit",
        ),
        pytest.param(request({"BMI": math.nan}), "features.BMI", "nan is out of range", id="nan"),
        pytest.param(
            request({"Resistin": math.inf}), "features.Resistin", "inf is out", id="infinite"
        ),
        pytest.param(
            request(model="connect4"), "model", "no model for these features", id="other-model"
        ),
    ],
)
def test_wrong_requests_name_field_and_reason(
    tabular: Tabular, wrong: wire.ClassifyRequest, field: str, reason: str
) -> None:
    named, description = failure(lambda: tabular.Classify(wrong)).field_violation()
    assert named == field
    assert reason in description


@pytest.mark.parametrize(("model", "version"), [("nonesuch", ""), ("coimbra", "3")])
def test_unknown_models_and_versions_are_not_found(
    tabular: Tabular, model: str, version: str
) -> None:
    error = failure(lambda: tabular.Classify(request(model=model, version=version)))
    assert error.code is grpc.StatusCode.NOT_FOUND


def test_without_the_model_the_error_names_it(tmp_path: Path) -> None:
    publish_small_model(tmp_path)
    with run_server(tmp_path) as server, grpc.insecure_channel(server.address) as channel:
        error = failure(lambda: Tabular(channel).Classify(request()))
        assert error.code is grpc.StatusCode.NOT_FOUND
        assert "'coimbra'" in error.message
