"""The networks as models of a walk-forward test: windows of the past, training, forecasts.

Everything that is fitted here, the unit of the returns and the day of early stopping included, sees
the past alone: its last part validates, and as many days as the horizon lie between, so that no
target of training reaches into it.
"""

import json
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fourcast_models.sequence.codec import MEDIAN, SHORTEST_WINDOW
from fourcast_models.sequence.forecasts import Forecasts, Places
from fourcast_models.sequence.series import Series
from fourcast_models.sequence.significance import compare
from fourcast_training import loop
from fourcast_training.loop import Batch, LoopConfig, Progress
from fourcast_training.sequence.model import Fitted
from fourcast_training.sequence.net import ForecastNet, NetConfig, ServedNet, loss_of

_FEWEST_WINDOWS = 100
"""To train on."""


@dataclass(frozen=True)
class LearnConfig:
    """How a network is trained on a series."""

    net: NetConfig = field(default_factory=NetConfig)
    """The network."""

    validation: float = 0.15
    """Share of the past, its newest part, that chooses the epoch."""

    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(
            epochs=30, batch_size=64, learning_rate=3e-3, patience=8, device="cpu"
        )
    )
    """The training loop."""


@dataclass(frozen=True)
class Windows:
    """What a network reads and what came afterwards, one row for each origin.

    Attributes:
        close: Float64 [N, window].
        weekday: Int64 [N, 1].
        future: Log returns of the days that followed, float64 [N, H].
    """

    close: Tensor
    weekday: Tensor
    future: Tensor

    def __len__(self) -> int:
        """How many."""
        return len(self.close)

    def part(self, start: int, end: int) -> "Windows":
        """Some rows."""
        return Windows(self.close[start:end], self.weekday[start:end], self.future[start:end])


def inputs_at(series: Series, origins: Places, window: int) -> tuple[Tensor, Tensor]:
    """What a network reads at these origins: closes [N, window] and days of the week [N, 1]."""
    places = origins[:, None] + np.arange(1 - window, 1)
    close = torch.from_numpy(series.closes[places])
    return close, torch.from_numpy(series.weekdays[origins][:, None])


def windows_of(series: Series, config: NetConfig) -> Windows:
    """Every window of a series that the horizon leaves room for.

    Raises:
        ValueError: If the series is too short.
    """
    origins = np.arange(config.window - 1, len(series) - config.horizon)
    fewest = fewest_days(config)
    if len(series) < fewest:
        raise ValueError(
            f"{series.name} has {len(series)} days, but training with windows of {config.window} "
            f"and a horizon of {config.horizon} needs at least {fewest}"
        )
    close, weekday = inputs_at(series, origins, config.window)
    places = origins[:, None] + np.arange(config.horizon)
    return Windows(close, weekday, torch.from_numpy(series.log_returns[places]))


def fewest_days(config: NetConfig) -> int:
    """The shortest series that a network can be trained on."""
    return config.window + 2 * config.horizon + 2 * _FEWEST_WINDOWS


def split(windows: Windows, config: LearnConfig) -> tuple[Windows, Windows]:
    """What trains and, after a gap of the horizon, what validates."""
    newest = max(
        round(config.validation * len(windows)), _FEWEST_WINDOWS // 2, 2 * config.net.horizon
    )
    end = len(windows) - newest
    return windows.part(0, end - config.net.horizon), windows.part(end, len(windows))


