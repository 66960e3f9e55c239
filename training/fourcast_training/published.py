"""The weights inside a published file, for a network that is to be trained further.

Runs do not last: a checkpoint stays on the machine where it was made. What everybody has is the
published file, in which each batch normalisation is folded into the convolution before it, with
weights of sixteen or eight bits. Here they become a network's again.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from fourcast_models.repository import WEIGHTS_FILE
from fourcast_training.export import stamp_of

_NETWORK = "network."
"""Begins the names of the network's weights in the file: what serves it is around it."""


def made_by(earlier: Path) -> str:
    """What made an earlier network, for a sentence about it; empty if it was not published."""
    file = earlier / WEIGHTS_FILE
    return f", made by\n`{stamp_of(file)['command']}`" if file.exists() else ""


def read_weights(file: Path) -> dict[str, Tensor]:
    """The weights in an ONNX file, float32, by the names that the network has for them.

    Biases of convolutions are there, too, which the network keeps in its normalisations.
    """
    graph = onnx.load(file).graph
    arrays = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Cast", "DequantizeLinear") and set(node.input) <= arrays.keys():
            stored, *scaling = (arrays[name] for name in node.input)
            array = stored.astype(np.float32)
            if scaling:
                scale, zero = (part.reshape(-1, *[1] * (stored.ndim - 1)) for part in scaling)
                array = (array - zero.astype(np.float32)) * scale
            arrays[node.output[0].removesuffix("_DequantizeLinear_Output")] = array
    # Torch's exporter, too, folds normalisations, and names the biases so.
    return {
        name.removeprefix(_NETWORK).replace(".weight_bias", ".bias"): torch.from_numpy(array.copy())
        for name, array in arrays.items()
        if name.startswith(_NETWORK) and array.dtype == np.float32
    }


def fill(network: nn.Module, weights: Mapping[str, Tensor], inputs: Tensor) -> None:
    """Give a network the weights of a published one of the same size.

    It answers as that does, but for what rounding took from the weights. Its normalisations have
    the means and deviations that they find in the inputs, and undo them again.

    Args:
        network: In which each convolution has a normalisation right behind it.
        weights: See `read_weights`.
        inputs: Some hundred that it reads, [N, ...].

    Raises:
        KeyError: If weights are missing.
        RuntimeError: If they have another size.
    """
    with torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, nn.Linear):
                _copy(module.weight, weights[f"{name}.weight"])
                _copy(module.bias, weights[f"{name}.bias"])
            elif isinstance(module, nn.Conv2d):
                _copy(module.weight, weights[f"{name}.weight"])
                parent, _, place = name.rpartition(".")
                norm = network.get_submodule(f"{parent}.{int(place) + 1}")
                _copy(norm.get_parameter("bias"), weights[f"{name}.bias"])
        _find_statistics(network, inputs)


def _copy(own: Tensor, theirs: Tensor) -> None:
    # `copy_` alone would repeat a shorter one.
    if own.shape != theirs.shape:
        raise RuntimeError(f"size mismatch: {list(theirs.shape)} into {list(own.shape)}")
    own.copy_(theirs)


def _find_statistics(network: nn.Module, inputs: Tensor) -> None:
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
    network.eval()(inputs)
    for hook in hooks:
        hook.remove()
    network.train()
