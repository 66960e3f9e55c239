"""The oil wells' network: gradients by hand beside torch's, and the four ways to its parameters."""

import numpy as np
import pytest
import torch

from fourcast_training.oil import backpropagation as by_hand
from fourcast_training.oil.backpropagation import PARAMETERS, Floats, cost, layers, outputs
from fourcast_training.oil.data import POINTS, TARGETS
from fourcast_training.oil.descent import (
    Sampling,
    descend,
    fit_least_squares,
    initial_parameters,
)
from fourcast_training.oil.net import OilNet
from fourcast_training.oil.report import measure, measure_seeds


def gradient_in_torch(p: Floats, x: Floats, y: Floats) -> Floats:
    network = OilNet(p)
    (found,) = network(torch.from_numpy(x))
    loss = 0.5 * ((found - torch.from_numpy(y)) ** 2).sum()
    parts = torch.autograd.grad(loss, list(network.parameters()))
    weights, biases = parts[0::2], parts[1::2]  # torch: W2, b2, W3, b3, W4, b4
    return np.concatenate([part.numpy().ravel() for part in (*weights, *biases)])


@pytest.mark.parametrize("seed", range(20))
def test_the_gradient_by_hand_is_that_of_autograd(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.normal(scale=rng.choice([0.5, 2.0, 10.0]), size=PARAMETERS)
    for x, y in zip(POINTS, TARGETS, strict=True):
        twin = gradient_in_torch(p, x, y)
        np.testing.assert_allclose(by_hand.gradient(p, x, y), twin, rtol=0, atol=1e-14)


def test_compiled_and_plain_numpy_agree() -> None:
    p, x, y = initial_parameters(3), POINTS[4], TARGETS[4]
    plain = by_hand.gradient.py_func(p, x, y)
    np.testing.assert_allclose(by_hand.gradient(p, x, y), plain, rtol=0, atol=1e-15)
    np.testing.assert_allclose(outputs(p, POINTS), outputs.py_func(p, POINTS), rtol=0, atol=1e-15)


def test_the_gradient_is_the_slope_of_the_cost() -> None:
    p = initial_parameters(5)
    mean = np.mean(
        [by_hand.gradient(p, x, y) for x, y in zip(POINTS, TARGETS, strict=True)], axis=0
    )
    for i in range(PARAMETERS):
        ahead, behind = p.copy(), p.copy()
        ahead[i] += 1e-6
        behind[i] -= 1e-6
        slope = (cost(ahead, POINTS, TARGETS) - cost(behind, POINTS, TARGETS)) / 2e-6
        assert mean[i] == pytest.approx(slope, abs=1e-9)


def test_the_layers_use_each_of_the_23_parameters_once() -> None:
    parts = layers(np.arange(float(PARAMETERS)))
    assert [part.shape for part in parts] == [(2, 2), (3, 2), (2, 3), (2,), (3,), (2,)]
    assert sorted(np.concatenate([part.ravel() for part in parts])) == list(range(PARAMETERS))


def test_torch_and_numpy_answer_alike() -> None:
    p = initial_parameters(1)
    (found,) = OilNet(p)(torch.from_numpy(POINTS))
    np.testing.assert_allclose(found.detach().numpy(), outputs(p, POINTS), rtol=0, atol=1e-15)


def test_a_batch_of_all_points_is_a_step_of_gradient_descent() -> None:
    walked = descend(POINTS, TARGETS, "mini_batch", seed=2, steps=1, batch=10, rate=0.3).parameters
    p = initial_parameters(2)
    mean = np.mean(
        [by_hand.gradient(p, x, y) for x, y in zip(POINTS, TARGETS, strict=True)], axis=0
    )
    np.testing.assert_allclose(walked, p - 0.3 * mean, rtol=0, atol=1e-15)


def test_shuffled_steps_see_each_point_once_an_epoch() -> None:
    walked = descend(POINTS, TARGETS, "shuffled", seed=4, steps=10, rate=1e-9).parameters
    p = initial_parameters(4)
    # Steps so short that their order does not matter, only which points they saw.
    total = np.sum(
        [by_hand.gradient(p, x, y) for x, y in zip(POINTS, TARGETS, strict=True)], axis=0
    )
    np.testing.assert_allclose((p - walked) / 1e-9, total, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("sampling", ["replacement", "shuffled"])
def test_a_million_steps_reach_the_known_cost(sampling: Sampling) -> None:
    found = descend(POINTS, TARGETS, sampling, seed=0)
    assert len(found.costs) == 1000
    assert 3e-5 < found.costs[-1] < 5e-5
    assert measure(outputs(found.parameters, POINTS)).right == 10


def test_least_squares_is_right_from_every_seed() -> None:
    right = [
        measure(outputs(fit_least_squares(POINTS, TARGETS, seed=seed), POINTS)).right
        for seed in range(40)
    ]
    assert right == [10] * 40


def test_left_out_points_are_left_out() -> None:
    seeds = measure_seeds(2)
    assert seeds.perfect == 2
    assert seeds.fits.shape == (2, PARAMETERS)
    assert 0 < seeds.left_out_right < 1  # ten points cannot tell of all others


def test_measure_counts_what_is_wrong() -> None:
    assert measure(TARGETS).right == 10
    assert measure(TARGETS).cost == 0
    assert measure(1 - TARGETS).right == 0
    assert measure(1 - TARGETS).cost == 1
