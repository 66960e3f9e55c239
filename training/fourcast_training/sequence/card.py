"""The model card of a forecasting network, written from what was measured."""

from dataclasses import dataclass

import numpy as np

from fourcast_models.sequence.codec import QUANTILES, UNIT_DAYS
from fourcast_models.sequence.series import Series
from fourcast_training.loop import Progress
from fourcast_training.sequence.presets import TrainConfig
from fourcast_training.sequence.report import Report

CARD = """\
# {name}, version {version}

Forecasts daily prices: quantiles of the next {horizon} closes, and how far each day will move. Raw
closes go in, in any currency; the graph scales them.

**{verdicts}**

| tensor | | type and shape | meaning |
| --- | --- | --- | --- |
| `close` | input | FP64 [N, {window}] | the last closes, the oldest first |
| `weekday` | input | INT64 [N, 1] | of the last close, 0 is Monday, 7 is not known |
| `unit` | input | FP64 [N, 1] | root mean square of the last log returns, up to {unit_days} |
| `prices` | output | FP64 [N, {horizon}, {quantiles}] | quantiles {levels} of each day's close |
| `volatility` | output | FP64 [N, {horizon}] | standard deviation of each day's log return |
| `magnitude` | output | FP64 [N, {horizon}] | mean of its absolute value |
| `magnitudes` | output | FP64 [N, {horizon}, {quantiles}] | quantiles of its absolute value |
| `trained_until` | output | INT64 [N, 1] | last day that training saw, in days since 1970-01-01 |

{architecture} Trained on {trained}. {choice} Made by the following command, with seed {seed}:

    {command}

## Walk-forward test

Each series alone, fitted anew every {refit} days on the days before only (0 is never), with seeds
{seeds}. The published file itself has seen most of these days; `fourcast-train forecast --model
{model} --evaluate` with the same data measures it on the days after {until} alone.

{reports}

## Data

{data}

## Limits

- One day's direction is close to a coin's fall; the verdict above says what was found.
- Intervals hold as well as the future resembles the past. Those above are corrected by what earlier
  forecasts met; those of the file alone are not.
- It knows closes and the day of the week, no news and no order book. It is no advice to buy or to
  sell.

## Licence

Apache-2.0, as the rest of fourcast. The prices have their own licence.
"""


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes:
        command: What makes it again.
        config: Of the run.
        trained: The series that the published network was trained on, cut to its days.
        parameters: Of the network.
        seed: Of its training.
        progress: Of its training.
        reports: Of the walk-forward tests, one for each series.
    """

    command: str
    config: TrainConfig
    trained: tuple[Series, ...]
    parameters: int
    seed: int
    progress: Progress
    reports: tuple[Report, ...]

    @property
    def until(self) -> np.datetime64:
        """The last day that training saw."""
        last: np.datetime64 = max(series.days[-1] for series in self.trained)
        return last


def write_card(version: int, result: Result) -> str:
    """The card as Markdown."""
    config = result.config
    return CARD.format(
        name=config.name,
        version=version,
        verdicts="\n".join(report.verdicts() for report in result.reports),
        horizon=config.learn.net.horizon,
        window=config.learn.net.window,
        quantiles=len(QUANTILES),
        levels=", ".join(map(str, QUANTILES)),
        unit_days=UNIT_DAYS,
        architecture=_architecture(result),
        model=config.model,
        trained=" and ".join(
            f"{len(series)} days of {series.name} up to {series.days[-1]}"
            for series in result.trained
        ),
        until=result.until,
        choice=_choice(result),
        seed=result.seed,
        command=result.command,
        refit=config.protocol.refit,
        seeds=", ".join(map(str, config.protocol.seeds)),
        reports="\n\n".join(report.text() for report in result.reports),
        data="\n".join(
            f"- {source}; SHA-256 of the days and closes that were trained on: `{series.sha256}`"
            for source, series in zip(_sources(config), result.trained, strict=True)
        ),
    )


def _architecture(result: Result) -> str:
    if result.config.model == "har":
        return (
            "A heterogeneous autoregression of the absolute returns around the last price, fitted "
            "by least squares, and no network: what the networks correct, and are compared with."
        )
    return (
        f"{result.parameters:,} parameters ({result.config.model}) that correct a heterogeneous "
        "autoregression of the absolute returns and the last price, which are in the graph, too."
    )


def _choice(result: Result) -> str:
    progress = result.progress
    if result.config.model == "har":
        return "Nothing is trained in epochs."
    if progress.best_score > 0:
        return (
            f"After {progress.epoch} epochs, the weights are those of epoch {progress.best_epoch}, "
            "the best on the newest part."
        )
    return (
        f"None of {progress.epoch} epochs was better on the newest part than no correction, so it "
        "corrects nothing."
    )


def _sources(config: TrainConfig) -> list[str]:
    return [f"`{file}`" for file in config.data] or [f"Generated: {config.process}"]
