"""A published file becomes a network again: with its guesses, and fit to be trained further."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fourcast_models.doodle.codec import BITMAP, PROBABILITIES, RASTER
from fourcast_models.model_config import ModelConfig
from fourcast_models.repository import default_repository, read_model
from fourcast_training.doodle.augment import Picture
from fourcast_training.doodle.net import ServedNet, folded
from fourcast_training.doodle.published import read_network
from fourcast_training.export import run_onnx, to_onnx
from tests.training.test_doodle_net import network, random_pictures


def published(folder: Path, picture: Picture, *, quantised: bool) -> Path:
    """The file of a small network whose normalisations are not the identity."""
    spec = BITMAP if picture == "bitmap" else RASTER
    inputs = {spec.name: random_pictures(picture, 64).numpy()}
    graph = to_onnx(
        ServedNet(folded(network(picture)), 1.0, views=2).eval(),
        ModelConfig("small", inputs=(spec,), outputs=(PROBABILITIES,), max_batch_size=64),
        inputs,
        inputs if quantised else None,
    )
    file = folder / "model.onnx"
    file.write_bytes(graph.content)
    return file


@pytest.mark.parametrize(
    ("picture", "quantised", "atol"), [("bitmap", False, 1e-5), ("raster", True, 5e-3)]
)
def test_it_guesses_as_the_file_does(
    tmp_path: Path, picture: Picture, *, quantised: bool, atol: float
) -> None:
    file = published(tmp_path, picture, quantised=quantised)
    pictures = random_pictures(picture, 64)
    read = read_network(file, pictures.numpy())
    assert sum(p.numel() for p in read.parameters()) == sum(
        p.numel() for p in network(picture).parameters()
    )
    served = ServedNet(read, 1.0, views=2).eval()
    with torch.inference_mode():
        (guesses,) = served(pictures)
    name = "bitmap" if picture == "bitmap" else "raster"
    expected = run_onnx(file, {name: pictures.numpy()})[PROBABILITIES.name]
    np.testing.assert_allclose(guesses.numpy(), expected, atol=atol)
    assert expected.max() > 10 / expected.shape[1]


def test_it_sees_in_training_what_it_sees_in_use(tmp_path: Path) -> None:
    # Normalisations that had kept a mean of 0 and a deviation of 1 would upset the next layer.
    pictures = random_pictures("bitmap", 64)
    read = read_network(published(tmp_path, "bitmap", quantised=False), pictures.numpy())
    read.dropout.p = 0.0
    with torch.inference_mode():
        in_use = read.eval()(pictures)
        in_training = read.train()(pictures)
    torch.testing.assert_close(in_training, in_use, atol=1e-3, rtol=1e-3)
    assert in_use.std() > 0.1


def test_another_kind_of_network_is_refused() -> None:
    model = read_model(default_repository(), "connect4")
    with pytest.raises(ValueError, match="holds no network of fourcast-train doodle"):
        read_network(model.weights(model.versions[0]), random_pictures("bitmap", 8).numpy())
