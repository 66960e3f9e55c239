"""The network of an earlier run or inside a published doodle model, to be trained further."""

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fourcast_models.repository import WEIGHTS_FILE
from fourcast_training.doodle.net import DoodleNet
from fourcast_training.loop import best_weights
from fourcast_training.published import fill, read_weights

_FIRST = "members.0."
"""Begins the names of the first network's weights where a file holds several (`net.Mean`)."""


def read_earlier(folder: Path, pictures: npt.NDArray[np.uint8]) -> DoodleNet:
    """The network of a run, or of a published version, of whatever size it is.

    Args:
        folder: Of the run or of the version.
        pictures: Some hundred that it reads, uint8 [N, 28, 28] or [N, 2, 56, 56].

    Raises:
        ValueError: If there is none, or of another kind.
    """
    file = folder / WEIGHTS_FILE
    if file.exists():
        return read_network(file, pictures)
    weights = best_weights(folder)
    try:
        network = _of_size(weights)
        network.load_state_dict(weights)
        network.eval()(torch.from_numpy(pictures[:1]))
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"{folder} holds no network for these pictures: {error}") from None
    return network.train()


def read_network(file: Path, pictures: npt.NDArray[np.uint8]) -> DoodleNet:
    """The network of a published doodle model, the first where it is the mean of several.

    Args:
        file: An ONNX file that `fourcast-train doodle` made. Stages have different widths.
        pictures: Some hundred that the network reads, uint8 [N, 28, 28] or [N, 2, 56, 56].

    Raises:
        ValueError: If the file holds another kind of network.
    """
    weights = read_weights(file)
    if any(name.startswith(_FIRST) for name in weights):
        weights = {
            name.removeprefix(_FIRST): weight
            for name, weight in weights.items()
            if name.startswith(_FIRST)
        }
    try:
        network = _of_size(weights)
        fill(network, weights, torch.from_numpy(pictures))
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"{file} holds no network of fourcast-train doodle: {error}") from None
    return network


def _of_size(weights: Mapping[str, Tensor]) -> DoodleNet:
    """A network of the same size, with random weights."""
    stem = weights["trunk.0.weight"]
    widths: list[int] = []
    # The stem is the trunk's layers 0 to 2, what follows are blocks.
    while (name := f"trunk.{3 + len(widths)}.layers.0.weight") in weights:
        widths.append(len(weights[name]))
    stages = [(width, len(list(blocks))) for width, blocks in groupby(widths)]
    return DoodleNet(
        "bitmap" if stem.shape[1] == 1 else "raster",
        len(stem),
        [width for width, _ in stages],
        [blocks for _, blocks in stages],
    )
