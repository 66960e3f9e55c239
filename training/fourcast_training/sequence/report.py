"""Everything that is measured of forecasts, as tables beside the baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fourcast_models.sequence.codec import MEDIAN, bounds_of
from fourcast_models.sequence.conformal import conformal
from fourcast_models.sequence.forecasts import Forecasts
from fourcast_models.sequence.scores import (
    Score,
    always_up,
    is_covered,
    magnitude_losses,
    qlike_losses,
    score,
)
from fourcast_models.sequence.series import Series
from fourcast_models.sequence.significance import Comparison, compare
from fourcast_training.sequence.backtests import Row

_SHOWN_LEVELS = (80, 95)
_FEWEST_DAYS = 60
"""Of a year that is shown."""

NAIVE: Row = ("naive", 0)
HAR: Row = ("har", 0)
GARCH: Row = ("garch", 0)


@dataclass(frozen=True)
class Report:
    """The test of some networks beside the baselines'.

    Attributes:
        series: What was forecast.
        names: Of the networks.
        raw: Forecasts by model and seed.
        intervals: The same with rolling conformal intervals.
        scores: One day ahead, of `intervals`.
    """

    series: Series
    names: tuple[str, ...]
    raw: Mapping[Row, Forecasts]
    intervals: Mapping[Row, Forecasts]
    scores: Mapping[Row, Score]

    @property
    def networks(self) -> list[Row]:
        """The rows of the networks."""
        return [row for row in self.raw if row[0] in self.names]

    def verdicts(self) -> str:
        """In words, one line for each seed."""
        return "\n".join(
            f"{name} (seed {seed}) is {self.scores[name, seed].price.verdict()}, one day "
            f"ahead over {self.scores[name, seed].days} days of {self.series.name}."
            for name, seed in self.networks
        )

    def metrics(self) -> dict[str, float]:
        """The figures of the first network with its first seed, one day ahead."""
        first = self.scores[self.networks[0]]
        return {
            "error_ratio": first.ratio,
            "p": first.price.p,
            "coverage_80": first.coverage[80],
            "coverage_95": first.coverage[95],
            "magnitude_ratio": first.magnitude,
            "qlike": first.qlike,
        }

    def text(self) -> str:
        """All of it in Markdown."""
        days = self.series.days[self.raw[NAIVE].origins[[0, -1]]]
        return "\n\n".join(
            [
                f"{self.series.name}, forecast from each day of {days[0]} to {days[1]}.",
                self.verdicts(),
                '"Always up" names a direction and nothing else, so most of its cells are empty.',
                "The price, one day ahead, beside repeating the last price (naive). The test is "
                "Diebold and Mariano's.",
                self._price_table(),
                "Share of outcomes inside the rolling conformal intervals, one day ahead. Calm, "
                "middle and wild are thirds of the days by the volatility of the 30 days before.",
                self._coverage_table(),
                "Volatility, one day ahead: the squared error of the absolute log return over that "
                "of yesterday's, and beside HAR; QLIKE, lower is better, and beside GARCH with t "
                "errors. A t below -1.65 is significantly better.",
                self._volatility_table(),
                "Further ahead; the width is that of the 80 % interval, as a share of the price.",
                self._horizon_table(),
            ]
        )

    def _price_table(self) -> str:
        lines = [
            "| forecast | seed | MAE | ratio to naive | direction right | t | p | the price is |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
        ]
        for (name, seed), row in self.scores.items():
            lines.append(
                f"| {name} | {seed} | {row.error:.6g} | {row.ratio:.4f} | {_share(row.direction)} "
                f"| {row.price.statistic:.2f} | {row.price.p:.3f} "
                f"| {row.price.outcome} the last one |"
            )
            if (name, seed) == NAIVE:
                up = always_up(self.raw[NAIVE], self.series, 1)
                lines.append(f"| always up | | | | {_share(up)} | | | |")
        return "\n".join(lines)

    def _coverage_table(self) -> str:
        groups = groups_of(self.series, self.raw[NAIVE])
        lines = [
            f"| forecast | seed | level | {' | '.join(groups)} |",
            f"| --- | ---: | ---: |{' ---: |' * len(groups)}",
        ]
        for (name, seed), forecasts in self.intervals.items():
            for level in _SHOWN_LEVELS:
                inside = is_covered(forecasts, self.series, level, 1)
                cells = " | ".join(f"{np.nanmean(inside[rows]):.1%}" for rows in groups.values())
                lines.append(f"| {name} | {seed} | {level} % | {cells} |")
            if (name, seed) == NAIVE:
                lines.append(f"| always up | | |{' |' * len(groups)}")
        return "\n".join(lines)

    def _volatility_table(self) -> str:
        lines = [
            "| forecast | seed | to yesterday's | to HAR's | t | QLIKE | to GARCH's | t |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        ]
        series = self.series
        har = magnitude_losses(self.raw[HAR], series, 1)
        garch = qlike_losses(self.raw[GARCH], series, 1)
        for (name, seed), forecasts in self.raw.items():
            losses = magnitude_losses(forecasts, series, 1)
            qlike = qlike_losses(forecasts, series, 1)
            lines.append(
                f"| {name} | {seed} | {self.scores[name, seed].magnitude:.4f} "
                f"| {losses.mean() / har.mean():.4f} | {compare(losses, har, 1).statistic:.2f} "
                f"| {qlike.mean():.4f} | {qlike.mean() - garch.mean():+.4f} "
                f"| {compare(qlike, garch, 1).statistic:.2f} |"
            )
            if (name, seed) == NAIVE:
                lines.append("| always up | | | | | | | |")
        return "\n".join(lines)

    def _horizon_table(self) -> str:
        horizon = self.raw[NAIVE].prices.shape[1]
        lines = [
            "| forecast | seed | days ahead | ratio to naive | price | 80 % | 95 % | width |",
            "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |",
        ]
        for row, forecasts in self.intervals.items():
            for ahead in sorted({1, min(7, horizon), horizon}):
                one = score(forecasts, self.intervals[NAIVE], self.series, ahead)
                lines.append(
                    f"| {row[0]} | {row[1]} | {ahead} | {one.ratio:.4f} | {_verdict(one.price)} "
                    f"| {one.coverage[80]:.1%} | {one.coverage[95]:.1%} "
                    f"| {_width(forecasts, ahead):.1%} |"
                )
            if row == NAIVE:
                lines.append("| always up | | | | | | | |")
        return "\n".join(lines)


def report_on(series: Series, names: Sequence[str], raw: Mapping[Row, Forecasts]) -> Report:
    """Score forecasts of the same origins, naive's among them.

    Args:
        series: What was forecast.
        names: Of the networks among the rows.
        raw: Forecasts by model and seed; naive, har and garch are there.
    """
    intervals = {row: conformal(forecasts, series) for row, forecasts in raw.items()}
    scores = {
        row: score(forecasts, intervals[NAIVE], series, 1) for row, forecasts in intervals.items()
    }
    return Report(series, tuple(names), raw, intervals, scores)


def groups_of(series: Series, naive: Forecasts) -> dict[str, npt.NDArray[np.bool_]]:
    """The origins altogether, in thirds of recent volatility, and by year of the outcome."""
    recent = naive.volatility[:, 0]
    low, high = np.quantile(recent, [1 / 3, 2 / 3])
    groups = {
        "all": np.ones(len(recent), dtype=np.bool_),
        "calm": recent <= low,
        "middle": (low < recent) & (recent <= high),
        "wild": recent > high,
    }
    years = series.days[naive.origins + 1].astype("datetime64[Y]")
    for year in np.unique(years):
        rows = years == year
        if rows.sum() >= _FEWEST_DAYS:
            groups[str(year)] = rows
    return groups


def _verdict(comparison: Comparison) -> str:
    return f"{comparison.outcome} the last one (p = {comparison.p:.3f})"


def _width(forecasts: Forecasts, ahead: int) -> float:
    """The mean width of the 80 % interval as a share of the median."""
    low, high = bounds_of(80)
    fan = forecasts.prices[:, ahead - 1]
    return float(((fan[:, high] - fan[:, low]) / fan[:, MEDIAN]).mean())


def _share(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.1%}"
