"""Sums of squares of residuals, made small by the method of Levenberg and Marquardt.

A step solves (JᵀJ + λ I) d = Jᵀr. With a small λ it is a step of Gauss and Newton, with a large one
a short step down the gradient. D. W. Marquardt, "An Algorithm for Least-Squares Estimation of
Nonlinear Parameters", SIAM Journal on Applied Mathematics 11 (1963), 431-441.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import grad, vmap
from tqdm import tqdm

_CHUNK = 1000
"""Rows of the Jacobian that are made at a time: few enough for the processor's cache."""

_SHRINK, _GROW = 10.0, 3.0
"""Of λ after a step that helped, and after one that did not."""

_FIRST_DAMPING = 0.1

_MOST_DAMPING = 1e8
"""Where not even a step this short helps, the sum is as small as it gets."""


@dataclass(frozen=True)
class Condition:
    """One kind of residual, at many points; the sum of squares has the mean of its squares.

    Attributes:
        residual: From the parameters [P] and the numbers of one point to one number.
        points: The numbers of all points, float64 [N] each.
    """

    residual: Callable[..., Tensor]
    points: tuple[Tensor, ...]


def minimise(conditions: Sequence[Condition], parameters: Tensor, steps: int) -> Tensor:
    """The parameters [P] after this many steps, or fewer if no step helps any more."""
    damping = _FIRST_DAMPING
    residuals = _residuals(conditions, parameters)
    identity = torch.eye(len(parameters), dtype=parameters.dtype)
    for _ in tqdm(range(steps), desc="steps", leave=False, unit="step", disable=None):
        jacobian = _jacobian(conditions, parameters)
        hessian, slope = jacobian.T @ jacobian, jacobian.T @ residuals
        while damping < _MOST_DAMPING:
            factor, failed = torch.linalg.cholesky_ex(hessian + damping * identity)
            if not failed:
                step = torch.cholesky_solve(slope[:, None], factor)[:, 0]
                tried = _residuals(conditions, parameters - step)
                if tried.square().sum() < residuals.square().sum():
                    break
            damping *= _GROW
        else:
            return parameters
        parameters, residuals = parameters - step, tried
        damping /= _SHRINK
    return parameters


def _residuals(conditions: Sequence[Condition], parameters: Tensor) -> Tensor:
    rows = []
    for condition in conditions:
        values = vmap(condition.residual, _axes(condition))(parameters, *condition.points)
        rows.append(values / len(values) ** 0.5)
    return torch.cat(rows)


def _jacobian(conditions: Sequence[Condition], parameters: Tensor) -> Tensor:
    rows = []
    for condition in conditions:
        slopes = vmap(grad(condition.residual), _axes(condition), chunk_size=_CHUNK)
        values = slopes(parameters, *condition.points)
        rows.append(values / len(values) ** 0.5)
    return torch.cat(rows)


def _axes(condition: Condition) -> tuple[int | None, ...]:
    """The same parameters for every point."""
    return (None, *(0 for _ in condition.points))
