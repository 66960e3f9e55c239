"""`fourcast-train doodle` from nothing to a published model, as a user runs it."""

import json
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fourcast_models.doodle.codec import BITMAP, PROBABILITIES, RASTER, top_k
from fourcast_models.doodle.strokes import draw
from fourcast_models.repository import read_golden, read_model
from fourcast_training.doodle.generated import shape
from fourcast_training.doodle.presets import PRESETS
from fourcast_training.doodle.train import pictures_seed
from fourcast_training.export import run_onnx, stamp_of
from tests.training.running import ENVIRONMENT, fourcast_train, kill_when, run

SMOKE = "doodle --preset smoke"
FEW = (
    "--data.generated 60 --data.validation 5 --data.test 5 --loop.epochs 2 --per-class 10 "
    "--image-drawings 0 --scribbles 20"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which the smoke preset ran, and what it printed."""
    folder = tmp_path_factory.mktemp("smoke")
    done = run(fourcast_train(SMOKE), folder)
    assert done.returncode == 0, done.stderr
    return folder / "runs" / "doodle-smoke", done.stdout


def test_the_run_leaves_a_whole_model(trained: tuple[Path, str]) -> None:
    run_folder, _ = trained
    model = read_model(run_folder / "repository", "doodle")
    assert model.versions == (1,)
    assert model.config.inputs == (BITMAP,)
    assert model.config.outputs == (PROBABILITIES,)
    golden = read_golden(model.golden(1), model.config)
    outputs = run_onnx(model.weights(1), golden.inputs)
    np.testing.assert_allclose(outputs["probabilities"], golden.outputs["probabilities"], atol=1e-5)
    for picture in ("curves.png", "confusions.png", "robustness.png"):
        assert (run_folder / picture).read_bytes().startswith(b"\x89PNG")


def test_it_has_learnt_its_shapes(trained: tuple[Path, str]) -> None:
    run_folder, _ = trained
    figures = json.loads((run_folder / "metrics.json").read_text())["figures"]
    assert figures["drawings"] == 220
    assert figures["top1"] > 0.8
    assert figures["calibration_error"] < 0.1
    weights = read_model(run_folder / "repository", "doodle").weights(1)
    rng = np.random.default_rng(123)
    names = ("ladder", "star", "zigzag")
    bitmaps = np.stack([draw(shape(name, rng)) for name in names])
    rows = run_onnx(weights, {"bitmap": bitmaps})["probabilities"]
    for name, row in zip(names, rows, strict=True):
        assert name in [guess.category for guess in top_k(row, 3)]


def test_the_card_holds_what_was_printed(trained: tuple[Path, str]) -> None:
    run_folder, printed = trained
    card = (run_folder / "repository" / "doodle" / "README.md").read_text()
    assert printed.strip() in card
    for words in (
        "| this one | 220 |",
        "The worst categories",
        "| photograph |",
        "| half the size |",
        "| 50% | 220 |",
        "| scribbles, tangle |",
        "An empty canvas is refused: yes.",
        "fourcast-train doodle --preset smoke",
    ):
        assert words in card
    hashes = json.loads(
        stamp_of(read_model(run_folder / "repository", "doodle").weights(1))["datasets"]
    )
    assert all(value in card for value in hashes.values())


def test_evaluate_prints_the_same_and_the_time(trained: tuple[Path, str]) -> None:
    run_folder, printed = trained
    done = run(fourcast_train(f"{SMOKE} --evaluate"), run_folder.parents[1])
    assert done.returncode == 0, done.stderr
    assert "the split that its card names: yes" in done.stdout
    assert "split seed 4, test split sha256 " in done.stdout
    assert "ms of one core in the median" in done.stdout
    figures = [line for line in printed.splitlines() if line.startswith("| this one |")]
    assert figures[0].rpartition("|")[0].rpartition("|")[0] in done.stdout


def test_a_killed_run_resumes_bit_for_bit(tmp_path: Path) -> None:
    # On rasters, so that the whole path is gone with them as well.
    options = f"{FEW} --loop.epochs 4 --reuse 2 --imaged 0 --picture raster --name doodle_strokes"
    broken, straight = (
        fourcast_train(f"{SMOKE} {options} --folder {folder}") for folder in ("broken", "straight")
    )
    checkpoint = tmp_path / "broken" / "checkpoint.pt"
    kill_when(broken, tmp_path, checkpoint.exists)
    resumed, unbroken = run(broken, tmp_path), run(straight, tmp_path)
    assert (resumed.returncode, unbroken.returncode) == (0, 0), resumed.stderr + unbroken.stderr
    assert "continuing" in resumed.stderr
    states = [
        torch.load(tmp_path / folder / "checkpoint.pt", weights_only=True)
        for folder in ("broken", "straight")
    ]
    for part in ("network", "average"):
        for name, tensor in states[0][part].items():
            assert torch.equal(tensor, states[1][part][name]), name
    assert resumed.stdout == unbroken.stdout
    model = read_model(tmp_path / "runs" / "doodle-smoke" / "repository", "doodle_strokes")
    assert model.versions == (2, 1)
    assert model.config.inputs == (RASTER,)
    assert "[N, 2, 56, 56]" in model.card.read_text()
    one, other = (read_golden(model.golden(number), model.config) for number in (1, 2))
    np.testing.assert_array_equal(one.outputs["probabilities"], other.outputs["probabilities"])


def test_a_run_begins_with_the_network_of_another(
    trained: tuple[Path, str], tmp_path: Path
) -> None:
    first, _ = trained
    rest = f"{FEW} --imaged 0 --loop.epochs 1 --loop.learning-rate 1e-6 --no-publish --folder"
    done = run(fourcast_train(f"{SMOKE} {rest} {tmp_path / 'on'} --begin-with {first}"), tmp_path)
    assert done.returncode == 0, done.stderr
    fresh = run(fourcast_train(f"{SMOKE} {rest} {tmp_path / 'new'}"), tmp_path)
    assert fresh.returncode == 0, fresh.stderr
    # What a rate like this ruins, no part of is published.
    ruined = f"{rest} {tmp_path / 'back'} --loop.learning-rate 0.3 --begin-with {first} --blend 0"
    back = run(fourcast_train(f"{SMOKE} {ruined}"), tmp_path)
    assert back.returncode == 0, back.stderr
    top1 = {
        name: json.loads((tmp_path / name / "metrics.json").read_text())["figures"]["top1"]
        for name in ("on", "new", "back")
    }
    assert min(top1["on"], top1["back"]) > 0.8 > top1["new"]


def test_a_published_version_is_measured_and_published_as_it_is(
    trained: tuple[Path, str], tmp_path: Path
) -> None:
    first, _ = trained
    version = first / "repository" / "doodle" / "1"
    options = f"--begin-with {version} --loop.epochs 0 --imaged 0 --repository {tmp_path / 'new'}"
    options += " --blend 0.4"
    done = run(fourcast_train(f"{SMOKE} {options} --folder {tmp_path / 'as-it-is'}"), tmp_path)
    assert done.returncode == 0, done.stderr
    before, after = (
        json.loads((folder / "metrics.json").read_text())["figures"]["top1"]
        for folder in (first, tmp_path / "as-it-is")
    )
    assert after == pytest.approx(before, abs=0.03)
    card = read_model(tmp_path / "new", "doodle").card.read_text()
    assert "trained no further here" in card
    assert "the weights are the mean of" in card.replace("\n", " ")
    # What made it stands in the card of what came after it.
    assert f"`{version}`, made by\n`{stamp_of(version / 'model.onnx')['command']}`" in card


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--loop.epochs 0", "name it with --begin-with"),
        ("--begin-with nowhere", "nowhere/checkpoint.pt is not there"),
        ("--blend 1.5 --begin-with nowhere", "--blend is 1.5, but must be 0 to 1"),
        ("--blend 0.5", "--blend 0.5 needs --begin-with"),
        ("--stem 4 --begin-with {run}", "a network of another kind or size"),
        ("--picture raster --imaged 0 --augment.thick 0.1", "only bitmaps can look like images"),
    ],
)
def test_a_beginning_that_cannot_be_is_refused(
    trained: tuple[Path, str], tmp_path: Path, options: str, words: str
) -> None:
    done = run(fourcast_train(f"{SMOKE} {FEW} {options.format(run=trained[0])}"), tmp_path)
    assert done.returncode == 1
    assert words in done.stderr


def test_ctrl_c_ends_the_run_and_its_processes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            fourcast_train(f"{SMOKE} {FEW} --loop.epochs 500 --jobs 2"),
            cwd=tmp_path,
            env=ENVIRONMENT,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
        try:
            while not (tmp_path / "runs" / "doodle-smoke" / "checkpoint.pt").exists():
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
        finally:
            process.kill()
    assert "the same command continues where this one was" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_a_folder_without_drawings_is_refused_in_words(tmp_path: Path) -> None:
    done = run(fourcast_train("doodle --data nowhere"), tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("fourcast-train: --data nowhere: no drawings there")


def test_help_teaches(tmp_path: Path) -> None:
    done = run(fourcast_train("doodle --help"), tmp_path)
    assert done.returncode == 0
    for option in ("--preset", "--evaluate", "--data", "--loop.precision", "--augment.shake"):
        assert option in done.stdout
    assert "--categories" in run(fourcast_train("doodle-download --help"), tmp_path).stdout


def test_presets_read_what_they_are_for() -> None:
    assert {name: preset.picture for name, preset in PRESETS.items()} == {
        "default": "bitmap",
        "small": "bitmap",
        "strokes": "raster",
        "smoke": "bitmap",
    }


def test_a_run_that_goes_on_has_pictures_of_its_own() -> None:
    first = PRESETS["small"]
    second, third = (replace(first, begin_with=Path(name)) for name in ("runs/a", "runs/b"))
    other = replace(first, loop=replace(first.loop, seed=first.loop.seed + 1))
    assert len({pictures_seed(config) for config in (first, second, third, other)}) == 4
    assert pictures_seed(second) == pictures_seed(replace(second, folder=Path("elsewhere")))
