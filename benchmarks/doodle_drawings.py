"""What more drawings would give: a network trained just as long on 100, 200 and 400 of a category.

The recipe is that of `fourcast-train doodle --preset small` without a teacher, who has seen more.
Prints the figures of the test split and draws them over the number of drawings, so that the line
can be read further to the right.

    python -m benchmarks.doodle_drawings
"""

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path

import tyro
from matplotlib.figure import Figure

from fourcast_training.doodle.card import Result
from fourcast_training.doodle.data import DataConfig
from fourcast_training.doodle.evaluate import Figures, table
from fourcast_training.doodle.presets import PRESETS
from fourcast_training.doodle.train import train
from fourcast_training.plots import save_figure

PLOT_FILE = "curve.png"


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Train on few and on many drawings of each category, equally long."""

    drawings: tuple[int, ...] = (100, 200, 400)
    """Training drawings of each category at most; some categories have fewer than 400."""

    epochs: int = 40
    """Of each run; an epoch has as many pictures whatever the number of drawings. In a short run
    few drawings seem as good as many, as none is learnt by heart yet."""

    widths: tuple[int, ...] = (32, 64, 128)
    """Channels of each stage of the network."""

    per_class: int = 100
    """Pictures of each category in an epoch."""

    jobs: int = -1
    """Processes that draw pictures; -1 is one less than there are cores."""

    folder: Path = Path("runs/doodle-drawings")
    """Checkpoints and curve.png; a killed run continues from here."""

    data: DataConfig = field(default_factory=DataConfig)
    """The drawings; `train` is set by the benchmark."""

    def __post_init__(self) -> None:
        """Refuse what cannot be compared.

        Raises:
            ValueError: If there are no numbers of drawings, or one is less than 1.
        """
        if not self.drawings or min(self.drawings) < 1:
            raise ValueError("--drawings takes numbers of at least 1, such as 100 200 400")

    def run(self) -> str:
        """Train, draw the curve, and give facts and table."""
        results = {number: self._trained(number) for number in sorted(self.drawings)}
        figures = {str(number): result.report.figures for number, result in results.items()}
        plot = self.folder / PLOT_FILE
        save_curve({number: one.report.figures for number, one in results.items()}, plot)
        first = next(iter(results.values()))
        facts = (
            f"{first.parameters:,} parameters, {self.epochs} epochs of {self.per_class} pictures a "
            f"category, split seed {self.data.seed}, training seed {first.config.loop.seed}, test "
            f"split sha256 {first.data['test'].sha256[:12]}. The curve: {plot}"
        )
        return f"{facts}\n\n{table(figures, 'drawings a category at most')}"

    def _trained(self, number: int) -> Result:
        recipe = PRESETS["small"]
        config = replace(
            recipe,
            folder=self.folder / str(number),
            publish=False,
            quantised=False,
            views=2,
            teacher=None,
            imaged=0,
            image_drawings=0,
            widths=self.widths,
            per_class=self.per_class,
            jobs=self.jobs,
            data=replace(self.data, train=number),
            loop=replace(recipe.loop, epochs=self.epochs),
        )
        with redirect_stdout(sys.stderr):  # the report of each run, beside its progress
            return train(config, command="python -m benchmarks.doodle_drawings")


def save_curve(figures: Mapping[int, Figures], file: Path) -> None:
    """Top-1 and top-3 over the number of drawings, in doublings, as a PNG."""
    chart = Figure(figsize=(6, 4), layout="constrained")
    axes = chart.subplots()
    for name in ("top1", "top3"):
        shares = [100 * getattr(row, name) for row in figures.values()]
        axes.plot(list(figures), shares, marker="o", label=f"{name[:3]}-{name[3:]}")
        for number, share in zip(figures, shares, strict=True):
            axes.annotate(f"{share:.1f}", (number, share), (0, 6), textcoords="offset points")
    axes.set_xscale("log", base=2)
    axes.set_xticks(list(figures), [str(number) for number in figures])
    axes.set(xlabel="training drawings of a category at most", ylabel="% of the test split")
    axes.margins(0.12)
    axes.grid(alpha=0.3)
    axes.legend()
    save_figure(chart, file)


def main() -> None:
    """Run the benchmark from the command line."""
    print(tyro.cli(Benchmark).run())


if __name__ == "__main__":
    main()
