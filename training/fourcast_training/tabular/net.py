"""The network as it is exported: measurements in, calibrated probabilities out."""

import numpy as np
import torch
from torch import Tensor, nn

from fourcast_training.tabular.data import Floats
from fourcast_training.tabular.mlp import Calibration
from fourcast_training.tabular.networks import Networks


class CoimbraNet(nn.Module):
    """Input `features` float32 [N, 4] as measured, output `probabilities` float32 [N, 2].

    Logarithm, scaling, network, calibration: all that training did to a row stands here.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self, mean: Floats, deviation: Floats, networks: Networks, calibration: Calibration
    ) -> None:
        """Put the parts together.

        Args:
            mean: Of the logarithms of each feature, float64 [4].
            deviation: Their standard deviations, float64 [4].
            networks: The first one is taken.
            calibration: Of its logits.
        """
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(mean.astype(np.float32)))
        self.register_buffer("deviation", torch.from_numpy(deviation.astype(np.float32)))
        linear = []
        for weight, bias in zip(networks.weights, networks.biases, strict=True):
            layer = nn.Linear(weight.shape[1], weight.shape[2])
            layer.weight.data = weight[0].T.contiguous()
            layer.bias.data = bias[0, 0].clone()
            linear.append(layer)
        # Platt's line joins the last layer.
        linear[-1].weight.data *= calibration.slope
        linear[-1].bias.data = linear[-1].bias.data * calibration.slope + calibration.intercept
        self.hidden = nn.ModuleList(linear[:-1])
        self.last = linear[-1]

    def forward(self, features: Tensor) -> tuple[Tensor]:
        """How probable each class is."""
        signal = (torch.log(features) - self.mean) / self.deviation
        for layer in self.hidden:
            signal = torch.relu(layer(signal))
        patient = torch.sigmoid(self.last(signal))
        return (torch.cat([1 - patient, patient], dim=1),)
