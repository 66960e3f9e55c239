"""The benchmarks of the forecasts: every table has what it must have, and targets are judged."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.forecast.__main__ import Benchmark
from benchmarks.forecast.speed import Benchmark as Speed
from benchmarks.forecast.targets import judge
from fourcast_models.sequence.baselines import naive
from fourcast_models.sequence.forecasts import Forecasts
from fourcast_models.sequence.series import Series
from fourcast_training.sequence.generated import generate
from fourcast_training.sequence.report import report_on
from tests.services.forecast_models import copy_forecast_models


def test_a_quick_run_prints_every_table_and_a_second_one_does_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark = Benchmark(quick=True, networks=("mlp",), folder=tmp_path)
    is_met = benchmark.run()
    printed = capsys.readouterr().out
    tables = re.findall(r"(?:^\|.*\n)+", printed, re.MULTILINE)
    assert len(tables) == 6
    for table in tables[:-1]:
        assert "\n| naive |" in table
        assert "\n| always up |" in table
        assert "\n| mlp | 0 |" in table
    assert tables[-1].count("\n") == 2 + 6
    judged = [line for line in tables[-1].splitlines()[2:] if "stretch" not in line]
    assert is_met == all("| yes |" in line for line in judged)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.npz")}
    assert len(before) == 6
    assert benchmark.run() == is_met
    assert capsys.readouterr().out == printed
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.npz")} == before


def test_wrong_flags_say_so() -> None:
    with pytest.raises(ValueError, match="--networks: give some of mlp, lstm"):
        Benchmark(networks=("transformer",))
    with pytest.raises(ValueError, match="--seeds: give at least one"):
        Benchmark(seeds=())


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


def test_the_speed_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Speed(calls=2, models=copy_forecast_models(tmp_path)).run()
    rows = re.findall(r"^\| forecast_\w+ \|(.*)\|$", capsys.readouterr().out, re.MULTILINE)
    assert len(rows) == 3
    for row in rows:
        compute, call, *_ = (float(cell) for cell in row.split("|"))
        assert 0 < compute <= call
