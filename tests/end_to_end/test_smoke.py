"""From nothing to a served model: the smoke preset, the service on what it published, a move."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fourcast_clients.api import Fourcast, Level, Source
from fourcast_models.connect4.board import format_grid, legal_columns, parse_moves, play
from fourcast_models.connect4.codec import encode
from fourcast_models.repository import read_golden, read_model
from fourcast_training.export import run_onnx, stamp_of
from tests.services.running import run_server
from tests.training.running import fourcast_train, run

LATE = "34135552157176"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which the smoke preset ran, and what it printed."""
    folder = tmp_path_factory.mktemp("smoke")
    done = run(fourcast_train("connect4 --preset smoke"), folder)
    assert done.returncode == 0, done.stderr
    return folder / "runs" / "connect4-smoke", done.stdout


def test_the_run_leaves_a_whole_model(trained: tuple[Path, str]) -> None:
    run_folder, _ = trained
    model = read_model(run_folder / "repository", "connect4")
    assert model.versions == (1,)
    golden = read_golden(model.golden(1), model.config)
    outputs = run_onnx(model.weights(1), golden.inputs)
    for name, expected in golden.outputs.items():
        np.testing.assert_allclose(outputs[name], expected, atol=1e-5)
    figures = json.loads((run_folder / "metrics.json").read_text())["figures"]
    assert figures["positions"] == 500
    assert figures["keeping"] > 350  # a column at random keeps the value in about six of ten
    assert json.loads(stamp_of(model.weights(1))["metrics"])["value_keeping"] == (
        figures["keeping"] / 500
    )
    assert (run_folder / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_card_holds_the_printed_table(trained: tuple[Path, str]) -> None:
    run_folder, printed = trained
    card = (run_folder / "repository" / "connect4" / "README.md").read_text()
    rows = [line for line in printed.splitlines() if line.startswith("| ")]
    assert rows[0].startswith("| origin |")
    by_ply = [row for row in rows if row[2].isdigit()]
    assert len(by_ply) >= 14
    for row in rows:
        assert row in card
    (over_all,) = (row for row in rows if row.startswith("| all |"))
    assert over_all.replace("| all |", "| this one |") in card


def test_a_card_does_without_figures_that_are_not_there(
    trained: tuple[Path, str], tmp_path: Path
) -> None:
    run_folder, _ = trained
    shutil.copytree(run_folder.parent, tmp_path / "runs")
    done = run(fourcast_train("connect4 --preset smoke --beside runs/nowhere"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "runs/nowhere/metrics.json, which is not there" in done.stderr
    model = read_model(tmp_path / "runs" / "connect4-smoke" / "repository", "connect4")
    assert model.versions == (2, 1)
    # The card and the file say what was asked for, not only the preset.
    command = "fourcast-train connect4 --preset smoke --beside runs/nowhere"
    assert stamp_of(model.weights(2))["command"] == command
    assert command in model.card.read_text()


def test_evaluate_prints_the_same_table(trained: tuple[Path, str]) -> None:
    run_folder, printed = trained
    done = run(fourcast_train("connect4 --preset smoke --evaluate"), run_folder.parents[1])
    assert done.returncode == 0, done.stderr
    assert "the split that its card names: yes" in done.stdout
    table = [line for line in printed.splitlines() if line.startswith("|")]
    again = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert again[: len(table)] == table
    card = (run_folder / "repository" / "connect4" / "README.md").read_text()
    assert "\n".join(again[len(table) :]) in card
    assert read_model(run_folder / "repository", "connect4").versions == (1,)


def test_the_service_plays_what_was_trained(trained: tuple[Path, str]) -> None:
    run_folder, _ = trained
    model = read_model(run_folder / "repository", "connect4")
    board = parse_moves(LATE)
    expected = run_onnx(model.weights(1), {"board": encode([board])})["policy"][0]
    with (
        run_server(run_folder / "repository", "--exit-with-parent") as server,
        Fourcast(server.address) as fourcast,
    ):
        fourcast.wait_until_ready()
        move = fourcast.connect4.choose_move(LATE, level=Level.NETWORK)
    assert move.policy == pytest.approx(expected.tolist(), abs=1e-5)
    assert move.column == 1 + int(expected.argmax())
    assert move.column - 1 in legal_columns(board)
    assert move.source is Source.NETWORK
    assert "\n".join(move.board.rows) == format_grid(play(board, move.column - 1))
