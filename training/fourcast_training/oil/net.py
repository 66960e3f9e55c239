"""The same network in torch, as it is exported."""

import numpy as np
import torch
from torch import Tensor, nn

from fourcast_models.model_config import TensorSpec
from fourcast_training.oil.backpropagation import Floats, layers

POINT = TensorSpec("point", np.dtype(np.float64), (2,))
"""Where to drill, both coordinates in [0, 1]."""

CATEGORIES = TensorSpec("categories", np.dtype(np.float64), (2,))
"""F(x): near (1, 0) where there should be oil, near (0, 1) where not."""


class OilNet(nn.Module):
    """Input `point` float64 [N, 2], output `categories` float64 [N, 2] in (0, 1)."""

    def __init__(self, p: Floats) -> None:
        super().__init__()
        w2, w3, w4, b2, b3, b4 = layers(p)
        self.layers = nn.Sequential(
            *(_linear(w2, b2), nn.Sigmoid()),
            *(_linear(w3, b3), nn.Sigmoid()),
            *(_linear(w4, b4), nn.Sigmoid()),
        )

    def forward(self, point: Tensor) -> tuple[Tensor]:
        """F of equation 2.3 for a batch of points."""
        return (self.layers(point),)


def _linear(weight: Floats, bias: Floats) -> nn.Linear:
    """The layer that computes weight @ a + bias."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
    layer.weight.data = torch.from_numpy(weight.copy())
    layer.bias.data = torch.from_numpy(bias.copy())
    return layer
