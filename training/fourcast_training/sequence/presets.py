"""What a training run is made of, and the runs that have names: one for each network, and HAR."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import tyro

from fourcast_training.loop import LoopConfig
from fourcast_training.sequence.generated import Process
from fourcast_training.sequence.learned import ARCHITECTURES, LearnConfig
from fourcast_training.sequence.net import NetConfig
from fourcast_training.sequence.walk_forward import ProtocolConfig

PROGRAM = "fourcast-train forecast"

Network = Literal["har", "mlp", "lstm", "gru", "lstm_regularized", "deep_lstm"]


@dataclass(frozen=True)
class TrainConfig:
    """Test a network on series of daily prices, train it and publish it.

    The test walks forward through the last days beside the baselines and says in words whether the
    network is better than repeating the last price. `--model` and `--smoke` fill in every option
    below; options given beside them win.
    """

    model: Network = "lstm"
    """The network; see net.py. `har` is none: the statistics that the others correct."""

    smoke: bool = False
    """The whole path in a minute, on a short generated series."""

    evaluate: bool = False
    """Only measure: the model that `repository` holds, on the days after those of its training."""

    name: str = "forecast_lstm"
    """The model's name in the repository."""

    repository: Path | None = None
    """Publish to this model repository; None is the project's own, models/repository."""

    publish: bool = True
    """Whether to publish at all."""

    folder: Path = Path("runs/forecast-lstm")
    """Checkpoint and pictures. A killed run continues from here."""

    tests: Path = Path("runs/forecast-tests")
    """Finished tests, those of other runs too."""

    data: tuple[Path, ...] = ()
    """CSV files with the columns date and close; each is tested alone, and one network is trained
    on all of them. Without any, a series is generated."""

    process: Process = "garch"
    """What is generated."""

    days: int = 3000
    """How many days are generated."""

    hold_out: int = 365
    """Last days of each series that the published network is not trained on, so that `--evaluate`
    can use them."""

    jobs: int = 1
    """Processes that walk forward."""

    learn: LearnConfig = field(default_factory=LearnConfig)
    """The network and its training."""

    protocol: ProtocolConfig = field(default_factory=ProtocolConfig)
    """The test."""


def _preset(model: Network) -> TrainConfig:
    return TrainConfig(
        model=model,
        name=f"forecast_{model}",
        folder=Path(f"runs/forecast-{model.replace('_', '-')}"),
        learn=LearnConfig(net=ARCHITECTURES[model]),
        protocol=ProtocolConfig(seeds=(0, 1, 2)),
    )


PRESETS: dict[Network, TrainConfig] = {
    "har": _preset("har"),
    "mlp": _preset("mlp"),
    "lstm": _preset("lstm"),
    "gru": _preset("gru"),
    "lstm_regularized": _preset("lstm_regularized"),
    "deep_lstm": _preset("deep_lstm"),
}


def smoke(config: TrainConfig) -> TrainConfig:
    """The same network, small and short."""
    folder = config.folder.with_name(f"{config.folder.name}-smoke")
    net: NetConfig = replace(config.learn.net, hidden=4, horizon=3)
    fit = LoopConfig(epochs=2, batch_size=128, learning_rate=3e-3, device="cpu")
    return replace(
        config,
        smoke=True,
        repository=folder / "repository",
        folder=folder,
        tests=folder / "tests",
        days=700,
        hold_out=100,
        learn=replace(config.learn, net=net, loop=fit),
        protocol=ProtocolConfig(days=250, refit=125, seeds=(0,)),
    )


def chosen_preset(args: list[str]) -> TrainConfig:
    """The preset that the arguments name; its values are the defaults of all other options."""
    plain = [argument for argument in args if argument not in ("-h", "--help")]
    choice, _ = tyro.cli(_Choice, args=plain, prog=PROGRAM, return_unknown_args=True)
    return smoke(PRESETS[choice.model]) if choice.smoke else PRESETS[choice.model]


@dataclass(frozen=True)
class _Choice:
    model: Network = "lstm"
    smoke: bool = False
