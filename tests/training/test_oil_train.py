"""`fourcast-train oil` from nothing to a published model, and the model of this repository."""

import json
from pathlib import Path

import numpy as np
import pytest

from fourcast_models.repository import default_repository, read_golden, read_model
from fourcast_training.export import run_onnx, stamp_of
from fourcast_training.oil.data import POINTS, TARGETS, points_hash
from fourcast_training.oil.net import CATEGORIES, POINT
from fourcast_training.oil.report import measure
from fourcast_training.oil.train import main
from tests.training.running import fourcast_train, run

QUICK = (
    "oil --method mini_batch --batch 3 --steps 200000 --seeds 2 "
    "--repository repository --language en"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which a short run was made, and what it printed."""
    folder = tmp_path_factory.mktemp("oil")
    done = run(fourcast_train(QUICK), folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_the_run_leaves_a_whole_model(trained: tuple[Path, str]) -> None:
    folder, printed = trained
    model = read_model(folder / "repository", "oil")
    assert model.versions == (1,)
    assert (model.config.inputs, model.config.outputs) == ((POINT,), (CATEGORIES,))
    golden = read_golden(model.golden(1), model.config)
    outputs = run_onnx(model.weights(1), golden.inputs)
    np.testing.assert_allclose(
        outputs["categories"], golden.outputs["categories"], rtol=0, atol=1e-12
    )
    assert json.loads(stamp_of(model.weights(1))["datasets"]) == {"wells": points_hash()}
    assert (folder / "runs" / "oil" / "wells.png").read_bytes().startswith(b"\x89PNG")
    assert "all ten points right from 2 of 2 seeds" in printed


def test_the_cards_say_what_was_printed_in_two_languages(trained: tuple[Path, str]) -> None:
    folder, printed = trained
    cards = folder / "repository" / "oil"
    english, spanish = (cards / name for name in ("README.md", "README.es.md"))
    table = [line for line in printed.splitlines() if line.startswith("| ")]
    assert len(table) == 6
    for line in table:
        assert line in english.read_text()
    assert "Fitted by stochastic gradient, mini-batch, seed 0" in english.read_text()
    assert "Ajustada por gradiente estocástico, mini-lote, semilla 0" in spanish.read_text()
    for card in (english, spanish):
        text = card.read_text()
        assert f"fourcast-train {QUICK}" in text
        assert points_hash() in text
        assert "{" not in text
        for line in table[2:]:
            assert line.split("|", 2)[2] in text  # the same figures
    assert [line for line in english.read_text().splitlines() if line.startswith("## ")] != [
        line for line in spanish.read_text().splitlines() if line.startswith("## ")
    ]


def test_evaluate_measures_the_published_file(
    trained: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = trained
    main(["--evaluate", "--repository", str(folder / "repository")])
    printed = capsys.readouterr().out
    assert "the points that its card names: yes" in printed
    assert "10 of 10 points right" in printed
    assert read_model(folder / "repository", "oil").versions == (1,)


def test_what_is_printed_can_be_spanish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["--no-publish", "--steps", "100", "--seeds", "1", "--language", "es"])
    printed = capsys.readouterr().out
    assert "| método |" in printed
    assert "acertados con 1 de 1 semillas" in printed
    assert [file.name for file in tmp_path.rglob("*.*")] == ["wells.png"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--seeds 0", "--seeds 0 is below 1"),
        ("--steps -1", "--steps -1 is below 1"),
        ("--batch 11", "--batch 11: there are only 10 points"),
        ("--rate 0", "--rate 0.0 is not a positive number"),
        ("--rate nan", "--rate nan is not a positive number"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    capsys: pytest.CaptureFixture[str], options: str, words: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(options.split())
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    for option in ("--evaluate", "--method", "--repository", "--language", "--steps", "--rate"):
        assert option in printed
    assert "oil/backpropagation.py" in printed


def test_the_model_of_this_repository_knows_the_ten_points() -> None:
    model = read_model(default_repository(), "oil")
    weights = model.weights(model.versions[0])
    found = run_onnx(weights, {"point": POINTS})["categories"]
    assert measure(found).right == 10
    np.testing.assert_allclose(found, TARGETS, atol=1e-3)
    assert json.loads(stamp_of(weights)["datasets"]) == {"wells": points_hash()}
    assert (model.folder / "README.es.md").exists()
