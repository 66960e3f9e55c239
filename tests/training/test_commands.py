"""`fourcast-train` as a user meets it: help, wrong words, and things that are not there."""

from pathlib import Path

import pytest

from fourcast_training.connect4 import COMMANDS
from tests.training.running import fourcast_train, run


def test_help_lists_every_command(tmp_path: Path) -> None:
    done = run(fourcast_train("--help"), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: fourcast-train COMMAND")
    for command in COMMANDS:
        (line,) = (row for row in done.stdout.splitlines() if row.startswith(f"  {command} "))
        assert len(line.split(maxsplit=1)[1]) > 20
    assert run(fourcast_train(""), tmp_path).stdout == done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("connect4", ["--preset", "--evaluate", "--loop.epochs", "--data.train", "--folder"]),
        ("connect4 --preset slides", ["--loop.patience", "512"]),
        ("connect4-label", ["--train", "--first-ply", "--seed", "--folder", "--jobs"]),
        ("connect4-book", ["--plies", "--output", "--jobs"]),
    ],
)
def test_each_command_has_help(tmp_path: Path, command: str, options: list[str]) -> None:
    done = run(fourcast_train(f"{command} --help"), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"fourcast-train {command.partition(' ')[0]}" in done.stdout
    for option in options:
        assert option in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("connect5", "there is no command 'connect5'"),
        ("--evaluate", "there is no command '--evaluate'"),
        ("connect4 --preset strong", "strong"),
        ("connect4 --nonesuch 3", "--nonesuch"),
        ("connect4-label --train few", "few"),
        ("connect4-book extra", "extra"),
    ],
)
def test_wrong_usage_exits_2_and_says_why(tmp_path: Path, arguments: str, words: str) -> None:
    done = run(fourcast_train(arguments), tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("repository", ["missing", "empty"])
def test_evaluating_a_model_that_is_not_there_says_so(tmp_path: Path, repository: str) -> None:
    (tmp_path / "empty").mkdir()
    done = run(fourcast_train(f"connect4 --evaluate --repository {repository}"), tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("fourcast-train: ")
    assert repository in done.stderr
    assert "connect4" in done.stderr


def test_labels_of_another_configuration_are_refused_in_words(tmp_path: Path) -> None:
    sizes = "--train 20 --validation 5 --test 5 --folder labels --jobs 1"
    sizes += " --random 0 --first-ply 34 --openings 0 --games 0"
    assert run(fourcast_train(f"connect4-label {sizes}"), tmp_path).returncode == 0
    done = run(fourcast_train(f"connect4-label {sizes} --seed 9"), tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("fourcast-train: ")
    assert "seed=4" in done.stderr
    assert "seed=9" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_needs_no_torch(tmp_path: Path) -> None:
    # An installation without the `train` extra still says what it could do, and then what it lacks.
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\")\n")
    without_torch = {"PYTHONPATH": str(tmp_path)}
    assert run(fourcast_train("--help"), tmp_path, without_torch).returncode == 0
    done = run(fourcast_train("connect4"), tmp_path, without_torch)
    assert done.returncode == 1
    assert "pip install 'fourcast[train]'" in done.stderr
    assert "Traceback" not in done.stderr
