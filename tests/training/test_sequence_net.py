"""The cells against the course's equations, and the exported graph: scale, order, parity."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch

from fourcast_models.sequence.codec import MEDIAN, QUANTILES
from fourcast_training.sequence.cells import Gru, Lstm
from fourcast_training.sequence.generated import generate
from fourcast_training.sequence.learned import ARCHITECTURES, inputs_at, windows_of
from fourcast_training.sequence.net import (
    ForecastNet,
    NetConfig,
    ServedNet,
    har_features,
    loss_of,
    scaled_returns,
)

Floats = npt.NDArray[np.float64]

STEPS, CHANNELS, HIDDEN, ROWS = 12, 3, 5, 4


def logistic(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


@pytest.fixture
def window() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(ROWS, STEPS, CHANNELS, dtype=torch.float64)


def test_lstm_has_the_equations_of_the_course(window: torch.Tensor) -> None:
    reader = Lstm(CHANNELS, HIDDEN, layers=1, dropout=0.0).double()
    weights = {name: tensor.detach().numpy() for name, tensor in reader.cells.named_parameters()}
    # torch keeps W_x and W_h apart, in the order i, f, C, o, and two biases that add up.
    joined = np.concatenate([weights["weight_hh_l0"], weights["weight_ih_l0"]], axis=1)
    bias = weights["bias_hh_l0"] + weights["bias_ih_l0"]
    w_i, w_f, w_c, w_o = np.split(joined, 4)
    b_i, b_f, b_c, b_o = np.split(bias, 4)
    h = c = np.zeros((ROWS, HIDDEN))
    for x in window.numpy().transpose(1, 0, 2):
        hx = np.concatenate([h, x], axis=1)
        f = logistic(hx @ w_f.T + b_f)
        i = logistic(hx @ w_i.T + b_i)
        candidate = np.tanh(hx @ w_c.T + b_c)
        c = f * c + i * candidate
        o = logistic(hx @ w_o.T + b_o)
        h = o * np.tanh(c)
    assert reader(window).detach().numpy() == pytest.approx(h, abs=1e-12)


def gru_of_the_course(reader: Gru, window: torch.Tensor) -> Floats:
    """h_t = (1 - z) h_{t-1} + z tanh(W_h [r h_{t-1}, x] + b_h)."""
    w_z, w_r = np.split(reader.cell.gates.weight.detach().numpy(), 2)
    b_z, b_r = np.split(reader.cell.gates.bias.detach().numpy(), 2)
    w_h = reader.cell.candidate.weight.detach().numpy()
    b_h = reader.cell.candidate.bias.detach().numpy()
    h = np.zeros((ROWS, HIDDEN))
    for x in window.numpy().transpose(1, 0, 2):
        hx = np.concatenate([h, x], axis=1)
        z = logistic(hx @ w_z.T + b_z)
        r = logistic(hx @ w_r.T + b_r)
        candidate = np.tanh(np.concatenate([r * h, x], axis=1) @ w_h.T + b_h)
        h = (1 - z) * h + z * candidate
    return h


def test_gru_has_the_equations_of_the_course(window: torch.Tensor) -> None:
    reader = Gru(CHANNELS, HIDDEN).double()
    expected = gru_of_the_course(reader, window)
    assert reader(window).detach().numpy() == pytest.approx(expected, abs=1e-12)


def test_torchs_gru_is_another_one(window: torch.Tensor) -> None:
    """With the same weights: torch multiplies the reset gate in after the product."""
    reader = Gru(CHANNELS, HIDDEN).double()
    other = torch.nn.GRU(CHANNELS, HIDDEN, batch_first=True).double()
    z, r = reader.cell.gates.weight.detach().chunk(2)
    b_z, b_r = reader.cell.gates.bias.detach().chunk(2)
    candidate, b_h = reader.cell.candidate.weight.detach(), reader.cell.candidate.bias.detach()
    with torch.no_grad():
        # torch's update gate keeps the old state, so its sign is the other one.
        rows = torch.cat([r, -z, candidate])
        parameters = dict(other.named_parameters())
        parameters["weight_hh_l0"].copy_(rows[:, :HIDDEN])
        parameters["weight_ih_l0"].copy_(rows[:, HIDDEN:])
        parameters["bias_ih_l0"].copy_(torch.cat([b_r, -b_z, b_h]))
        parameters["bias_hh_l0"].zero_()
        first = other(window[:, :1])[0][:, -1]
        last = other(window)[0][:, -1]
    assert first.numpy() == pytest.approx(reader(window[:, :1]).detach().numpy(), abs=1e-12)
    assert np.abs(last.numpy() - gru_of_the_course(reader, window)).max() > 1e-3


def network_of(name: str, horizon: int = 5, *, shaken: float = 0.3) -> ForecastNet:
    """A calibrated network, its head away from zero so that it has something to say."""
    torch.manual_seed(0)
    network = ForecastNet(replace(ARCHITECTURES[name], horizon=horizon))
    windows = windows_of(generate("garch", 900, seed=2), network.config)
    network.calibrate(windows.returns, windows.weekday, windows.future)
    if network.head is not None:
        torch.nn.init.normal_(network.head.weight, std=shaken)
    return network.eval()


NETWORKS = list(ARCHITECTURES)


def served(network: ForecastNet) -> ServedNet:
    return ServedNet(network, np.datetime64("2020-01-02")).eval()


def inputs(scale: float = 1.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    series = generate("garch", 200, seed=9)
    close, weekday, unit = inputs_at(series, np.arange(100, 140), NetConfig())
    return close * scale, weekday, unit


@pytest.mark.parametrize("name", NETWORKS)
def test_quantiles_rise_and_shapes_are_the_codecs(name: str) -> None:
    with torch.inference_mode():
        prices, volatility, magnitude, magnitudes, until = served(network_of(name))(*inputs())
    assert until.tolist() == [[18263]] * 40
    assert prices.shape == magnitudes.shape == (40, 5, len(QUANTILES))
    assert volatility.shape == magnitude.shape == (40, 5)
    assert {t.dtype for t in (prices, volatility, magnitude, magnitudes)} == {torch.float64}
    assert (prices.diff(dim=2) > 0).all()
    assert (magnitudes.diff(dim=2) > 0).all()
    assert (magnitudes[:, :, 0] >= 0).all()
    assert (volatility > 0).all()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e3, 1e12])
def test_the_unit_of_the_price_changes_nothing(name: str, scale: float) -> None:
    network = served(network_of(name))
    with torch.inference_mode():
        prices, *others = network(*inputs())
        scaled, *same = network(*inputs(scale))
    assert (scaled / scale).numpy() == pytest.approx(prices.numpy(), rel=1e-6)
    for one, other in zip(others, same, strict=True):
        assert other.numpy() == pytest.approx(one.numpy(), rel=1e-5)


def test_small_moves_of_a_huge_price_are_not_lost() -> None:
    """Moves of a millionth: in float32 two closes of 60000 would often be one number."""
    moves = 1e-6 * np.random.default_rng(3).standard_normal(30)
    close = 60_000 * np.exp(np.concatenate([[0.0], np.cumsum(moves)]))[None]
    unit = torch.tensor([[1e-6]], dtype=torch.float64)
    returns = scaled_returns(torch.from_numpy(close), unit).numpy()
    assert returns[0] == pytest.approx(moves / 1e-6, abs=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_calm_series_is_a_wild_one_made_small(name: str) -> None:
    close, weekday, unit = inputs()
    calm = torch.exp(close.log() / 50)
    with torch.inference_mode():
        prices, *others = served(network_of(name))(close, weekday, unit)
        small, *same = served(network_of(name))(calm, weekday, unit / 50)
    assert (small.log() * 50).numpy() == pytest.approx(prices.log().numpy(), abs=1e-3)
    for one, other in zip(others[:-1], same[:-1], strict=True):
        assert (other * 50).numpy() == pytest.approx(one.numpy(), rel=1e-3)


def test_an_unknown_weekday_is_equally_each_of_them() -> None:
    network = network_of("har")
    returns = scaled_returns(inputs()[0], inputs()[2])
    each = [har_features(returns, torch.full((40, 1), day)) @ network.har for day in range(7)]
    unknown = har_features(returns, torch.full((40, 1), 7)) @ network.har
    assert unknown.numpy() == pytest.approx(torch.stack(each).mean(dim=0).numpy(), abs=1e-5)


def test_intervals_widen_with_the_days() -> None:
    with torch.inference_mode():
        prices, *_ = served(network_of("har", horizon=30))(*inputs())
    width = (prices[:, :, -1] - prices[:, :, 0]).mean(dim=0)
    assert width[-1] > 3 * width[0]
    assert (width[1:] / width[:-1]).min() > 0.9


def test_har_is_least_squares_on_its_features() -> None:
    network = network_of("har", horizon=2)
    windows = windows_of(generate("garch", 900, seed=2), network.config)
    returns = windows.returns.double().numpy()
    sizes = np.abs(returns)
    features = np.column_stack(
        [
            sizes[:, -1],
            sizes[:, -7:].mean(axis=1),
            sizes[:, -30:].mean(axis=1),
            np.maximum(-returns[:, -1], 0),
            *(windows.weekday.numpy()[:, 0] == day for day in range(7)),
        ]
    )
    scaled = windows.returns
    assert har_features(scaled, windows.weekday).numpy() == pytest.approx(features, abs=1e-4)
    targets = np.abs(windows.future.double().numpy())
    expected = features @ np.linalg.lstsq(features, targets, rcond=None)[0]
    actual = network.base_magnitude(scaled, windows.weekday).numpy()
    assert actual == pytest.approx(np.maximum(expected, network.least.item()), abs=1e-3)


@pytest.mark.parametrize("name", NETWORKS[1:])
def test_a_network_begins_as_har_around_the_last_price(name: str) -> None:
    plain = network_of("har")
    with torch.inference_mode():
        expected = served(plain)(*inputs())
        actual = served(network_of(name, shaken=0.0))(*inputs())
    for one, other in zip(expected, actual, strict=True):
        assert other.numpy() == pytest.approx(one.numpy(), rel=1e-6)
    assert actual[0][:, :, MEDIAN].numpy() == pytest.approx(
        inputs()[0][:, -1:].expand(-1, 5).numpy(), rel=1e-12
    )


def test_calibrated_quantiles_hold_what_they_say_in_training() -> None:
    network = network_of("har", horizon=1)
    windows = windows_of(generate("garch", 900, seed=2), network.config)
    with torch.inference_mode():
        outlook = network(windows.returns, windows.weekday)
    fan = outlook.returns[:, 0]
    inside = (fan[:, 1:2] <= windows.future) & (windows.future <= fan[:, -2:-1])
    assert inside.double().mean().item() == pytest.approx(0.8, abs=0.03)
    middle = outlook.magnitudes[:, 0, MEDIAN : MEDIAN + 1]
    below = (windows.future.abs() <= middle).double().mean()
    assert below.item() == pytest.approx(0.5, abs=0.03)


def test_the_penalty_is_of_the_reader_alone() -> None:
    network = network_of("lstm_regularized")
    assert network.reader is not None
    config = network.config
    weights = torch.cat([weight.flatten() for weight in network.reader.parameters()])
    expected = config.l1 * weights.abs().sum() + config.l2 * weights.square().sum()
    assert network.penalty().item() == pytest.approx(expected.item(), rel=1e-4)
    assert network_of("lstm").penalty().item() == 0.0


def test_the_loss_is_smallest_at_the_truth() -> None:
    """Of forecasts that are right, too narrow, and too wide."""
    network = network_of("har", horizon=1)
    windows = windows_of(generate("garch", 900, seed=2), network.config)
    targets = windows.future
    with torch.inference_mode():
        outlook = network(windows.returns, windows.weekday)
        losses = [
            loss_of(
                replace(
                    outlook,
                    returns=outlook.returns * factor,
                    volatility=outlook.volatility * factor,
                    magnitude=outlook.magnitude * factor,
                    magnitudes=outlook.magnitudes * factor,
                ),
                targets,
            ).item()
            for factor in (1.0, 0.5, 2.0)
        ]
    assert losses[0] < min(losses[1:])
