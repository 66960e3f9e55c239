"""What the project set out to reach, and whether a report reaches it.

Each target is judged by the worst of all networks and seeds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from fourcast_models.sequence.forecasts import Floats, Forecasts
from fourcast_models.sequence.scores import (
    is_covered,
    magnitude_losses,
    price_losses,
    qlike_losses,
)
from fourcast_models.sequence.significance import compare
from fourcast_training.sequence.backtests import Row
from fourcast_training.sequence.report import GARCH, HAR, NAIVE, Report, groups_of

MOST_RATIO = 1.01
"""A network's mean absolute error over naive's, on every period."""

MOST_MISS, MOST_MISS_IN_GROUP = 0.025, 0.05
"""Between the level of an interval and the share that it held: of all days, of a group of them."""

MOST_VOLATILITY = {"btc": 0.55, "eth": 0.61}
"""Squared error of the forecast absolute return over yesterday's, by how a series' name begins."""

MOST_TO_HAR = 1.01
STRETCH_STATISTIC = -1.65
LEVELS = (80, 95)


@dataclass(frozen=True)
class Target:
    """One target, judged.

    Attributes:
        name: What is measured.
        bound: The largest that is allowed.
        worst: The largest that was found.
        where: The network, its seed, and the days.
    """

    name: str
    bound: float
    worst: float
    where: str

    @property
    def is_met(self) -> bool:
        """Whether nothing is larger than allowed."""
        return self.worst <= self.bound


@dataclass(frozen=True)
class _Found:
    value: float
    where: str


def judge(report: Report) -> list[Target]:
    """Every target that applies to a series."""
    names: dict[str, tuple[float, Callable[[Report], Iterator[_Found]]]] = {
        "price error to naive's, every year": (MOST_RATIO, _ratios),
        "miss of the intervals, all days": (MOST_MISS, lambda one: _misses(one, together=True)),
        "miss of the intervals, thirds and years": (
            MOST_MISS_IN_GROUP,
            lambda one: _misses(one, together=False),
        ),
        "QLIKE less that of GARCH with t errors": (0.0, _qlikes),
        "volatility error to HAR's": (MOST_TO_HAR, _to_har),
        "t of that beside HAR (stretch)": (STRETCH_STATISTIC, _statistics),
    }
    for prefix, bound in MOST_VOLATILITY.items():
        if report.series.name.startswith(prefix):
            names["volatility error to yesterday's"] = (bound, _to_yesterday)
    targets = []
    for name, (bound, find) in names.items():
        worst = max(find(report), key=lambda found: found.value)
        targets.append(Target(name, bound, worst.value, worst.where))
    return targets


def table(report: Report) -> str:
    """The targets in Markdown."""
    lines = ["| target | at most | worst | met | where |", "| --- | ---: | ---: | --- | --- |"]
    lines += [
        f"| {one.name} | {one.bound:.4g} | {one.worst:.4f} | {'yes' if one.is_met else 'no'} "
        f"| {one.where} |"
        for one in judge(report)
    ]
    return "\n".join(lines)


def year_table(report: Report) -> str:
    """The price error over naive's in every year and third, one day ahead, in Markdown."""
    groups = groups_of(report.series, report.raw[NAIVE])
    lines = [
        f"| forecast | seed | {' | '.join(groups)} |",
        f"| --- | ---: |{' ---: |' * len(groups)}",
    ]
    naive = price_losses(report.raw[NAIVE], report.series, 1)
    for row, forecasts in report.raw.items():
        losses = price_losses(forecasts, report.series, 1)
        cells = " | ".join(
            f"{losses[days].mean() / naive[days].mean():.4f}" for days in groups.values()
        )
        lines.append(f"| {row[0]} | {row[1]} | {cells} |")
        if row == NAIVE:
            lines.append(f"| always up | | |{' |' * (len(groups) - 1)}")
    return "\n".join(lines)


def _ratios(report: Report) -> Iterator[_Found]:
    naive = price_losses(report.raw[NAIVE], report.series, 1)
    for row in report.networks:
        losses = price_losses(report.raw[row], report.series, 1)
        for name, days in groups_of(report.series, report.raw[NAIVE]).items():
            yield _Found(float(losses[days].mean() / naive[days].mean()), _where(row, name))


def _misses(report: Report, *, together: bool) -> Iterator[_Found]:
    for row in report.networks:
        for level in LEVELS:
            inside = is_covered(report.intervals[row], report.series, level, 1)
            for name, days in groups_of(report.series, report.raw[NAIVE]).items():
                if (name == "all") == together:
                    miss = abs(float(np.nanmean(inside[days])) - level / 100)
                    yield _Found(miss, _where(row, f"{level} %, {name}"))


def _qlikes(report: Report) -> Iterator[_Found]:
    garch = qlike_losses(report.raw[GARCH], report.series, 1).mean()
    for row in report.networks:
        own = qlike_losses(report.raw[row], report.series, 1).mean()
        yield _Found(float(own - garch), _where(row, "all"))


def _to_yesterday(report: Report) -> Iterator[_Found]:
    for row in report.networks:
        yield _Found(report.scores[row].magnitude, _where(row, "all"))


def _to_har(report: Report) -> Iterator[_Found]:
    har = _sizes(report, report.raw[HAR])
    for row in report.networks:
        yield _Found(float(_sizes(report, report.raw[row]).mean() / har.mean()), _where(row, "all"))


def _statistics(report: Report) -> Iterator[_Found]:
    har = _sizes(report, report.raw[HAR])
    for row in report.networks:
        found = compare(_sizes(report, report.raw[row]), har, 1)
        yield _Found(found.statistic, _where(row, "all"))


def _sizes(report: Report, forecasts: Forecasts) -> Floats:
    return magnitude_losses(forecasts, report.series, 1)


def _where(row: Row, days: str) -> str:
    return f"{row[0]}, seed {row[1]}, {days}"
