"""Everything that is measured of a doodle network, as text and as pictures."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fourcast_models.doodle.codec import CATEGORIES
from fourcast_training.doodle import robustness
from fourcast_training.doodle.charts import save_confusions, save_robustness
from fourcast_training.doodle.drawings import Drawings
from fourcast_training.doodle.evaluate import (
    Confusion,
    Figures,
    accuracy_by_category,
    area_under_curve,
    confusions,
    measure,
    table,
)
from fourcast_training.doodle.presets import TrainConfig
from fourcast_training.doodle.robustness import Guesser, pictures_of

METRICS_FILE = "metrics.json"

WORST = 10
CONFUSIONS = 20

BEGINNINGS = (0.25, 0.5, 0.75, 1.0)
"""Shares of the strokes' length that are shown."""


@dataclass(frozen=True)
class Report:
    """What was measured on the test split.

    Attributes:
        figures: Over the whole split.
        beside: Figures of other runs by what to call them, in order of their data.
        worst: Accuracy of the worst categories.
        confusions: The commonest ones.
        strokes: Figures when the strokes come from another canvas.
        images: Figures when the drawings come as pictures; empty if the network reads rasters.
        beginnings: Figures by the share of the strokes' length that has been drawn.
        nothings: Area under the curve of the top probability, real drawings against each kind of
            nothing.
        is_empty_refused: Whether an empty canvas is an error.
        milliseconds: Of one core for one guess, median and 95th percentile; None if the network was
            measured before it was published.
    """

    figures: Figures
    beside: Mapping[str, Figures]
    worst: Mapping[str, float]
    confusions: list[Confusion]
    strokes: Mapping[str, Figures]
    images: Mapping[str, Figures]
    beginnings: Mapping[str, Figures]
    nothings: Mapping[str, float]
    is_empty_refused: bool
    milliseconds: tuple[float, float] | None = None

    def text(self) -> str:
        """All of it in Markdown."""
        parts = [
            table({"this one": self.figures, **self.beside}, "network"),
            "The worst categories (top-1): "
            + ", ".join(f"{name} {share:.0%}" for name, share in self.worst.items())
            + ".",
            "The commonest confusions (drawn, taken for, share of the drawings):",
            _confusion_lines(self.confusions),
            "The same drawings from other canvases, as strokes:",
            table(self.strokes, "strokes"),
        ]
        if self.images:
            parts += ["A part of the drawings as pictures:", table(self.images, "picture")]
        parts += [
            "When only the beginning is drawn:",
            table(self.beginnings, "share of the strokes' length"),
            "Drawings against what is nothing in the list, area under the curve of the top "
            "probability:",
            _area_lines(self.nothings),
            "An empty canvas is refused: " + ("yes." if self.is_empty_refused else "NO."),
        ]
        if self.milliseconds:
            median, high = self.milliseconds
            parts.append(
                f"One guess alone takes {median:.2f} ms of one core in the median, {high:.2f} ms "
                "in the 95th percentile (onnxruntime, one thread, this machine)."
            )
        return "\n\n".join(parts)


def evaluate(
    guess: Guesser,
    config: TrainConfig,
    data: Mapping[str, Drawings],
    jobs: int,
) -> Report:
    """Measure a network on the test split and leave pictures in the run's folder.

    Args:
        guess: The network.
        config: Of its run.
        data: The splits.
        jobs: Processes that make pictures.
    """
    test = data["test"]
    seen = pictures_of(test, config.picture)
    probabilities = guess(seen)
    figures = measure(probabilities, test.labels)
    common = confusions(probabilities, test.labels, CONFUSIONS)
    drawn = test.select(np.flatnonzero(test.has_strokes))
    real = probabilities.max(axis=1)
    nothings = {
        name: area_under_curve(real, guess(pictures).max(axis=1))
        for name, pictures in robustness.nothings(
            config.picture, config.scribbles, config.data.seed, letters=config.image_drawings > 0
        ).items()
    }
    report = Report(
        figures=figures,
        beside=_read_beside(config.beside),
        worst=dict(list(accuracy_by_category(probabilities, test.labels).items())[:WORST]),
        confusions=common,
        strokes=_strokes_rows(guess, config, drawn) if len(drawn) else {},
        images=(
            _images_rows(guess, config, drawn, jobs)
            if config.picture == "bitmap" and config.image_drawings and len(drawn)
            else {}
        ),
        beginnings=_beginnings_rows(guess, config, drawn) if len(drawn) else {},
        nothings=nothings,
        is_empty_refused=robustness.empty_is_refused(),
    )
    save_confusions(test.bitmaps, common, config.folder / "confusions.png")
    # Strokes and images are moved alike, and must not take each other's place.
    images = {f"image, {name}": row for name, row in report.images.items()}
    rows = {**report.strokes, **images, **report.beginnings}
    save_robustness(figures, rows, config.folder / "robustness.png")
    return report


def _strokes_rows(guess: Guesser, config: TrainConfig, drawings: Drawings) -> dict[str, Figures]:
    return {
        name: measure(
            guess(robustness.through_strokes(drawings, config.picture, change)), drawings.labels
        )
        for name, change in robustness.CANVASES.items()
    }


def _beginnings_rows(guess: Guesser, config: TrainConfig, drawings: Drawings) -> dict[str, Figures]:
    return {
        f"{share:.0%}": measure(
            guess(robustness.beginnings(drawings, config.picture, share)), drawings.labels
        )
        for share in BEGINNINGS
    }


def _images_rows(
    guess: Guesser, config: TrainConfig, drawings: Drawings, jobs: int
) -> dict[str, Figures]:
    """The first drawings of each category, as bitmaps and by every way of the image path."""
    chosen = drawings.first_of_each(config.image_drawings)
    ways = robustness.through_images(chosen, config.folder, config.data.seed, jobs)
    rows = {"the same as bitmaps": measure(guess(chosen.bitmaps), chosen.labels)}
    return rows | {name: measure(guess(bitmaps), chosen.labels) for name, bitmaps in ways.items()}


def _read_beside(folders: tuple[Path, ...]) -> dict[str, Figures]:
    """Figures of finished runs, the one with the fewest drawings first."""
    found = []
    for folder in folders:
        file = folder / METRICS_FILE
        if file.exists():
            content = json.loads(file.read_text())
            found.append((content["drawings"], content["name"], Figures(**content["figures"])))
    return {
        f"{name}, {drawings:.0f} drawings a category": figures
        for drawings, name, figures in sorted(found, key=lambda row: row[0])
    }


def _confusion_lines(found: list[Confusion]) -> str:
    lines = ["| drawn | taken for | share |", "| --- | --- | ---: |"]
    lines += [
        f"| {CATEGORIES[row.drawn]} | {CATEGORIES[row.guessed]} | {row.share:.0%} |"
        for row in found
    ]
    return "\n".join(lines)


def _area_lines(areas: Mapping[str, float]) -> str:
    lines = ["| against | area |", "| --- | ---: |"]
    return "\n".join(lines + [f"| {name} | {area:.3f} |" for name, area in areas.items()])
