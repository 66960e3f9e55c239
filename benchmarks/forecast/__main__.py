"""Every network beside every baseline on real prices, walk-forward, with several seeds.

    python -m benchmarks.forecast

A killed run loses the test in hand and nothing else; `fourcast-train forecast` keeps its tests in
the same folder, so what it did is not done again.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from benchmarks.forecast.targets import judge, table, year_table
from fourcast_models.sequence.forecasts import Forecasts
from fourcast_models.sequence.prices_file import read_series
from fourcast_models.sequence.series import Series
from fourcast_training.sequence.backtests import Row, backtest_all
from fourcast_training.sequence.controls import NETWORKS
from fourcast_training.sequence.generated import generate
from fourcast_training.sequence.learned import LearnConfig
from fourcast_training.sequence.presets import PRESETS, smoke
from fourcast_training.sequence.report import report_on
from fourcast_training.sequence.walk_forward import ProtocolConfig

QUICK_DAYS = 700
"""Of the generated series of a quick run."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Test forecasting networks beside baselines, and say which of the targets they reach.

    Every table has "naive", which repeats the last price, and "always up" in it.

    Example: python -m benchmarks.forecast --data btc.csv eth.csv --seeds 0 1 2

    Example: python -m benchmarks.forecast --quick
    """

    data: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILE")] = ()
    """CSV files with the columns date and close; without any, a series is generated."""

    networks: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME")] = NETWORKS
    """Which networks."""

    seeds: Annotated[tuple[int, ...], tyro.conf.arg(metavar="N")] = (0, 1, 2)
    """The test is made once with each."""

    days: Annotated[int, tyro.conf.arg(metavar="N")] = 1000
    """Days to forecast from, the last ones of each series."""

    refit: Annotated[int, tyro.conf.arg(metavar="N")] = 250
    """Fit anew after this many days."""

    quick: bool = False
    """Small networks, two epochs, one seed, few days: shows that everything runs, and no more."""

    folder: Path = Path("runs/forecast-tests")
    """Finished tests, those of `fourcast-train forecast` too."""

    def __post_init__(self) -> None:
        """Refuse what cannot be tested.

        Raises:
            ValueError: If a flag's value is wrong; the text names the flag.
        """
        unknown = sorted(set(self.networks) - set(NETWORKS))
        if unknown or not self.networks:
            raise ValueError(f"--networks: give some of {', '.join(NETWORKS)}, not {unknown}")
        if not self.seeds:
            raise ValueError("--seeds: give at least one")

    def run(self) -> bool:
        """Test, and print a report for each series.

        Returns:
            Whether every target is met, the stretch aside.

        Raises:
            ValueError: If a file cannot be used, or a series is too short.
            OSError: If a file cannot be read.
        """
        learn = {name: self._learn(name) for name in self.networks}
        series = [read_series(file) for file in self.data]
        is_met = True
        for one in series or [generate("garch", QUICK_DAYS if self.quick else 3000, seed=0)]:
            report = report_on(one, self.networks, self._tests(one, learn))
            print(f"# {one.name}\n\n{report.text()}\n")
            print("The price error over naive's, one day ahead, by year and third.\n")
            print(f"{year_table(report)}\n\nThe targets, by the worst network and seed.\n")
            print(f"{table(report)}\n", flush=True)
            is_met &= all(target.is_met for target in judge(report) if "stretch" not in target.name)
        return is_met

    def _learn(self, name: str) -> LearnConfig:
        preset = next(preset for key, preset in PRESETS.items() if key == name)
        return smoke(preset).learn if self.quick else preset.learn

    def _tests(self, series: Series, learn: dict[str, LearnConfig]) -> dict[Row, Forecasts]:
        protocol = ProtocolConfig(days=self.days, refit=self.refit)
        if self.quick:
            protocol = ProtocolConfig(days=250, refit=0)
        tests: dict[Row, Forecasts] = {}
        # Seed by seed, so that whoever waits has all networks once before any a second time.
        for seed in self.seeds[: 1 if self.quick else None]:
            chosen = replace(protocol, seeds=(seed,))
            tests |= backtest_all(learn, series, chosen, self.folder, jobs=1)
        return tests


def main() -> int:
    """Run the benchmark from the command line.

    Returns:
        The exit code: 0, or 1 if something needed failed. Wrong flags exit with 2. A target that is
        not met is a finding and no failure.
    """
    try:
        is_met = tyro.cli(Benchmark).run()
    except KeyboardInterrupt:
        print("\nstopped; the same command continues where this one was", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"forecast: {error}", file=sys.stderr)
        return 1
    print("Every target is met." if is_met else "Not every target is met: see the tables.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
