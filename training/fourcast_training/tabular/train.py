"""Compare eight models of breast cancer on identical folds and publish the MLP, calibrated."""

import logging
import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tyro

from fourcast_models.model_config import Batching, ModelConfig
from fourcast_models.repository import default_repository
from fourcast_models.tabular.coimbra import CODEC_VERSION, FEATURES, INPUTS, PROBABILITIES
from fourcast_training.export import Origin, export, to_onnx
from fourcast_training.lessons.presentation import Language
from fourcast_training.lessons.presentation.picture import save_picture
from fourcast_training.lessons.presentation.text import locale_language
from fourcast_training.tabular.card import Result, write_card
from fourcast_training.tabular.charts import SIZE, draw_evaluation
from fourcast_training.tabular.data import PUBLISHED_HASH, Table, read_table, table_hash
from fourcast_training.tabular.download import DEFAULT_FILE
from fourcast_training.tabular.evaluate import FOUR, evaluate
from fourcast_training.tabular.folds import REPEATS, make_task
from fourcast_training.tabular.mlp import Plan, make_plans
from fourcast_training.tabular.net import CoimbraNet
from fourcast_training.tabular.networks import fit_networks
from fourcast_training.tabular.report import Report

log = logging.getLogger(__name__)

PROGRAM = "fourcast-train tabular"
NAME = "coimbra"

MAX_BATCH = 1024
GOLDEN_ROWS = 16


@dataclass(frozen=True)
class TabularConfig:
    """Compare eight models on the same folds, draw their curves and publish the MLP.

    Takes about a minute of one core. The code to read first is tabular/folds.py, then
    tabular/mlp.py and tabular/metrics.py.
    """

    evaluate: bool = False
    """Only print the tables and draw the picture; publish nothing."""

    data: Path | None = None
    """The publisher's CSV file; None is where `fourcast-train tabular-download` writes it."""

    repository: Path | None = None
    """Publish to this model repository; None is the project's own, models/repository."""

    folder: Path = Path("runs/tabular")
    """For the picture, curves.png."""

    language: Language = field(default_factory=locale_language)
    """Of the tables and the picture; the card is written in both."""

    repeats: int = REPEATS
    """How often the rows are dealt anew to five folds."""

    shuffled: bool = False
    """Deal the labels anew in each repeat, so that AUCs should be about 0.5; publish nothing."""

    seed: int = 0
    """Of the folds and of everything else random."""

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        for name, least in (("repeats", 2), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"--{name} {getattr(self, name)} is below {least}")


def main(args: list[str]) -> None:
    """``fourcast-train tabular``."""
    config = tyro.cli(TabularConfig, args=args, prog=PROGRAM)
    train(config, command=shlex.join(PROGRAM.split() + args))


def train(config: TabularConfig, command: str) -> Report:
    """The whole path: tables, picture, publication.

    Args:
        config: What to do.
        command: What makes this run again, for the card.
    """
    table = _read(config.data)
    began = time.process_time()
    report = Report(
        evaluate(table, repeats=config.repeats, seed=config.seed, shuffled=config.shuffled)
    )
    print(report.text(config.language))
    log.info("evaluated in %.0f seconds of one core", time.process_time() - began)
    picture = config.folder / "curves.png"
    save_picture(
        lambda figure: draw_evaluation(figure, report.evaluation, config.language), SIZE, picture
    )
    log.info("picture: %s", picture)
    if not (config.evaluate or config.shuffled):
        _publish(table, config, report, command)
    return report


def _read(data: Path | None) -> Table:
    file = data or DEFAULT_FILE
    if not file.exists():
        raise ValueError(
            f"{file}: there is no such file: fetch the table with `fourcast-train "
            "tabular-download`, or name a copy with --data"
        )
    table = read_table(file)
    if table_hash(table) != PUBLISHED_HASH:
        log.warning("%s: these are not the 116 rows of the publisher", file)
    return table


def _publish(table: Table, config: TabularConfig, report: Report, command: str) -> None:
    network, plan = fit_whole(table, config.seed)
    sha = table_hash(table)
    result = Result(command, len(table.labels), plan, report, sha)
    export(
        to_onnx(
            network,
            ModelConfig(
                name=NAME,
                inputs=(FEATURES,),
                outputs=(PROBABILITIES,),
                max_batch_size=MAX_BATCH,
                batching=Batching(),
                parameters={"codec_version": str(CODEC_VERSION)},
            ),
            {FEATURES.name: _golden_rows()},
        ),
        origin=Origin(
            codec_version=CODEC_VERSION,
            datasets={"coimbra": sha},
            metrics=report.metrics(),
            command=command,
        ),
        card=lambda version: write_card(NAME, version, result, "en"),
        spanish=lambda version: write_card(NAME, version, result, "es"),
        repository=config.repository or default_repository(),
    )


def fit_whole(table: Table, seed: int) -> tuple[CoimbraNet, Plan]:
    """The network of all rows and the four features, made as in each fold of the evaluation."""
    features = table.logarithms[:, list(FOUR)]
    everybody = np.arange(len(table.labels))
    task = make_task(features, table.labels, everybody, everybody)
    (plan,) = make_plans([task], seed)
    network = CoimbraNet(
        features.mean(axis=0),
        features.std(axis=0),
        fit_networks([task], plan.recipe, seed),
        plan.calibration,
    )
    return network.eval(), plan


def _golden_rows() -> npt.NDArray[np.float32]:
    """Rows across the allowed ranges, nobody's own, float32 [GOLDEN_ROWS, 4]."""
    random = np.random.default_rng(0)
    low, high = (np.array([getattr(f, end) for f in INPUTS]) for end in ("minimum", "maximum"))
    rows: npt.NDArray[np.float32] = (
        low + (high - low) * random.random((GOLDEN_ROWS, len(INPUTS)))
    ).astype(np.float32)
    return rows
