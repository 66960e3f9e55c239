"""The advection equation: the problem, both networks, the inverse problem and classical schemes."""

import numpy as np
import pytest
import torch

from fourcast_training.advection.classical import fourier, lax_wendroff
from fourcast_training.advection.features import draw_features, solve
from fourcast_training.advection.inverse import find_speed, measure_solution
from fourcast_training.advection.levenberg_marquardt import Condition, minimise
from fourcast_training.advection.net import SineNet
from fourcast_training.advection.problem import draw_points, exact, grid, relative_error, start
from fourcast_training.advection.trained import conditions, train_network


def test_the_exact_solution_solves_the_problem() -> None:
    t, x = np.random.default_rng(0).random((2, 200))
    step = 1e-5
    slope_t = (exact(t + step, x, 3.0) - exact(t - step, x, 3.0)) / (2 * step)
    slope_x = (exact(t, x + step, 3.0) - exact(t, x - step, 3.0)) / (2 * step)
    np.testing.assert_allclose(slope_t + 3 * slope_x, 0, atol=1e-7)
    np.testing.assert_allclose(exact(t, 0 * x), exact(t, 0 * x + 1), atol=1e-14)
    np.testing.assert_allclose(exact(0 * t, x), start(x), atol=1e-14)


def test_the_error_is_relative() -> None:
    truth = exact(*grid())
    assert relative_error(truth) == 0
    assert relative_error(0 * truth) == 1
    assert relative_error(1.25 * truth) == pytest.approx(0.25)


def test_points_are_those_of_the_course_and_of_their_seed() -> None:
    points = draw_points(4)
    assert (len(points.initial), len(points.boundary), len(points.inner_t)) == (500, 500, 10_000)
    assert points.sha256 == draw_points(4).sha256 != draw_points(5).sha256


def test_slopes_of_features_are_their_derivatives() -> None:
    features = draw_features(30, seed=2)
    t, x = np.random.default_rng(1).random((2, 40))
    step = 1e-5
    ahead = features.values(t + step, x + 2.5 * step)
    behind = features.values(t - step, x - 2.5 * step)
    slopes = (ahead - behind) / (2 * step)
    np.testing.assert_allclose(features.slopes(t, x, 2.5), slopes, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_least_squares_solves_it_to_rounding(seed: int) -> None:
    found = solve(draw_points(seed), seed=seed)
    assert relative_error(found.evaluate(*grid())) < 1e-11
    t, x = np.random.default_rng(9).random((2, 50))  # the network is the same function
    np.testing.assert_allclose(found.network().evaluate(t, x), found.evaluate(t, x), atol=1e-12)


@pytest.mark.parametrize(("speed", "bound"), [(31, 1e-9), (63, 1e-7)])
def test_windows_in_time_follow_a_fast_wave(speed: int, bound: float) -> None:
    found = solve(draw_points(0), seed=0, speed=speed, windows=speed)
    assert found.coefficients.shape == (speed, 300)
    assert relative_error(found.evaluate(*grid()), speed) < bound
    with pytest.raises(ValueError, match="too many values"):
        found.network()


def test_one_window_cannot_follow_a_fast_wave() -> None:
    found = solve(draw_points(0, inner=2000), seed=0, speed=31)
    assert relative_error(found.evaluate(*grid()), 31) > 0.1


@pytest.mark.parametrize(("speed", "seed"), [(1.0, 0), (0.4, 2)])
def test_the_speed_is_found_in_noise(speed: float, seed: int) -> None:
    data = measure_solution(seed=seed, speed=speed)
    assert find_speed(data, draw_points(seed), seed=seed) == pytest.approx(speed, rel=0.01)


def test_classical_schemes_converge() -> None:
    assert relative_error(fourier()) < 1e-13
    assert 1e-6 < relative_error(lax_wendroff()) < 1e-3
    assert relative_error(lax_wendroff(0.5), 0.5) < 1e-3
    with pytest.raises(ValueError, match="stable up to"):
        lax_wendroff(2.0)


def test_residuals_are_the_three_losses_of_the_course() -> None:
    network = SineNet((5, 4), seed=1)
    points = draw_points(0, initial=3, boundary=4, inner=6)
    p = torch.nn.utils.parameters_to_vector(network.parameters())
    equation, boundary, initial = conditions(network, points, speed=2.0)
    t, x = (tensor.clone().requires_grad_() for tensor in equation.points)
    (phi,) = network(t, x)
    slope_t, slope_x = torch.autograd.grad(phi.sum(), (t, x))  # two gradients, for comparison
    for i in range(6):
        found = equation.residual(p, *(tensor[i] for tensor in equation.points))
        assert found.item() == pytest.approx((slope_t + 2 * slope_x)[i].item(), abs=1e-13)
    zeros, ones = np.zeros(4), np.ones(4)
    ends = network.evaluate(points.boundary, zeros) - network.evaluate(points.boundary, ones)
    for i in range(4):
        assert boundary.residual(p, boundary.points[0][i]).item() == pytest.approx(ends[i])
    first = network.evaluate(np.zeros(3), points.initial) - start(points.initial)
    for i in range(3):
        found = initial.residual(p, *(tensor[i] for tensor in initial.points))
        assert found.item() == pytest.approx(first[i])


def test_levenberg_and_marquardt_find_a_known_minimum() -> None:
    x = torch.linspace(0, 2, 40, dtype=torch.float64)
    wanted = 1.5 * torch.exp(-0.7 * x)
    fit = Condition(lambda p, x, y: p[0] * torch.exp(p[1] * x) - y, (x, wanted))
    found = minimise([fit], torch.tensor([0.2, 0.1], dtype=torch.float64), steps=50)
    np.testing.assert_allclose(found.numpy(), [1.5, -0.7], atol=1e-9)


def test_a_trained_network_solves_it_on_few_points() -> None:
    points = draw_points(0, initial=60, boundary=40, inner=500)
    found = train_network(points, (16,), seed=0, steps=25)
    assert relative_error(found.evaluate(*grid())) < 1e-2
    again = train_network(points, (16,), seed=0, steps=1)
    assert relative_error(again.evaluate(*grid())) > 0.1
