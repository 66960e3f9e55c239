"""The networks as models of a walk-forward test: windows of the past, training, forecasts.

Everything that is fitted here, the epoch of early stopping included, sees the past alone: its last
part validates, and as many days as the horizon lie between, so that no target of training reaches
into it. The unit of the returns is told by the days before each window.
"""

import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fourcast_models.sequence.codec import MEDIAN, Tensors
from fourcast_models.sequence.forecasts import Forecasts, Places
from fourcast_models.sequence.model import Fitted
from fourcast_models.sequence.series import Series
from fourcast_models.sequence.significance import compare
from fourcast_training import loop
from fourcast_training.loop import Batch, LoopConfig, Progress
from fourcast_training.sequence.net import (
    ForecastNet,
    NetConfig,
    ServedNet,
    loss_of,
    scaled_returns,
)

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
    """What a network reads and what came afterwards, in units, one row for each origin.

    Attributes:
        returns: Log returns, float32 [N, window - 1].
        weekday: Int64 [N, 1].
        future: Log returns of the days that followed, float32 [N, H].
    """

    returns: Tensor
    weekday: Tensor
    future: Tensor

    def __len__(self) -> int:
        """How many."""
        return len(self.returns)

    def part(self, start: int, end: int) -> "Windows":
        """Some rows."""
        return Windows(self.returns[start:end], self.weekday[start:end], self.future[start:end])


def together(parts: Sequence[Windows]) -> Windows:
    """The windows of several series."""
    return Windows(
        torch.cat([part.returns for part in parts]),
        torch.cat([part.weekday for part in parts]),
        torch.cat([part.future for part in parts]),
    )


def inputs_at(series: Series, origins: Places, config: NetConfig) -> tuple[Tensor, Tensor, Tensor]:
    """What an exported network reads at these origins; see `codec.Tensors`."""
    tensors = Tensors(config.window, config.horizon)
    inputs = tensors.encode(series, origins)
    close, weekday, unit = (torch.from_numpy(inputs[spec.name]) for spec in tensors.inputs)
    return close, weekday, unit


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
    close, weekday, unit = inputs_at(series, origins, config)
    places = origins[:, None] + np.arange(config.horizon)
    future = (torch.from_numpy(series.log_returns[places]) / unit).float()
    if not torch.isfinite(future).all():
        raise ValueError(f"{series.name} begins with days on which nothing moves: begin it later")
    return Windows(scaled_returns(close, unit), weekday, future)


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
    past: Sequence[Series], config: LearnConfig, seed: int, folder: Path
) -> tuple[ForecastNet, Progress]:
    """Train one network on some series; it starts from where a killed run in ``folder`` was.

    Raises:
        ValueError: If a series is too short.
    """
    parts = [split(windows_of(series, config.net), config) for series in past]
    training = together([part for part, _ in parts])
    validation = together([part for _, part in parts])
    torch.manual_seed(seed)
    network = ForecastNet(config.net)
    network.calibrate(training.returns, training.weekday, training.future)
    size = config.loop.batch_size

    def batches(_: int, generator: np.random.Generator, size: int) -> Iterator[Batch]:
        order = torch.from_numpy(generator.permutation(len(training)))
        for chosen in torch.split(order, size):
            yield training.returns[chosen], training.weekday[chosen], training.future[chosen]

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        assert isinstance(net, ForecastNet)
        returns, weekday, future = batch
        return loss_of(net(returns, weekday), future) + net.penalty()

    def validate(net: nn.Module) -> dict[str, float]:
        assert isinstance(net, ForecastNet)
        outlook = net(validation.returns, validation.weekday)
        return {"validation_loss": loss_of(outlook, validation.future).item()}

    def scored(net: nn.Module) -> dict[str, float]:
        metrics = validate(net)
        return metrics | {"gain": first - metrics["validation_loss"]}

    with torch.inference_mode():
        network.eval()
        first = validate(network)["validation_loss"]
    untrained = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    everything = together([windows_of(series, config.net) for series in past])
    if network.reader is None:
        network.fit_har(everything.returns, everything.weekday, everything.future)
        return network, Progress()
    progress = loop.fit(
        network,
        LoopConfig(**(asdict(config.loop) | {"seed": seed})),
        folder,
        identity=json.dumps(
            {"data": [one.sha256 for one in past], "config": asdict(config), "seed": seed}
        ),
        batches=batches,
        steps=-(-len(training) // size),
        loss=loss,
        validate=scored,
        score="gain",
    )
    if progress.best_score <= 0:
        # Nothing that it learnt held on the days kept aside: then it has nothing to say.
        network.load_state_dict(untrained)
    # Of several series each must bear it out: together they would count the same days twice.
    trusts = [trust_of(network, part) for _, part in parts]
    network.trust.copy_(torch.stack(trusts).amin(dim=0))
    # HAR has nothing to stop early, so that at last it learns from the newest days, too.
    network.fit_har(everything.returns, everything.weekday, everything.future)
    return network, progress


@torch.inference_mode()
def trust_of(network: ForecastNet, windows: Windows) -> Tensor:
    """1 for each day ahead whose median is significantly better than the last price, 0 for others.

    Args:
        network: In evaluation mode.
        windows: Consecutive ones of a series, which it was not trained on.
    """
    outlook = network(windows.returns, windows.weekday)
    medians = outlook.returns[:, :, MEDIAN].double().numpy()
    reached = torch.cumsum(windows.future.double(), dim=1).numpy()
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
            network, _ = learn([past], self.config, seed, Path(folder))
        return forecaster_of(network, past.days[-1])


def forecaster_of(network: ForecastNet, trained_until: np.datetime64) -> Fitted:
    """A trained network as what forecasts."""
    served = ServedNet(network, trained_until).eval()

    def forecast(series: Series, origins: Places) -> Forecasts:
        with torch.inference_mode():
            inputs = inputs_at(series, origins, network.config)
            prices, volatility, magnitude, *_ = (tensor.numpy() for tensor in served(*inputs))
        return Forecasts(origins, prices, volatility, magnitude)

    return forecast


ARCHITECTURES: dict[str, NetConfig] = {
    "har": NetConfig(cells="none"),
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
