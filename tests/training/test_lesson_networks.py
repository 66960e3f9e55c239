"""What the lessons show of networks: what they learn, what reaches their first layers."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from fourcast_training.lessons import (
    activations,
    approximation,
    dropout,
    perceptron,
    recurrence,
    vanishing_gradients,
)
from fourcast_training.lessons.activations import ZOO


@pytest.mark.parametrize("gate", ["AND", "OR"])
def test_the_perceptron_learns_and_and_or(gate: str) -> None:
    learnt = perceptron.learn(perceptron.GATES[gate])
    assert learnt.mistakes[-1] == 0
    assert (learnt.answer(perceptron.INPUTS) == perceptron.GATES[gate]).all()


def test_the_perceptron_never_learns_xor() -> None:
    learnt = perceptron.learn(perceptron.GATES["XOR"])
    assert len(learnt.mistakes) == perceptron.EPOCHS
    assert min(learnt.mistakes) > 0


def test_a_hidden_layer_learns_xor_as_in_torch() -> None:
    net, found = perceptron.learn_xor()
    assert perceptron.xor_right(net) == 4
    assert found[-1] < 0.01
    np.testing.assert_allclose(found, perceptron.learn_xor_in_torch(), rtol=0, atol=1e-12)


def test_the_zoo_is_complete() -> None:
    assert set(ZOO) == {
        *("step", "sign", "linear", "piecewise linear", "sigmoid", "tanh", "ReLU"),
        *("leaky ReLU", "PReLU", "ELU", "SELU", "GELU", "swish", "softplus"),
    }


@pytest.mark.parametrize("name", ZOO)
def test_each_activation_and_derivative_is_torchs(name: str) -> None:
    assert activations.differences(ZOO[name]) == pytest.approx((0, 0), abs=5e-15)


@pytest.mark.parametrize("name", ZOO)
def test_each_derivative_is_a_slope(name: str) -> None:
    z = np.array([-3.3, -1.1, -0.4, 0.3, 0.7, 2.9])
    slope = (ZOO[name].function(z + 1e-6) - ZOO[name].function(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(ZOO[name].derivative(z), slope, atol=1e-8)


@pytest.mark.parametrize("name", ZOO)
def test_no_activation_overflows(name: str) -> None:
    z = np.array([-1000.0, 1000.0])
    with np.errstate(all="raise", under="ignore"):
        assert np.isfinite(ZOO[name].function(z)).all()
        assert np.isfinite(ZOO[name].derivative(z)).all()


def test_softmax() -> None:
    assert activations.softmax_differences() == pytest.approx((0, 0), abs=1e-15)
    assert activations.softmax(np.array([1000.0, 0.0])).tolist() == [1.0, 0.0]


def test_what_the_slides_say_of_values_at_zero() -> None:
    at_zero = {name: float(ZOO[name].function(np.array(0.0))) for name in ZOO}
    assert (at_zero["step"], at_zero["sign"], at_zero["piecewise linear"]) == (0.5, 0, 0.5)
    assert at_zero["softplus"] == pytest.approx(np.log(2))
    assert activations.shifted_sigmoid_centre() == pytest.approx(3)


def test_the_error_falls_with_the_width() -> None:
    errors = approximation.errors()
    first = approximation.WIDTHS.index(8)
    for narrow, wider in pairwise(errors["staircase"][first:]):
        assert narrow / wider == pytest.approx(2, rel=0.2)
    assert errors["sigmoid"][-1] < 1e-6
    assert errors["square"][-1] == pytest.approx(errors["square"][3], rel=0.05)


def test_dropout_keeps_the_mean_and_leaves_out_its_share() -> None:
    rng = np.random.default_rng(0)
    for p in (0.0, 0.2, 0.5):
        m = dropout.mask(rng, p, (1000, 1000))
        assert np.mean(m == 0) == pytest.approx(p, abs=0.002)
        assert m.mean() == pytest.approx(1, abs=0.005)


def test_dropout_gradients_are_torchs() -> None:
    rng = np.random.default_rng(1)
    x, t = dropout.sine(dropout.TRAINING, 1)
    net, m = dropout.initial_net(1), dropout.mask(rng, 0.5, (dropout.TRAINING, dropout.HIDDEN))
    ours, theirs = dropout.gradient(net, x, t, m), dropout.gradient_in_torch(net, x, t, m)
    for part in ("w1", "b1", "w2", "b2"):
        np.testing.assert_allclose(getattr(ours, part), getattr(theirs, part), rtol=1e-10)


def test_little_dropout_overfits_and_much_underfits() -> None:
    on_points, from_sine = zip(*(dropout.errors(p) for p in dropout.SHARES), strict=True)
    assert list(on_points) == sorted(on_points)
    assert int(np.argmin(from_sine)) == dropout.SHARES.index(0.2)


@pytest.mark.parametrize("kind", vanishing_gradients.KINDS, ids=lambda kind: kind.name.en)
def test_gradients_of_deep_networks_are_torchs(kind: vanishing_gradients.Kind) -> None:
    example = vanishing_gradients.network(kind, 16, 0)
    ours = vanishing_gradients.gradients(kind, *example)
    theirs = vanishing_gradients.gradients_in_torch(kind, *example)
    assert len(ours) == len(theirs) == 16
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * np.abs(b).max())


def test_what_vanishes_and_what_does_not() -> None:
    reached = {
        kind.name.en: vanishing_gradients.first_layer(kind, 32)
        for kind in vanishing_gradients.KINDS
    }
    assert reached["sigmoid, 1/n"] < 1e-15
    assert reached["ReLU, 1/n"] == pytest.approx(2**-15.5, rel=3)  # √2 in each of 31 layers
    assert 0.1 < reached["ReLU, 2/n"] < 10
    assert 0.01 < reached["tanh, 1/n"] < reached["linear, 1/n"] < 2


PARTS = ("w_hx", "w_hh", "b_h", "w_hy", "b_y")


@pytest.mark.parametrize("radius", recurrence.RADII)
def test_back_propagation_through_time_is_torchs(radius: float) -> None:
    example = recurrence.example(radius, seed=3)
    ours, theirs = recurrence.gradient(*example), recurrence.gradient_in_torch(*example)
    for part in PARTS:
        np.testing.assert_allclose(getattr(ours, part), getattr(theirs, part), rtol=0, atol=1e-12)


def test_back_propagation_through_time_is_the_slope_of_the_loss() -> None:
    rnn, x, target = recurrence.example(0.9)
    for part in PARTS:
        slopes, values = getattr(recurrence.gradient(rnn, x, target), part), getattr(rnn, part)
        for place in np.ndindex(values.shape):
            kept = values[place]
            values[place] = kept + 1e-6
            ahead = recurrence.loss(rnn, x, target)
            values[place] = kept - 1e-6
            behind = recurrence.loss(rnn, x, target)
            values[place] = kept
            assert slopes[place] == pytest.approx((ahead - behind) / 2e-6, abs=1e-7)


def test_the_slide_drops_what_comes_through_earlier_states() -> None:
    rnn, x, target = recurrence.example(0.9)
    whole, slide = recurrence.gradient(rnn, x, target), recurrence.slide_gradient(rnn, x, target)
    assert np.linalg.norm(whole.w_hx - slide.w_hx) > 0.3 * np.linalg.norm(whole.w_hx)
    np.testing.assert_array_equal(whole.w_hy, slide.w_hy)
    # With a single time there is no earlier state, and the slide is right.
    single, slides_single = (
        f(rnn, x[:1], target[:1]) for f in (recurrence.gradient, recurrence.slide_gradient)
    )
    for part in PARTS:
        np.testing.assert_array_equal(getattr(single, part), getattr(slides_single, part))


def test_memory_is_that_of_autograd() -> None:
    rnn, x, _ = recurrence.example(0.9, times=6)
    w_hx, w_hh, b_h = (torch.from_numpy(w) for w in (rnn.w_hx, rnn.w_hh, rnn.b_h))
    h, _ = recurrence.forward(rnn, x)

    def last(state: torch.Tensor) -> torch.Tensor:
        for t in range(3, 6):
            state = torch.tanh(w_hx @ torch.from_numpy(x[t]) + w_hh @ state + b_h)
        return state

    jacobian = torch.func.jacrev(last)(torch.from_numpy(h[3]))
    norm = torch.linalg.matrix_norm(jacobian, 2).item()
    assert recurrence.reach(rnn, x, 3)[3] == pytest.approx(norm)
