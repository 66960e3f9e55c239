"""Multilayer perceptrons of one form, many at once: each product of matrices is one `torch.bmm`.

A hundred folds of a hundred rows are too small to keep a processor busy one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fourcast_training.tabular.data import Floats
from fourcast_training.tabular.folds import Task

AT_ONCE = 50
"""Networks whose weights and moments fit into a processor's cache together."""


@dataclass(frozen=True)
class Recipe:
    """How a network is made.

    Attributes:
        hidden: ReLU units of each hidden layer.
        kinks: Standard deviation of the first biases of the first layer. At 0 all its units begin
            to rise at the mean of the rows; at 1 they do so where the rows are.
        l1: Weight of the sum of the absolute weights beside the mean cross-entropy.
        l2: Weight of the sum of the squared weights beside it.
        rate: Of Adam, falling to 0 along a line.
        steps: Of Adam, with all rows in each.
    """

    hidden: tuple[int, ...]
    kinks: float
    l1: float
    l2: float
    rate: float
    steps: int


@dataclass(frozen=True)
class Networks:
    """B networks: for each layer weights float32 [B, in, out] and biases float32 [B, 1, out]."""

    weights: list[Tensor]
    biases: list[Tensor]

    def logits(self, inputs: Tensor) -> Tensor:
        """The logit of class 1, float32 [B, n], for inputs float32 [B, n, F]."""
        hidden = inputs
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = torch.relu(torch.baddbmm(bias, hidden, weight))
        return torch.baddbmm(self.biases[-1], hidden, self.weights[-1])[..., 0]


def score_tasks(tasks: Sequence[Task], recipe: Recipe, seed: int) -> list[Floats]:
    """One network for each task, and its logits of class 1 for the rows asked about.

    Args:
        tasks: All with the same number of features.
        recipe: How the networks are made.
        seed: Of their first weights.

    Returns:
        Float64 [m] for each task.
    """
    scores: list[Floats] = []
    for start in range(0, len(tasks), AT_ONCE):
        some = tasks[start : start + AT_ONCE]
        networks = fit_networks(some, recipe, seed + start)
        with torch.no_grad():
            logits = networks.logits(_stack([task.asked for task in some])).double().numpy()
        scores += [row[: len(task.asked)] for row, task in zip(logits, some, strict=True)]
    return scores


def fit_networks(tasks: Sequence[Task], recipe: Recipe, seed: int) -> Networks:
    """Train one network for each task, all at once, from weights by He's rule.

    Adam with all rows in each step; the gradient of the penalties is added by hand, because
    automatic differentiation would copy all weights for it.
    """
    inputs = _stack([task.inputs for task in tasks])
    labels = _stack([task.labels.astype(np.float64) for task in tasks])
    # Rows that only fill up a task to the length of the longest one count nothing.
    shares = _stack([np.full(len(task.labels), 1 / len(task.labels)) for task in tasks])
    networks = _first_networks(len(tasks), inputs.shape[2], recipe, seed)
    parameters = [tensor.requires_grad_() for tensor in (*networks.weights, *networks.biases)]
    optimizer = torch.optim.Adam(parameters, lr=recipe.rate, fused=True)
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * (1 - step / recipe.steps)
        # A sum over the networks, whose gradients do not mix.
        loss = functional.binary_cross_entropy_with_logits(
            networks.logits(inputs), labels, shares, reduction="sum"
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        with torch.no_grad():
            for weight in networks.weights:
                assert weight.grad is not None
                weight.grad.add_(weight, alpha=2 * recipe.l2).add_(weight.sign(), alpha=recipe.l1)
        optimizer.step()
    return Networks(*([t.detach() for t in part] for part in (networks.weights, networks.biases)))


def _first_networks(count: int, features: int, recipe: Recipe, seed: int) -> Networks:
    """K. He and others, "Delving deep into rectifiers" (2015): weights of variance 2 / inputs."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [features, *recipe.hidden, 1]
    pairs = list(pairwise(sizes))
    weights = [torch.randn(count, a, b, generator=generator) * (2 / a) ** 0.5 for a, b in pairs]
    biases = [torch.zeros(count, 1, b) for _, b in pairs]
    biases[0] = recipe.kinks * torch.randn(biases[0].shape, generator=generator)
    return Networks(weights, biases)


def _stack(arrays: Sequence[Floats]) -> Tensor:
    """Arrays [n, ...] as one float32 [B, longest n, ...], zeros where one is shorter."""
    longest = max(map(len, arrays))
    stacked = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), dtype=np.float32)
    for row, array in zip(stacked, arrays, strict=True):
        row[: len(array)] = array
    return torch.from_numpy(stacked)
