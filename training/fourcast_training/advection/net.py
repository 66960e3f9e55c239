"""The network: sines between linear layers, as it is trained and as it is exported."""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from fourcast_models.model_config import TensorSpec
from fourcast_training.advection.problem import Floats

T = TensorSpec("t", np.dtype(np.float64), ())
"""Time, 0 to 1."""

X = TensorSpec("x", np.dtype(np.float64), ())
"""Place, 0 to 1."""

PHI = TensorSpec("phi", np.dtype(np.float64), ())
"""The solution, -1 to 1."""

_FIRST_SCALE = 6.0
"""Factor of the first layer's weights, so that some sines turn once over the square."""


class SineNet(nn.Module):
    """Inputs `t` and `x` float64 [N], output `phi` float64 [N].

    Args:
        hidden: Neurons of each hidden layer.
        seed: Of the first weights.
    """

    def __init__(self, hidden: tuple[int, ...], *, seed: int) -> None:
        super().__init__()
        rng = np.random.default_rng(seed)
        sizes = (2, *hidden, 1)
        self.layers = nn.ModuleList()
        for place, (inputs, outputs) in enumerate(pairwise(sizes)):
            scale = (1.0 if place else _FIRST_SCALE) / np.sqrt(inputs)
            # Random phases let the first layer begin with sines and cosines alike.
            bias = np.zeros(outputs) if place else rng.uniform(0, 2 * np.pi, outputs)
            self.layers.append(linear(scale * rng.standard_normal((outputs, inputs)), bias))

    def forward(self, t: Tensor, x: Tensor) -> tuple[Tensor]:
        """φ at a batch of points, or at one point without a batch."""
        values = torch.stack([t, x], dim=-1)
        *inner, last = self.layers
        for layer in inner:
            values = torch.sin(layer(values))
        return (last(values).squeeze(-1),)

    def at(self, parameters: Tensor, t: Tensor, x: Tensor) -> Tensor:
        """φ with other parameters, one vector [P] in the order of `parameters()`."""
        weights, begin = {}, 0
        for name, weight in self.named_parameters():
            weights[name] = parameters[begin : begin + weight.numel()].view_as(weight)
            begin += weight.numel()
        phi: Tensor = functional_call(self, weights, (t, x))[0]
        return phi

    @torch.no_grad()
    def evaluate(self, t: Floats, x: Floats) -> Floats:
        """φ at points as NumPy arrays."""
        (phi,) = self(torch.from_numpy(t), torch.from_numpy(x))
        values: Floats = phi.numpy()
        return values


def linear(weight: Floats, bias: Floats) -> nn.Linear:
    """The layer that computes weight @ a + bias."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
    layer.weight.data = torch.from_numpy(weight.copy())
    layer.bias.data = torch.from_numpy(bias.copy())
    return layer
