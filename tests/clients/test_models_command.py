"""`fourcast models` as a process, and what it prints."""

import json
import re
import subprocess
import sys

import pytest

from fourcast_clients.api import Fourcast


def models(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "fourcast_clients.terminal", "models", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_model_is_listed(fourcast: Fourcast) -> None:
    done = models("--server", fourcast.server)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["model", "version", "state", "figures"]
    assert any(line.split()[:3] == ["oil", "1", "ready"] for line in lines)


def test_a_card_is_printed(fourcast: Fourcast) -> None:
    done = models("oil", "--server", fourcast.server)
    assert (done.returncode, done.stderr) == (0, "")
    assert "oil, version 1" in done.stdout


def test_answers_for_programs(fourcast: Fourcast) -> None:
    done = models("--json", "--server", fourcast.server)
    found = {model["name"]: model for model in json.loads(done.stdout)["models"]}
    assert found["connect4"]["versions"][0]["state"] == "ready"
    done = models("oil", "--json", "--server", fourcast.server)
    assert json.loads(done.stdout)["text"] == fourcast.models.card("oil").text


@pytest.mark.parametrize("name", ["nonesuch", "../oil"])
def test_an_unknown_model_is_explained(fourcast: Fourcast, name: str) -> None:
    done = models(name, "--server", fourcast.server)
    assert done.returncode == 2
    assert re.search(r"this server has .*\bconnect4,", done.stderr)
