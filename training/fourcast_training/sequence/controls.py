"""Controls: on a random walk nobody may be found better, on an autoregression everybody should.

Many series of known truth, each model tested on each as on real prices. Of forecasters that are no
better, the two-sided test at 5 % may find 2.5 % better by chance, and no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tyro

from fourcast_models.sequence.scores import price_losses
from fourcast_models.sequence.significance import SIGNIFICANCE, Comparison, compare
from fourcast_training.parallel import run_parts
from fourcast_training.sequence.backtests import model_of
from fourcast_training.sequence.generated import Process, generate
from fourcast_training.sequence.learned import ARCHITECTURES, LearnConfig
from fourcast_training.sequence.walk_forward import ProtocolConfig, walk_forward

PROGRAM = "fourcast-train forecast-controls"

NETWORKS = ("mlp", "lstm", "gru", "lstm_regularized", "deep_lstm")


@dataclass(frozen=True)
class ControlConfig:
    """Count how often each model is found better than the last price on series of known truth."""

    process: Process = "random_walk"
    """The truth: nothing can be found in a `random_walk`, much in an `autoregression`."""

    series: int = 200
    """How many series."""

    days: int = 900
    """Of each series."""

    models: tuple[str, ...] = ("drift", "ets", *NETWORKS)
    """Whom to test."""

    protocol: ProtocolConfig = ProtocolConfig(days=300, refit=0)  # noqa: RUF009 # frozen
    """How."""

    folder: Path = Path("runs/forecast-controls")
    """Keeps what is done. A killed run continues from here."""

    jobs: int = 1
    """Processes."""


def main(args: list[str] | None = None) -> None:
    """``fourcast-train forecast-controls``."""
    config = tyro.cli(ControlConfig, args=args, prog=PROGRAM)
    allowed = SIGNIFICANCE / 2
    print(f"{config.process}, {config.series} series of {config.days} days")
    print("| forecast | better | worse | mean ratio to naive |")
    print("| --- | ---: | ---: | ---: |")
    for name in config.models:
        found = control(name, config)
        better = np.mean([one.comparison.outcome == "better than" for one in found])
        worse = np.mean([one.comparison.outcome == "worse than" for one in found])
        ratio = np.mean([one.ratio for one in found])
        print(f"| {name} | {better:.1%} | {worse:.1%} | {ratio:.4f} |")
    print(f"By chance alone {allowed:.1%} are found better.")


@dataclass(frozen=True)
class Found:
    """A model's test on one series: its error over naive's, and the comparison of the two."""

    ratio: float
    comparison: Comparison


def control(name: str, config: ControlConfig) -> list[Found]:
    """Test a model on every series, one day ahead."""
    parts = [
        (name, config.process, config.days, config.protocol, seed) for seed in range(config.series)
    ]
    protocol = config.protocol
    folder = config.folder / (
        f"{config.process}-{config.days}-{protocol.days}-{protocol.refit}-{name}"
    )
    done = run_parts(folder, parts, _one, jobs=config.jobs, description=name)
    return [
        Found(float(row["ratio"]), Comparison(float(row["statistic"]), float(row["p"])))
        for row in done
    ]


def _one(
    name: str, process: Process, days: int, protocol: ProtocolConfig, seed: int
) -> Mapping[str, npt.NDArray[np.generic]]:
    series = generate(process, days, seed)
    shape = replace(ARCHITECTURES.get(name, ARCHITECTURES["har"]), horizon=1)
    learn = LearnConfig(net=shape)
    losses, others = (
        price_losses(walk_forward(model_of(who, learn), series, protocol, seed), series, 1)
        for who in (name, "naive")
    )
    comparison = compare(losses, others, 1)
    return {
        "ratio": np.array(losses.mean() / others.mean()),
        "statistic": np.array(comparison.statistic),
        "p": np.array(comparison.p),
    }
