"""The network inside a published doodle model, as one that can be trained further."""

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fourcast_training.doodle.net import DoodleNet
from fourcast_training.published import fill, read_weights


def read_network(file: Path, pictures: npt.NDArray[np.uint8]) -> DoodleNet:
    """The network of a published doodle model.

    Args:
        file: An ONNX file that `fourcast-train doodle` made. Stages have different widths.
        pictures: Some hundred that the network reads, uint8 [N, 28, 28] or [N, 2, 56, 56].

    Raises:
        ValueError: If the file holds another kind of network.
    """
    weights = read_weights(file)
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
