"""Muon: its directions are orthogonal, its steps follow the published rule, and it learns."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from fourcast_training.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(8, 72), (72, 8), (16, 144)])
def test_singular_values_become_about_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    # Of a hundred to one, as of gradients.
    scaled = matrix * torch.logspace(0, -2, shape[1])
    values = torch.linalg.svdvals(orthogonal(scaled))
    assert values.min() > 0.6
    assert values.max() < 1.25


def test_the_directions_are_those_of_the_nearest_orthogonal_matrix() -> None:
    matrix = torch.randn(8, 40, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    cosine = functional.cosine_similarity(
        orthogonal(matrix).flatten(), (left @ right).flatten(), dim=0
    )
    assert cosine > 0.97


def test_the_first_step_is_the_published_one() -> None:
    kernel = nn.Parameter(torch.ones(4, 2, 3, 3))
    gradient = torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(2))
    kernel.grad = gradient
    Muon([kernel], lr=0.1, weight_decay=0.5).step()
    direction = orthogonal(gradient.flatten(1)).view_as(kernel)
    # Decay first; then 0.2 times the square root of the longer side, 18.
    expected = 1 - 0.1 * 0.5 - 0.1 * 0.2 * 18**0.5 * direction
    assert torch.allclose(kernel, expected, atol=1e-5)


def test_weights_without_a_gradient_stay() -> None:
    kernel = nn.Parameter(torch.ones(4, 4))
    Muon([kernel], lr=0.1, weight_decay=0.5).step()
    assert torch.equal(kernel, torch.ones(4, 4))


def test_it_finds_a_convolution() -> None:
    generator = torch.Generator().manual_seed(3)
    wanted = torch.randn(6, 3, 3, 3, generator=generator)
    kernel = nn.Parameter(torch.zeros(6, 3, 3, 3))
    optimizer = Muon([kernel], lr=0.05)
    losses = []
    for step in range(300):
        for group in optimizer.param_groups:
            group["lr"] = 0.05 * (1 - step / 300)
        x = torch.randn(16, 3, 8, 8, generator=generator)
        loss = (functional.conv2d(x, kernel) - functional.conv2d(x, wanted)).square().mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.001 * losses[0]
