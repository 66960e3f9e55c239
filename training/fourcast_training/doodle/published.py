"""The network inside a published file, as one that can be trained further.

Runs do not last: a checkpoint stays on the machine where it was made. What everybody has is the
published file, in which each batch normalisation is folded into the convolution before it, with
weights of sixteen or eight bits. Here they become a `DoodleNet` again.
"""

from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from fourcast_training.doodle.net import DoodleNet

NETWORK = "network."
"""Begins the names of the network's weights in the file."""


def read_network(file: Path, pictures: npt.NDArray[np.uint8]) -> DoodleNet:
    """The network of a published doodle model.

    It guesses as the file does, but for what rounding took from the weights. Its normalisations
    have the means and deviations that they find in the pictures, and undo them again.

    Args:
        file: An ONNX file that `fourcast-train doodle` made. Stages have different widths.
        pictures: Some hundred that the network reads, uint8 [N, 28, 28] or [N, 2, 56, 56].

    Raises:
        ValueError: If the file holds another kind of network.
    """
    weights = _weights(onnx.load(file).graph)
    try:
        network = _of_size(weights)
        _fill(network, weights)
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"{file} holds no network of fourcast-train doodle: {error}") from None
    _find_statistics(network, torch.from_numpy(pictures))
    return network


def _weights(graph: onnx.GraphProto) -> dict[str, Tensor]:
    """The network's weights in float32, by the names that `DoodleNet` has for them."""
    arrays = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Cast", "DequantizeLinear") and set(node.input) <= arrays.keys():
            stored, *scaling = (arrays[name] for name in node.input)
            array = stored.astype(np.float32)
            if scaling:
                scale, zero = (part.reshape(-1, *[1] * (stored.ndim - 1)) for part in scaling)
                array = (array - zero.astype(np.float32)) * scale
            arrays[node.output[0].removesuffix("_DequantizeLinear_Output")] = array
    return {
        name.removeprefix(NETWORK): torch.from_numpy(array.copy())
        for name, array in arrays.items()
        if name.startswith(NETWORK) and array.dtype == np.float32
    }


def _of_size(weights: dict[str, Tensor]) -> DoodleNet:
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


@torch.no_grad()
def _fill(network: DoodleNet, weights: dict[str, Tensor]) -> None:
    """Give convolutions their weights, and normalisations the biases of the folded ones."""
    network.head.weight.copy_(weights["head.weight"])
    network.head.bias.copy_(weights["head.bias"])
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            module.weight.copy_(weights[f"{name}.weight"])
            parent, _, place = name.rpartition(".")
            norm = network.get_submodule(f"{parent}.{int(place) + 1}")
            norm.get_parameter("bias").copy_(weights[f"{name}.bias"])


@torch.no_grad()
def _find_statistics(network: DoodleNet, pictures: Tensor) -> None:
    """Let every normalisation measure what it gets, and give back what it takes away."""

    def measured(norm: nn.Module, inputs: tuple[Tensor]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3), correction=0)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)

    # A normalisation is measured just before it is used, so the next sees what it will see.
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(measured) for norm in norms]
    network.eval()(pictures)
    for hook in hooks:
        hook.remove()
    network.train()
