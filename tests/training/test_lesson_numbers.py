"""The worked numbers of the course, to the digits that it or the source that it names prints."""

import numpy as np
import pytest

from fourcast_training.lessons import (
    backpropagation,
    batches,
    computation_graph,
    gradient_descent,
    losses,
    momentum,
)


def test_descent_on_the_wave() -> None:
    path = gradient_descent.descend(gradient_descent.wave_slope, np.array(-1.0), 0.05, 20)
    assert [f"{x:.6f}" for x in path[:3]] == ["-1.000000", "-0.726087", "-0.402500"]
    heights = [f"{gradient_descent.wave(x):.6f}" for x in path[:3]]
    assert heights == ["6.080605", "4.418893", "2.310617"]
    assert f"{gradient_descent.wave_slope(path[0]):.3f}" == "-5.478"
    assert f"{gradient_descent.wave_slope(path[1]):.6f}" == "-6.471738"
    lowest = gradient_descent.minimum_near(gradient_descent.wave_slope, 3.5)
    assert f"{lowest:.6f}" == "3.782980"
    gaps = [abs(x - lowest) for x in path[15:]]
    assert gaps == sorted(gaps, reverse=True)  # towards the minimum, from side to side


def test_every_start_on_x_cos_x_ends_in_its_own_valley() -> None:
    ends = [
        gradient_descent.minimum_near(gradient_descent.valleys_slope, start)
        for start in gradient_descent.MANY_STARTS
    ]
    assert [f"{end:.6f}" for end in ends] == [
        "-6.437298",
        "-0.860334",
        *("3.425618",) * 3,
    ]
    for end in ends:
        around = np.array([end - 0.01, end, end + 0.01])
        assert gradient_descent.valleys(around).argmin() == 1


def test_descent_on_the_bowl_has_no_end() -> None:
    path = gradient_descent.descend(
        gradient_descent.bowl_gradient, np.array([-10.0, 10.0]), 0.1, 500
    )
    values = [float(gradient_descent.bowl(point)) for point in path]
    assert [f"{value:.6g}" for value in values[:4]] == ["130", "93.1", "69.16", "53.5144"]
    assert values == sorted(values, reverse=True)
    assert values[-1] < -400


def test_the_slides_momentum_ends_at_2_and_momentum_at_3() -> None:
    ends = {rule: (ours[-1].item(), theirs[-1].item()) for rule, (ours, theirs) in _paths()}
    assert ends["αx - η∇f"] == pytest.approx((2, 2), abs=1e-12)
    assert ends["w(1 - r) - r∇f"] == pytest.approx((2, 2), abs=1e-12)
    assert ends["v ← αv - η∇f, x + v"] == pytest.approx((3, 3), abs=1e-9)
    assert ends["Adam"] == pytest.approx((3, 3), abs=1e-6)


def test_each_rule_walks_as_torch_does() -> None:
    for rule, (ours, theirs) in _paths():
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12, err_msg=rule)


def _paths() -> list[tuple[str, tuple[momentum.Path, momentum.Path]]]:
    return list(momentum.paths().items())


def test_momentum_is_faster_through_the_ravine() -> None:
    counts = {rule: momentum.steps_needed(path) for rule, path in momentum.ravine_paths().items()}
    assert counts["α = 0.8"] < counts["Adam"] < counts["α = 0"] < 1000


def test_the_2_2_2_network() -> None:
    start = backpropagation.START
    h, o = backpropagation.forward(start)
    assert [f"{value:.9f}" for value in (*h, *o)] == [
        *("0.593269992", "0.596884378"),
        *("0.751365070", "0.772928465"),
    ]
    assert f"{backpropagation.error(start):.9f}" == "0.298371109"
    assert f"{backpropagation.gradient(start).w2[0, 0]:.8f}" == "0.08216704"
    first = backpropagation.step(start)
    assert [f"{w:.8f}" for w in first.w2.ravel()] == [
        *("0.35891648", "0.40866619"),
        *("0.51130127", "0.56137012"),
    ]
    assert [f"{w:.8f}" for w in first.w1.ravel()] == [
        *("0.14978072", "0.19956143"),
        *("0.24975114", "0.29950229"),
    ]
    assert f"{backpropagation.error(first):.8f}" == "0.29102777"
    assert f"{backpropagation.error(backpropagation.step_too_late(start)):.8f}" == "0.29102792"
    _, errors = backpropagation.training()
    assert len(errors) == 10_001
    assert f"{errors[-1]:.6e}" == "3.510188e-05"


def test_the_2_2_2_network_in_torch() -> None:
    twin = backpropagation.train_in_torch(2)
    ours = backpropagation.gradient(backpropagation.START)
    for part in ("w1", "w2"):
        np.testing.assert_allclose(
            getattr(ours, part), getattr(twin.gradient, part), rtol=0, atol=1e-15
        )
    _, errors = backpropagation.train(backpropagation.START, 2)
    assert twin.last_error == pytest.approx(errors[-1], abs=1e-15)


def test_the_computation_graph() -> None:
    nodes = computation_graph.example(6.0, 2.0)
    assert [nodes[w].value for w in ("w2", "w3", "w4")] == [8, 64, 70]
    assert [nodes[w].derivative for w in ("w0", "w1")] == [9, -24]


@pytest.mark.parametrize("point", [(1.0, 1.0), (-3.0, 0.5), (2.5, -4.0)])
def test_the_computation_graph_elsewhere(point: tuple[float, float]) -> None:
    nodes, twins = computation_graph.example(*point), computation_graph.example_in_torch(*point)
    for name, node in nodes.items():
        assert (node.value, node.derivative) == pytest.approx(twins[name])


def test_a_node_used_twice_adds_up_what_it_is_handed() -> None:
    x = computation_graph.Node(3.0)
    square = x**2
    total = square + square + x
    total.backward()
    assert (total.value, x.derivative) == (21, 13)


def test_the_losses() -> None:
    assert losses.mean_squared_error(losses.REAL, losses.PREDICTED) == 23_750
    assert losses.mean_absolute_error(losses.REAL, losses.PREDICTED) == 150
    assert f"{losses.cross_entropy(losses.LABEL, losses.PROBABILITIES):.6f}" == "0.733969"


def test_the_slides_gradient_of_the_linear_network_is_n_halves_too_long() -> None:
    x, t, w = losses.linear_example()
    right = losses.linear_gradient(x, t, w)
    np.testing.assert_allclose(losses.slide_linear_gradient(x, t, w), len(x) / 2 * right)
    np.testing.assert_allclose(right, losses.torch_linear_gradient())


@pytest.mark.parametrize(("size", "steps"), [(2000, 1), (1000, 2), (500, 4), (32, 63), (1999, 2)])
def test_steps_in_an_epoch(size: int, steps: int) -> None:
    assert batches.steps_in_epoch(2000, size) == steps == batches.steps_in_torch(2000, size)


def test_small_batches_are_early_and_large_ones_close() -> None:
    small, large = batches.fit(32), batches.fit(2000)
    assert small[batches.steps_in_epoch(2000, 32)] < large[1] / 10
    assert large[-1] < small[-1] / 10
