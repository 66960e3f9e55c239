"""Solve the advection equation by networks in two ways, measure them and publish one."""

import json
import logging
import shlex
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import tyro

from fourcast_models.model_config import Batching, ModelConfig
from fourcast_models.repository import default_repository, read_model
from fourcast_training.advection.card import Result, write_card
from fourcast_training.advection.chart import SIZE, draw_solution
from fourcast_training.advection.features import solve
from fourcast_training.advection.net import PHI, SineNet, T, X
from fourcast_training.advection.problem import draw_points, grid, relative_error
from fourcast_training.advection.report import measure_all, summary, table
from fourcast_training.advection.trained import train_network
from fourcast_training.export import Origin, export, run_onnx, stamp_of, to_onnx
from fourcast_training.lessons.presentation import Language
from fourcast_training.lessons.presentation.picture import save_picture
from fourcast_training.lessons.presentation.text import locale_language

log = logging.getLogger(__name__)

PROGRAM = "fourcast-train advection"
NAME = "advection"

MAX_BATCH = 16_384
"""Points in one call: more would take the server's memory, 300 features for each."""

_GOLDEN = 97
"""Every 97th point of the grid goes into the golden file."""


@dataclass(frozen=True)
class AdvectionConfig:
    """Solve φ_t + u φ_x = 0 with a network, by least squares and by training all its weights.

    Takes about a minute of one core. The code to read first is advection/problem.py, then
    advection/features.py and advection/trained.py.
    """

    evaluate: bool = False
    """Only measure: the model that `repository` holds, on the grid."""

    solver: Literal["features", "network"] = "features"
    """Which of the two is published and drawn."""

    hidden: tuple[int, ...] = (50,)
    """Neurons of each hidden layer of the network whose weights are all trained."""

    steps: int = 30
    """Of its training."""

    seed: int = 0
    """Of the published network: of its points and of its weights."""

    seeds: int = 10
    """From how many seeds the random features are measured."""

    network_seeds: int = 3
    """From how many seeds the trained network is measured."""

    repository: Path | None = None
    """Publish to this model repository; None is the project's own, models/repository."""

    publish: bool = True
    """Whether to publish at all."""

    folder: Path = Path("runs/advection")
    """For the picture, phi.png."""

    language: Language = field(default_factory=locale_language)
    """Of the table and the picture; the card is written in both."""

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        for name, least in (("seeds", 1), ("network_seeds", 1), ("steps", 1), ("seed", 0)):
            if getattr(self, name) < least:
                option = name.replace("_", "-")
                raise ValueError(f"--{option} {getattr(self, name)} is below {least}")
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"--hidden {self.hidden}: each layer needs a neuron at least")


def main(args: list[str]) -> None:
    """``fourcast-train advection``."""
    config = tyro.cli(AdvectionConfig, args=args, prog=PROGRAM)
    if config.evaluate:
        evaluate_published(config)
    else:
        train(config, command=shlex.join(PROGRAM.split() + args))


def train(config: AdvectionConfig, command: str) -> Result:
    """The whole path: solve from many seeds, the table, the picture, publication.

    Args:
        config: What to do.
        command: What makes this run again, for the card.
    """
    points = draw_points(config.seed)
    network: SineNet
    if config.solver == "features":
        network = solve(points, seed=config.seed).network()
    else:
        network = train_network(points, config.hidden, seed=config.seed, steps=config.steps)
    measured = measure_all(
        config.hidden, config.steps, seeds=config.seeds, network_seeds=config.network_seeds
    )
    result = Result(command, config.solver, config.seed, points.sha256, measured)
    print(table(measured, config.language))
    print(f"\n{summary(measured, config.language)}")
    picture = config.folder / "phi.png"
    phi = network.evaluate(*grid())
    save_picture(lambda figure: draw_solution(figure, phi, config.language), SIZE, picture)
    log.info("picture: %s", picture)
    if config.publish:
        _publish(network, config, result)
    return result


def evaluate_published(config: AdvectionConfig) -> float:
    """The relative error of the newest version of the published model on the grid."""
    model = read_model(config.repository or default_repository(), NAME)
    weights = model.weights(model.versions[0])
    t, x = grid()
    error = relative_error(run_onnx(weights, {T.name: t, X.name: x})[PHI.name])
    print(f"{weights}, fitted on points sha256 {json.loads(stamp_of(weights)['datasets'])}")
    print(f"relative L2 error {error:.2e} on {len(t)} points")
    return error


def _publish(network: SineNet, config: AdvectionConfig, result: Result) -> None:
    t, x = (ticks[::_GOLDEN].copy() for ticks in grid())
    with warnings.catch_warnings():
        # The exporter warns that both inputs have the same number of points, as they must.
        warnings.simplefilter("ignore", UserWarning)
        export(
            to_onnx(
                network,
                ModelConfig(
                    name=NAME,
                    inputs=(T, X),
                    outputs=(PHI,),
                    max_batch_size=MAX_BATCH,
                    batching=Batching(),
                ),
                {T.name: t, X.name: x},
            ),
            origin=Origin(
                codec_version=1,  # raw coordinates: there is no codec that could change
                datasets={"points": result.points_hash},
                metrics={"relative_error": relative_error(network.evaluate(*grid()))},
                command=result.command,
            ),
            card=lambda version: write_card(NAME, version, result, "en"),
            spanish=lambda version: write_card(NAME, version, result, "es"),
            repository=config.repository or default_repository(),
        )
