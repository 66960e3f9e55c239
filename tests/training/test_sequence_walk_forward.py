"""The protocol: nothing of the future gets in, what is fitted when, and what baselines answer."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fourcast_models.sequence.codec import MEDIAN, units_at
from fourcast_models.sequence.forecasts import Forecasts, Places
from fourcast_models.sequence.model import Fitted, Model
from fourcast_models.sequence.scores import score
from fourcast_models.sequence.series import Series
from fourcast_training.loop import LoopConfig
from fourcast_training.sequence.backtests import BESIDE, model_of
from fourcast_training.sequence.baselines import BASELINES
from fourcast_training.sequence.generated import generate
from fourcast_training.sequence.leaks import LeakError, check_no_leak
from fourcast_training.sequence.learned import (
    ARCHITECTURES,
    LearnConfig,
    LearnedModel,
    fewest_days,
    split,
    windows_of,
)
from fourcast_training.sequence.learned import learn as train
from fourcast_training.sequence.net import ForecastNet
from fourcast_training.sequence.walk_forward import ProtocolConfig, walk_forward

SERIES = generate("garch", 500, seed=1)
SHORT = LoopConfig(epochs=2, batch_size=128, learning_rate=1e-2, device="cpu")


def learn(name: str, horizon: int = 3) -> LearnConfig:
    return LearnConfig(net=replace(ARCHITECTURES[name], horizon=horizon, hidden=4), loop=SHORT)


@pytest.mark.parametrize(
    ("refit", "fits"),
    [(0, [300]), (80, [300, 380, 460]), (1, list(range(300, 500)))],
)
def test_models_are_fitted_when_asked_and_to_the_past_alone(refit: int, fits: list[int]) -> None:
    seen: list[int] = []
    shown: list[int] = []

    def model(past: Series, _seed: int) -> Fitted:
        seen.append(len(past))
        fitted = BASELINES["naive"](2)(past, 0)

        def forecast(series: Series, origins: Places) -> Forecasts:
            shown.append(len(series) - 1 - int(origins[-1]))
            return fitted(series, origins)

        return forecast

    reports: list[tuple[int, int]] = []
    forecasts = walk_forward(
        model,
        SERIES,
        ProtocolConfig(days=200, refit=refit),
        0,
        report=lambda done, total: reports.append((done, total)),
    )
    assert seen == fits
    assert set(shown) == {0}
    assert forecasts.origins.tolist() == list(range(299, 499))
    assert reports[-1] == (200, 200)
    assert len(reports) == len(fits)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (ProtocolConfig(days=499), "500 days: 499 of them cannot be test days"),
        (ProtocolConfig(days=0), "0 of them cannot"),
        (ProtocolConfig(days=100, refit=-1), "refit is -1: it can be 0"),
    ],
)
def test_impossible_protocols_are_refused(config: ProtocolConfig, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        walk_forward(BASELINES["naive"](1), SERIES, config, 0)


TEST = ProtocolConfig(days=80, refit=50)


@pytest.mark.parametrize("name", [*BESIDE, "mlp", "lstm", "gru", "deep_lstm"])
def test_no_model_knows_the_future(name: str) -> None:
    config = learn("har" if name in BESIDE else name)
    check_no_leak(lambda _: model_of(name, config), SERIES, TEST, seed=0)


def test_a_scaler_of_all_the_data_is_caught() -> None:
    """The commonest leak of all: the unit of the returns fitted on the whole series."""

    def prepare(whole: Series) -> Model:
        unit = float(whole.log_returns.std())

        def model(past: Series, seed: int) -> Fitted:
            fitted = BASELINES["naive"](1)(past, seed)

            def forecast(series: Series, origins: Places) -> Forecasts:
                honest = fitted(series, origins)
                return replace(honest, volatility=np.full_like(honest.volatility, unit))

            return forecast

        return model

    with pytest.raises(LeakError, match=r"the volatility forecast on .* it knew of the future"):
        check_no_leak(prepare, SERIES, TEST, seed=0)


def test_a_shifted_target_is_caught() -> None:
    """Tomorrow's close in today's row, wherever the model is shown that much."""

    def model(past: Series, seed: int) -> Fitted:
        fitted = BASELINES["naive"](1)(past, seed)

        def forecast(series: Series, origins: Places) -> Forecasts:
            honest = fitted(series, origins)
            tomorrow = series.closes[np.minimum(origins + 1, len(series) - 1)]
            ratio = tomorrow / series.closes[origins]
            return honest.with_prices(honest.prices * ratio[:, None, None])

        return forecast

    with pytest.raises(LeakError, match="the prices forecast on"):
        check_no_leak(lambda _: model, SERIES, TEST, seed=0)


def test_training_on_the_test_days_is_caught() -> None:
    config = learn("mlp")

    def prepare(whole: Series) -> Model:
        return lambda _past, seed: LearnedModel(config)(whole, seed)

    with pytest.raises(LeakError):
        check_no_leak(prepare, SERIES, TEST, seed=0)


def test_windows_and_targets_are_neighbours() -> None:
    """The close after the window is what the first target leads to."""
    windows = windows_of(SERIES, learn("lstm").net)
    assert len(windows) == 500 - 31 + 1 - 3
    for row in (0, 17, len(windows) - 1):
        last = row + 30
        (unit,) = units_at(SERIES, np.array([last]))
        moves = np.log(SERIES.closes[row : last + 1] / SERIES.closes[last])
        seen = -np.cumsum(windows.returns[row].double().numpy()[::-1])[::-1] * unit
        assert seen == pytest.approx(moves[:-1], abs=1e-5)
        returns = np.cumsum(windows.future[row].double().numpy()) * unit
        reached = SERIES.closes[last] * np.exp(returns)
        assert reached == pytest.approx(SERIES.closes[last + 1 : last + 4], rel=1e-5)
        assert windows.weekday[row].tolist() == [SERIES.days[last].tolist().weekday()]


def test_validation_is_newer_than_every_target_of_training() -> None:
    config = learn("lstm", horizon=7)
    windows = windows_of(SERIES, config.net)
    training, validation = split(windows, config)
    last_target = len(training) - 1 + 30 + 7
    first_forecast_from = len(windows) - len(validation) + 30
    assert last_target < first_forecast_from
    assert len(validation) >= 50


@pytest.mark.parametrize("name", ["har", "mlp"])
def test_har_learns_from_the_newest_days_too(name: str, tmp_path: Path) -> None:
    config = learn(name)
    network, _ = train([SERIES], config, 0, tmp_path)
    everything = windows_of(SERIES, config.net)
    training, _ = split(everything, config)
    for windows, is_same in ((everything, True), (training, False)):
        other = ForecastNet(config.net)
        other.fit_har(windows.returns, windows.weekday, windows.future)
        assert bool((other.har == network.har).all()) == is_same
        assert bool((other.ratio == network.ratio).all()) == is_same


def test_a_series_too_short_to_train_on_says_so() -> None:
    config = learn("lstm")
    fewest = fewest_days(config.net)
    LearnedModel(config)(SERIES.until(fewest), 0)
    with pytest.raises(ValueError, match=f"has {fewest - 1} days, .* needs at least {fewest}"):
        LearnedModel(config)(SERIES.until(fewest - 1), 0)


def test_a_seed_gives_one_answer() -> None:
    config = learn("lstm")
    one, again, other = (
        walk_forward(LearnedModel(config), SERIES, TEST, seed).prices for seed in (1, 1, 2)
    )
    assert one.tolist() == again.tolist() != other.tolist()


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_fan_out(name: str) -> None:
    forecasts = walk_forward(BASELINES[name](10), SERIES, TEST, 0)
    assert forecasts.prices.shape == (80, 10, 7)
    assert (np.diff(forecasts.prices, axis=2) > 0).all()
    width = np.log(forecasts.prices[:, :, -1] / forecasts.prices[:, :, 0]).mean(axis=0)
    assert (np.diff(width) > 0).all()
    assert width[-1] / width[0] == pytest.approx(np.sqrt(10), rel=0.25)
    assert (forecasts.magnitude >= 0).all()
    assert (forecasts.magnitude < forecasts.volatility).all() or name in ("naive", "drift")


def test_baselines_are_what_they_are_called() -> None:
    last = SERIES.closes[419:499]
    naive, drift, garch = (
        walk_forward(BASELINES[name](2), SERIES, replace(TEST, refit=0), 0)
        for name in ("naive", "drift", "garch")
    )
    assert naive.medians[:, 1] == pytest.approx(last)
    assert garch.medians[:, 0] == pytest.approx(last)
    step = SERIES.until(420).log_returns.mean()
    assert np.log(drift.prices[:, 1, MEDIAN] / last) == pytest.approx(2 * step)
    assert naive.magnitude[:, 0] == pytest.approx(np.abs(SERIES.log_returns[418:498]))


def test_garch_sees_the_volatility_of_garch() -> None:
    """Its forecasts follow the recursion that made the series, day by day."""
    series = generate("garch", 3000, seed=8)
    protocol = ProtocolConfig(days=800, refit=0)
    garch = walk_forward(BASELINES["garch"](1), series, protocol, 0)
    naive = walk_forward(BASELINES["naive"](1), series, protocol, 0)
    found = score(garch, naive, series, 1)
    assert found.qlike < score(naive, naive, series, 1).qlike
    variance = garch.volatility[:, 0] ** 2
    squares = series.log_returns[garch.origins - 1] ** 2
    x = np.column_stack([np.ones(799), squares[1:], variance[:-1]])
    omega, alpha, beta = np.linalg.lstsq(x, variance[1:], rcond=None)[0]
    assert x @ [omega, alpha, beta] == pytest.approx(variance[1:], rel=1e-6)
    assert (alpha, beta) == pytest.approx((0.09, 0.89), abs=0.06)


def test_ets_follows_a_trend() -> None:
    days = np.arange(500)
    noise = 0.001 * np.random.default_rng(0).standard_normal(500)
    series = Series("trend", SERIES.days, 100 * np.exp(0.01 * days + noise))
    protocol = ProtocolConfig(days=100, refit=0)
    ets, naive = (
        walk_forward(BASELINES[name](5), series, protocol, 0) for name in ("ets", "naive")
    )
    assert score(ets, naive, series, 1).ratio < 0.3
    assert score(ets, naive, series, 5).ratio < 0.3
