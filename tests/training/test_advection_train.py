"""`fourcast-train advection` from nothing to a published model, and the repository's own model."""

import json
from pathlib import Path

import numpy as np
import pytest

from fourcast_models.repository import default_repository, read_golden, read_model
from fourcast_training.advection.net import PHI, T, X
from fourcast_training.advection.problem import draw_points, grid, relative_error
from fourcast_training.advection.train import AdvectionConfig, main
from fourcast_training.export import run_onnx, stamp_of

QUICK = ["--seeds", "1", "--network-seeds", "1", "--hidden", "6", "--steps", "2"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a short run was made."""
    folder = tmp_path_factory.mktemp("advection")
    places = ["--repository", str(folder / "repository"), "--folder", str(folder / "runs")]
    main([*QUICK, *places, "--language", "es"])
    return folder


def test_the_run_leaves_a_whole_model(trained: Path) -> None:
    model = read_model(trained / "repository", "advection")
    assert model.versions == (1,)
    assert (model.config.inputs, model.config.outputs) == ((T, X), (PHI,))
    golden = read_golden(model.golden(1), model.config)
    outputs = run_onnx(model.weights(1), golden.inputs)
    np.testing.assert_allclose(outputs["phi"], golden.outputs["phi"], rtol=0, atol=1e-11)
    stamp = json.loads(stamp_of(model.weights(1))["datasets"])
    assert stamp == {"points": draw_points(0).sha256}
    assert (trained / "runs" / "phi.png").read_bytes().startswith(b"\x89PNG")


def test_the_cards_have_the_same_figures_in_two_languages(trained: Path) -> None:
    english, spanish = (
        (trained / "repository" / "advection" / name).read_text()
        for name in ("README.md", "README.es.md")
    )
    figures = [
        [line.split("|", 2)[2] for line in card.splitlines() if line.endswith(" s |")]
        for card in (english, spanish)
    ]
    assert figures[0] == figures[1]
    assert len(figures[0]) == 6
    assert "linear in its output weights" in english
    assert "lineal en sus pesos de salida" in spanish
    for card in (english, spanish):
        assert draw_points(0).sha256 in card
        assert "--hidden 6" in card
        assert "{" not in card


def test_evaluate_measures_the_published_file(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--evaluate", "--repository", str(trained / "repository")])
    printed = capsys.readouterr().out
    assert draw_points(0).sha256 in printed
    assert float(printed.split("relative L2 error ")[1].split()[0]) < 1e-11
    assert read_model(trained / "repository", "advection").versions == (1,)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seeds": 0}, "--seeds 0 is below 1"),
        ({"network_seeds": 0}, "--network-seeds 0 is below 1"),
        ({"steps": -1}, "--steps -1 is below 1"),
        ({"hidden": (3, 0)}, "each layer needs a neuron"),
        ({"hidden": ()}, "each layer needs a neuron"),
    ],
)
def test_what_cannot_be_done_is_refused(options: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        AdvectionConfig(**options)  # type: ignore[arg-type]  # one option of any type


def test_the_model_of_this_repository_solves_the_equation() -> None:
    model = read_model(default_repository(), "advection")
    weights = model.weights(model.versions[0])
    t, x = grid()
    assert relative_error(run_onnx(weights, {"t": t, "x": x})["phi"]) < 1e-11
    assert json.loads(stamp_of(weights)["datasets"]) == {"points": draw_points(0).sha256}
    assert (model.folder / "README.es.md").exists()
