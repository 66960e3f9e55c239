"""The benchmarks of the forecasts: every table has what it must have, and targets are judged."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.forecast.targets import judge
from fourcast_models.sequence.baselines import naive
from fourcast_models.sequence.forecasts import Forecasts
from fourcast_models.sequence.series import Series
from fourcast_training.sequence.generated import generate
from fourcast_training.sequence.report import report_on
from tests.services.forecast_models import copy_forecast_models

CHECKOUT = Path(__file__).resolve().parents[2]


def run(module: str, *flags: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", f"benchmarks.forecast{module}", *map(str, flags)]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)


def test_a_quick_run_prints_every_table_and_a_second_one_does_nothing_twice(
    tmp_path: Path,
) -> None:
    flags = ("--quick", "--networks", "mlp", "--folder", tmp_path)
    finished = run("", *flags)
    assert finished.returncode == 0, finished.stderr
    tables = re.findall(r"(?:^\|.*\n)+", finished.stdout, re.MULTILINE)
    assert len(tables) == 6
    for table in tables[:-1]:
        assert "\n| naive |" in table
        assert "\n| always up |" in table
        assert "\n| mlp | 0 |" in table
    assert tables[-1].count("\n") == 2 + 6
    assert finished.stdout.rstrip().splitlines()[-1].startswith(("Every target", "Not every"))
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.npz")}
    assert len(before) == 6
    assert run("", *flags).stdout == finished.stdout
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.npz")} == before


def test_wrong_flags_say_so() -> None:
    finished = run("", "--networks", "transformer")
    assert finished.returncode == 1
    assert "--networks: give some of mlp, lstm" in finished.stderr


def by_naive(series: Series, factor: float) -> Forecasts:
    """Naive's forecasts with another width and another size."""
    fitted = naive(1)(series.until(400), 0)(series, np.arange(400, len(series) - 1))
    last = series.closes[fitted.origins][:, None, None]
    return Forecasts(
        fitted.origins,
        last * (fitted.prices / last) ** factor,
        fitted.volatility * factor,
        fitted.volatility * 0.8 * factor,
    )


@pytest.mark.parametrize(("factor", "met"), [(1.0, True), (9.0, False)])
def test_targets_are_met_or_not(factor: float, met: bool) -> None:
    walk = generate("random_walk", 2000, seed=1)
    series = Series("btc-like", walk.days, walk.closes)
    base = by_naive(series, 1.0)
    raw = {("naive", 0): base, ("har", 0): base, ("garch", 0): base}
    report = report_on(series, ["mine"], raw | {("mine", 3): by_naive(series, factor)})
    targets = {target.name: target for target in judge(report)}
    assert len(targets) == 7
    assert targets["price error to naive's, every year"].is_met
    assert targets["miss of the intervals, all days"].is_met  # corrected by what was met
    for name in ("QLIKE less that of GARCH with t errors", "volatility error to HAR's"):
        assert targets[name].is_met == met
        assert targets[name].where == "mine, seed 3, all"
    assert not targets["t of that beside HAR (stretch)"].is_met


def test_the_speed_is_printed(tmp_path: Path) -> None:
    finished = run(".speed", "--calls", 2, "--models", copy_forecast_models(tmp_path))
    assert finished.returncode == 0, finished.stderr
    rows = re.findall(r"^\| forecast_\w+ \|(.*)\|$", finished.stdout, re.MULTILINE)
    assert len(rows) == 3
    for row in rows:
        compute, call, *_ = (float(cell) for cell in row.split("|"))
        assert 0 < compute <= call
