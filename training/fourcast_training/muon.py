"""Muon, an optimiser for the kernels of convolutions.

Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024,
https://kellerjordan.github.io/posts/muon/): the momentum of a matrix of weights is replaced by the
nearest matrix whose singular values are all 1, so that no direction of it learns slowly because its
gradients are small. The factor on the step is that of Liu et al., "Muon is scalable for LLM
training" (2025, equation 4): with it the learning rate and the weight decay that suit AdamW suit
Muon, too.

torch has a Muon of its own; it takes matrices only, no kernels, and computes in bfloat16, which a
processor without instructions for it does slowly.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the polynomial a x + b x^3 + c x^5 that is applied to the singular values; Jordan et al. chose
them so that small values grow fastest. Five applications end between 0.7 and 1.2."""

_APPLICATIONS = 5


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, made orthogonal; a kernel [out, in, h, w] is a matrix [out, in h w]."""

    def __init__(
        self,
        kernels: Iterable[nn.Parameter],
        *,
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
    ) -> None:
        """Train these weights.

        Args:
            kernels: Of two or more dimensions.
            lr: Learning rate, as AdamW would have it.
            weight_decay: Decoupled, as AdamW's.
            momentum: Share of the past in the mean of the gradients, 0 to 1.
        """
        super().__init__(kernels, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # takes no closure
        """Move the weights by one step."""
        for group in self.param_groups:
            for kernel in group["params"]:
                if kernel.grad is None:
                    continue
                state = self.state[kernel]
                if "mean" not in state:
                    state["mean"] = torch.zeros_like(kernel)
                mean = state["mean"].lerp_(kernel.grad, 1 - group["momentum"])
                ahead = kernel.grad.lerp(mean, group["momentum"])
                matrix = ahead.flatten(1)
                factor = 0.2 * math.sqrt(max(matrix.shape))
                kernel.mul_(1 - group["lr"] * group["weight_decay"])
                kernel.add_(orthogonal(matrix).view_as(kernel), alpha=-group["lr"] * factor)


def orthogonal(matrix: Tensor) -> Tensor:
    """About the nearest matrix with singular values 1 (in the smaller of its dimensions).

    Newton-Schulz iteration; the singular values of the result lie between 0.7 and 1.2 unless they
    were less than about a thousandth of its norm.

    Args:
        matrix: Float [M, N].
    """
    a, b, c = _COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(_APPLICATIONS):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
