"""`fourcast-train stego` from nothing to two published models, as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from fourcast_models.repository import read_golden, read_model
from fourcast_models.stego import hide
from fourcast_models.stego.codec import IMAGE, ROBUST, STEGO, STRENGTH
from fourcast_training.export import run_onnx
from fourcast_training.stego.textures import texture
from fourcast_training.stego.train import onnx_networks
from tests.training.running import fourcast_train, kill_when, run

SMOKE = "stego --preset smoke"
FEW = "--steps 2 --data.textures 6 --pictures 1 --no-publish --loop.epochs 3"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which the smoke preset ran, and what it printed."""
    folder = tmp_path_factory.mktemp("smoke")
    done = run(fourcast_train(SMOKE), folder)
    assert done.returncode == 0, done.stderr
    return folder / "runs" / "stego-smoke", done.stdout


def test_the_run_leaves_two_whole_models(trained: tuple[Path, str]) -> None:
    run_folder, _ = trained
    encoder, decoder = (
        read_model(run_folder / "repository", name) for name in (ROBUST.encoder, ROBUST.decoder)
    )
    assert encoder.config.inputs == (IMAGE, ROBUST.message, STRENGTH)
    assert encoder.config.outputs == (STEGO,)
    assert decoder.config.inputs == (IMAGE,)
    assert decoder.config.outputs == (ROBUST.probabilities,)
    for model in (encoder, decoder):
        golden = read_golden(model.golden(1), model.config)
        outputs = run_onnx(model.weights(1), golden.inputs)
        for name, expected in golden.outputs.items():
            np.testing.assert_allclose(outputs[name], expected, atol=1e-5)
    for picture in ("curves.png", "comparison.png"):
        assert (run_folder / picture).read_bytes().startswith(b"\x89PNG")


def test_the_published_pair_hides_and_reveals(trained: tuple[Path, str]) -> None:
    repository = trained[0] / "repository"
    networks = onnx_networks(
        read_model(repository, ROBUST.encoder).weights(1),
        read_model(repository, ROBUST.decoder).weights(1),
    )
    cover = texture(np.random.default_rng(99))[:100, :200]
    hidden = hide.hide(networks, ROBUST, cover, "short", None)
    assert hide.reveal({ROBUST: networks}, hidden.pixels).text == "short"


def test_the_card_holds_what_was_printed(trained: tuple[Path, str]) -> None:
    run_folder, printed = trained
    for name in (ROBUST.encoder, ROBUST.decoder):
        card = (run_folder / "repository" / name / "README.md").read_text()
        assert printed.strip() in card
        for words in (
            "| PNG | 100.0% | 0 |",
            "| WebP q75 |",
            "fourcast-train stego --preset smoke",
        ):
            assert words in card
        assert "undetectable" not in card
    figures = json.loads((run_folder / "metrics.json").read_text())
    assert figures["exact PNG"] == 1
    assert figures["psnr_min"] > 38


def test_evaluate_prints_the_same_and_the_time(trained: tuple[Path, str]) -> None:
    run_folder, printed = trained
    done = run(fourcast_train(f"{SMOKE} --evaluate"), run_folder.parents[1])
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the split that its card names: yes") == 2
    assert "Hiding with verification takes" in done.stdout
    line = next(line for line in printed.splitlines() if line.startswith("| PSNR"))
    assert line in done.stdout


def test_a_killed_run_resumes_bit_for_bit(tmp_path: Path) -> None:
    broken, straight = (
        fourcast_train(f"{SMOKE} {FEW} --folder {folder}") for folder in ("broken", "straight")
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
    for name, tensor in states[0]["network"].items():
        assert torch.equal(tensor, states[1]["network"][name]), name
    assert resumed.stdout == unbroken.stdout


def test_the_slides_preset_measures_and_does_not_publish(tmp_path: Path) -> None:
    options = "--steps 1 --loop.epochs 1 --loop.batch-size 2 --data.textures 6"
    done = run(fourcast_train(f"stego --preset slides {options}"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "of the texts of 256 characters came back" in done.stdout
    assert not list(tmp_path.rglob("model.onnx"))


def test_help_teaches(tmp_path: Path) -> None:
    done = run(fourcast_train("stego --help"), tmp_path)
    assert done.returncode == 0
    for option in ("--preset", "--images", "--lattice.step", "--noise.webp", "--no-trained"):
        assert option in done.stdout
