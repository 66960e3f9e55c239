"""The typed client's calls for named measurements, and `fourcast screen`, on a real service."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from fourcast_clients.api import Cancellation, Fourcast, FourcastError
from fourcast_clients.terminal.screen import OPTIONS
from fourcast_models.tabular.coimbra import INPUTS, NOTICE
from tests.services.running import run_server
from tests.services.small_coimbra import probabilities, publish_small_coimbra, weights

VALUES = {"Age": 48.0, "BMI": 23.5, "Glucose": 70.0, "Resistin": 8.25}
FLAGS = ("--age", "48", "--bmi", "23.5", "--glucose", "70", "--resistin", "8.25")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fourcast]:
    """A client of a server with a small model."""
    folder = tmp_path_factory.mktemp("coimbra")
    publish_small_coimbra(folder)
    with run_server(folder) as server, Fourcast(server.address) as client:
        client.wait_until_ready()
        yield client
        assert "Traceback" not in server.log()


def screen(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "fourcast_clients.terminal", "screen", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_measurements_are_classified(client: Fourcast) -> None:
    answer = client.tabular.classify(VALUES)
    control, patient = probabilities(weights(), *VALUES.values())
    assert answer.probabilities == pytest.approx({"control": control, "patient": patient})
    assert (answer.model, answer.model_version, answer.notice) == ("coimbra", "1", NOTICE)
    assert client.tabular.classify({**VALUES, "Glucose": (70, "mg/dL")}) == answer
    assert client.tabular.classify(VALUES, model="coimbra", model_version="1") == answer


def test_features_are_listed(client: Fourcast) -> None:
    listed = client.tabular.features()
    assert [asdict(feature) for feature in listed] == [asdict(feature) for feature in INPUTS]


def test_what_the_server_refuses_names_the_field(client: Fourcast) -> None:
    with pytest.raises(FourcastError, match="right would be 'mg/dL'") as caught:
        client.tabular.classify({**VALUES, "Glucose": (90, "mmol/L")})
    assert (caught.value.code, caught.value.field) == ("INVALID_ARGUMENT", "features.Glucose")
    with pytest.raises(FourcastError) as caught:
        client.tabular.classify(VALUES, model="nonesuch")
    assert caught.value.code == "NOT_FOUND"


def test_what_is_no_number_is_not_sent(client: Fourcast) -> None:
    with pytest.raises(ValueError, match="Age is 'old': expected a number"):
        client.tabular.classify({**VALUES, "Age": "old"})  # type: ignore[dict-item]  # wrong on purpose


def test_a_call_can_be_cancelled(client: Fourcast) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(FourcastError) as caught:
        client.tabular.classify(VALUES, cancellation=cancellation)
    assert caught.value.code == "CANCELLED"


def test_the_command_prints_probabilities_and_what_they_are_not(client: Fourcast) -> None:
    done = screen(*FLAGS, "--server", client.server)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    expected = client.tabular.classify(VALUES).probabilities
    assert [line.split() for line in lines[:2]] == [
        [name, f"{probability:.1%}"] for name, probability in expected.items()
    ]
    assert lines[2] == "Answered by coimbra, version 1."
    assert " ".join(" ".join(lines[3:]).split()) == NOTICE


def test_the_command_answers_programs(client: Fourcast) -> None:
    done = screen(*FLAGS, "--json", "--server", client.server)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == asdict(client.tabular.classify(VALUES))


def test_the_command_lists_what_to_measure(client: Fourcast) -> None:
    done = screen("--server", client.server)
    assert (done.returncode, done.stderr) == (0, "")
    for line, feature in zip(done.stdout.splitlines(), INPUTS, strict=True):
        assert line.split()[0] == f"--{OPTIONS[feature.name]}"
        assert f"{feature.minimum:g} to {feature.maximum:g}" in line
        assert line.endswith(feature.unit)
    done = screen("--json", "--server", client.server)
    assert json.loads(done.stdout) == {"features": [asdict(feature) for feature in INPUTS]}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--age", "48"), "--bmi: missing: body mass index, in kg/m²"),
        ((*FLAGS, "--glucose", "4.9"), "--glucose: 4.9 is out of range"),
        ((*FLAGS, "--model", "nonesuch"), "--model: no model 'nonesuch'"),
    ],
)
def test_wrong_usage_exits_2_and_says_why(
    client: Fourcast, flags: tuple[str, ...], words: str
) -> None:
    done = screen(*flags, "--server", client.server)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"fourcast screen: {words}")
    assert done.stderr.count("\n") == 1


def test_help_gives_the_units_of_the_model() -> None:
    done = screen("--help")
    assert done.returncode == 0
    assert "no medical device" in " ".join(done.stdout.replace("│", " ").split())
    assert {feature.name for feature in INPUTS} == set(OPTIONS)
    words = " ".join(done.stdout.replace("│", " ").split())
    for feature in INPUTS:
        option = OPTIONS[feature.name]
        _, _, text = words.partition(f"--{option} NUMBER ")
        assert text.partition(".")[0].endswith(f"in {feature.unit}"), option