def learn(
    past: Series, config: LearnConfig, seed: int, folder: Path
) -> tuple[ForecastNet, Progress]:
    """Train a network on a series; it starts from where a killed run in ``folder`` was.

    Raises:
        ValueError: If the series is too short.
    """
    training, validation = split(windows_of(past, config.net), config)
    torch.manual_seed(seed)
    network = ForecastNet(config.net)
    network.calibrate(training.close, training.weekday, training.future)
    unit = network.unit
    seen = network.scaled_returns(training.close)
    targets = (training.future / unit).float()
    checked = network.scaled_returns(validation.close)
    checked_targets = (validation.future / unit).float()
    size = config.loop.batch_size

    def batches(_: int, generator: np.random.Generator, size: int) -> Iterator[Batch]:
        order = torch.from_numpy(generator.permutation(len(training)))
        for chosen in torch.split(order, size):
            yield seen[chosen], training.weekday[chosen], targets[chosen]

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        assert isinstance(net, ForecastNet)
        returns, weekday, future = batch
        return loss_of(net.outlook(returns, weekday), future) + net.penalty()

    def validate(net: nn.Module) -> dict[str, float]:
        assert isinstance(net, ForecastNet)
        outlook = net.outlook(checked, validation.weekday)
        return {"validation_loss": loss_of(outlook, checked_targets).item()}

    def scored(net: nn.Module) -> dict[str, float]:
        metrics = validate(net)
        return metrics | {"gain": first - metrics["validation_loss"]}

    with torch.inference_mode():
        network.eval()
        first = validate(network)["validation_loss"]
    untrained = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    if network.reader is None:
        return network, Progress()
    progress = loop.fit(
        network,
        LoopConfig(**(asdict(config.loop) | {"seed": seed})),
        folder,
        identity=json.dumps({"data": past.sha256, "config": asdict(config), "seed": seed}),
        batches=batches,
        steps=-(-len(training) // size),
        loss=loss,
        validate=scored,
        score="gain",
    )
    if progress.best_score <= 0:
        # Nothing that it learnt held on the days kept aside: then it has nothing to say.
        network.load_state_dict(untrained)
    network.trust.copy_(trust_of(network, checked, validation.weekday, checked_targets))
    return network, progress


@torch.inference_mode()
def trust_of(network: ForecastNet, returns: Tensor, weekday: Tensor, future: Tensor) -> Tensor:
    """1 for each day ahead whose median is significantly better than the last price, 0 for others.

    Args:
        network: In evaluation mode.
        returns: Of consecutive windows that it was not trained on, in units, [N, window - 1].
        weekday: Int64 [N, 1].
        future: Log returns of the days that followed, in units, [N, H].
    """
    medians = network.outlook(returns, weekday).returns[:, :, MEDIAN].double().numpy()
    reached = torch.cumsum(future.double(), dim=1).numpy()
    trust = torch.zeros(medians.shape[1])
    for day in range(len(trust)):
        losses = np.abs(reached[:, day] - medians[:, day])
        if compare(losses, np.abs(reached[:, day]), day + 1).outcome == "better than":
            trust[day] = 1.0
    return trust


@dataclass(frozen=True)
class LearnedModel:
    """A network as a model; each fit starts from new weights."""

    config: LearnConfig

    def __call__(self, past: Series, seed: int, /) -> Fitted:
        """See `forecasts.Model`."""
        with tempfile.TemporaryDirectory(dir=_memory()) as folder, _quiet():
            network, _ = learn(past, self.config, seed, Path(folder))
        return forecaster_of(network)


def forecaster_of(network: ForecastNet) -> Fitted:
    """A trained network as what forecasts."""
    served = ServedNet(network).eval()

    def forecast(series: Series, origins: Places) -> Forecasts:
        if len(origins) and origins[0] < network.config.window - 1:
            raise ValueError(
                f"a forecast from day {origins[0] + 1} is asked for, but the network reads "
                f"{network.config.window} days"
            )
        with torch.inference_mode():
            inputs = inputs_at(series, origins, network.config.window)
            prices, volatility, magnitude, _ = (tensor.numpy() for tensor in served(*inputs))
        return Forecasts(origins, prices, volatility, magnitude)

    return forecast


ARCHITECTURES: dict[str, NetConfig] = {
    "har": NetConfig(cells="none", window=SHORTEST_WINDOW),
    "mlp": NetConfig(cells="mlp", hidden=32),
    "lstm": NetConfig(cells="lstm"),
    "gru": NetConfig(cells="gru"),
    "lstm_regularized": NetConfig(cells="lstm", hidden=32, dropout=0.3, l1=1e-5, l2=1e-4),
    "deep_lstm": NetConfig(cells="lstm", layers=3),
}
"""The networks by name, and HAR, which is what they correct."""


def _memory() -> str | None:
    """A folder in memory, if this system has one.

    The loop flushes a checkpoint to disk after each epoch. Nobody reads those of a refit, which
    takes seconds, and on a busy disk they take longer than the training.
    """
    folder = Path("/dev/shm")
    return str(folder) if folder.is_dir() else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without a line for each epoch of each fit."""
    before = loop.log.level
    loop.log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        loop.log.setLevel(before)
