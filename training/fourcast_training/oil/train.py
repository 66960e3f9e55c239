"""Fit the 23 parameters of the oil wells in four ways, measure them and publish one."""

import json
import logging
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import tyro

from fourcast_models.model_config import Batching, ModelConfig
from fourcast_models.repository import default_repository, read_model
from fourcast_training.export import Origin, export, run_onnx, stamp_of, to_onnx
from fourcast_training.lessons.presentation import Language
from fourcast_training.lessons.presentation.picture import save_picture
from fourcast_training.lessons.presentation.text import locale_language
from fourcast_training.oil.backpropagation import Floats, outputs
from fourcast_training.oil.card import Result, write_card
from fourcast_training.oil.chart import SIZE, Run, draw_run
from fourcast_training.oil.data import POINTS, TARGETS, points_hash
from fourcast_training.oil.descent import Descent, Method, Sampling, descend, fit_least_squares
from fourcast_training.oil.net import CATEGORIES, POINT, OilNet
from fourcast_training.oil.report import Figures, measure, measure_seeds, summary, table

log = logging.getLogger(__name__)

PROGRAM = "fourcast-train oil"
NAME = "oil"

MAX_BATCH = 1024

SAMPLINGS: tuple[Sampling, ...] = ("replacement", "shuffled", "mini_batch")


@dataclass(frozen=True)
class OilConfig:
    """Fit the oil wells' network in four ways, draw their maps and publish one of them.

    Takes about 40 seconds of one core. The code to read first is oil/backpropagation.py, then
    oil/descent.py.
    """

    evaluate: bool = False
    """Only measure: the model that `repository` holds, on the ten points."""

    method: Method = "least_squares"
    """Whose parameters are published."""

    repository: Path | None = None
    """Publish to this model repository; None is the project's own, models/repository."""

    publish: bool = True
    """Whether to publish at all."""

    folder: Path = Path("runs/oil")
    """For the picture, wells.png."""

    language: Language = field(default_factory=locale_language)
    """Of the table and the picture; the card is written in both."""

    seed: int = 0
    """Of the first parameters and of the sampling."""

    seeds: int = 40
    """From how many seeds least squares is tried, with all points and with one left out."""

    rate: float = 0.05
    """Length of a step of the stochastic gradient."""

    steps: int = 1_000_000
    """Of each stochastic gradient."""

    batch: int = 2
    """Points in a mini-batch."""

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        for name, least in (("seeds", 1), ("steps", 1), ("batch", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"--{name} {getattr(self, name)} is below {least}")
        if self.batch > len(POINTS):
            raise ValueError(f"--batch {self.batch}: there are only {len(POINTS)} points")
        if not 0 < self.rate < float("inf"):
            raise ValueError(f"--rate {self.rate} is not a positive number")


def main(args: list[str]) -> None:
    """``fourcast-train oil``."""
    config = tyro.cli(OilConfig, args=args, prog=PROGRAM)
    if config.evaluate:
        evaluate_published(config)
    else:
        train(config, command=shlex.join(PROGRAM.split() + args))


def train(config: OilConfig, command: str) -> Result:
    """The whole path: four fits, many seeds, the picture, publication.

    Args:
        config: What to do.
        command: What makes this run again, for the card.
    """
    descents: dict[Sampling, Descent] = {
        sampling: descend(
            POINTS,
            TARGETS,
            sampling,
            seed=config.seed,
            rate=config.rate,
            steps=config.steps,
            batch=config.batch,
        )
        for sampling in SAMPLINGS
    }
    parameters: dict[Method, Floats] = {
        "least_squares": fit_least_squares(POINTS, TARGETS, seed=config.seed)
    }
    parameters |= {sampling: descent.parameters for sampling, descent in descents.items()}
    result = Result(
        command=command,
        method=config.method,
        seed=config.seed,
        steps=config.steps,
        rate=config.rate,
        batch=config.batch,
        figures={method: measure(outputs(p, POINTS)) for method, p in parameters.items()},
        seeds=measure_seeds(config.seeds),
    )
    print(table(result.figures, config.language))
    print(f"\n{summary(result.seeds, config.language)}")
    picture = config.folder / "wells.png"
    run = Run(parameters, descents, result.seeds.fits)
    save_picture(lambda figure: draw_run(figure, run, config.language), SIZE, picture)
    log.info("picture: %s", picture)
    if config.publish:
        _publish(parameters[config.method], config, result)
    return result


def evaluate_published(config: OilConfig) -> Figures:
    """Measure the newest version of the published model on the ten points."""
    model = read_model(config.repository or default_repository(), NAME)
    weights = model.weights(model.versions[0])
    found = run_onnx(weights, {POINT.name: POINTS})[CATEGORIES.name]
    figures = measure(found)
    seen = json.loads(stamp_of(weights)["datasets"])
    print(f"{weights}, points sha256 {points_hash()}")
    print(f"the points that its card names: {'yes' if seen['wells'] == points_hash() else 'NO'}")
    for point, (oil, none) in zip(POINTS, found, strict=True):
        print(f"  ({point[0]:.1f}, {point[1]:.1f})  F = ({oil:.6f}, {none:.6f})")
    print(f"cost {figures.cost:.2e}, {figures.right} of {len(POINTS)} points right")
    return figures


def _publish(parameters: Floats, config: OilConfig, result: Result) -> None:
    figures = result.figures[config.method]
    export(
        to_onnx(
            OilNet(parameters).eval(),
            ModelConfig(
                name=NAME,
                inputs=(POINT,),
                outputs=(CATEGORIES,),
                max_batch_size=MAX_BATCH,
                batching=Batching(),
            ),
            {POINT.name: POINTS},
        ),
        origin=Origin(
            codec_version=1,  # raw coordinates: there is no codec that could change
            datasets={"wells": points_hash()},
            metrics={"cost": figures.cost, "right": figures.right},
            command=result.command,
        ),
        card=lambda version: write_card(NAME, version, result, "en"),
        spanish=lambda version: write_card(NAME, version, result, "es"),
        repository=config.repository or default_repository(),
    )
