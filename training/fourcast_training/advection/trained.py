"""The network with all its weights trained: the three losses of the course as residuals."""

import numpy as np
import torch
from torch import Tensor
from torch.func import jvp
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from fourcast_training.advection.levenberg_marquardt import Condition, minimise
from fourcast_training.advection.net import SineNet
from fourcast_training.advection.problem import SPEED, Points, start


def train_network(
    points: Points, hidden: tuple[int, ...], *, seed: int, steps: int, speed: float = SPEED
) -> SineNet:
    """Fit all weights.

    Args:
        points: Where the conditions are asked for.
        hidden: Neurons of each hidden layer.
        seed: Of the first weights.
        steps: Of Levenberg and Marquardt's method.
        speed: u.
    """
    network = SineNet(hidden, seed=seed)
    first = parameters_to_vector(network.parameters()).detach()
    found = minimise(conditions(network, points, speed), first, steps)
    vector_to_parameters(found, network.parameters())
    return network.eval()


def conditions(network: SineNet, points: Points, speed: float) -> list[Condition]:
    """What is asked of the network: the equation, the same value at both ends, the start."""

    def equation(parameters: Tensor, t: Tensor, x: Tensor) -> Tensor:
        # φ_t + u φ_x is the slope of φ along (1, u): one forward tangent instead of one gradient
        # for each input and a second pass backwards through both.
        along = (torch.ones_like(t), torch.full_like(x, speed))
        slope: Tensor = jvp(lambda t, x: network.at(parameters, t, x), (t, x), along)[1]
        return slope

    def boundary(parameters: Tensor, t: Tensor) -> Tensor:
        ends = (torch.zeros_like(t), torch.ones_like(t))
        return network.at(parameters, t, ends[0]) - network.at(parameters, t, ends[1])

    def initial(parameters: Tensor, x: Tensor, wanted: Tensor) -> Tensor:
        return network.at(parameters, torch.zeros_like(x), x) - wanted

    first, wanted = points.initial, start(points.initial)
    return [
        Condition(equation, _tensors(points.inner_t, points.inner_x)),
        Condition(boundary, _tensors(points.boundary)),
        Condition(initial, _tensors(first, wanted)),
    ]


def _tensors(*arrays: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(array) for array in arrays)
