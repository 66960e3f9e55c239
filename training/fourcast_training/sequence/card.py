"""The model card of a forecasting network, written from what was measured."""

from dataclasses import dataclass

from fourcast_models.sequence.codec import QUANTILES
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
| `weekday` | input | INT64 [N, 1] | of the last close, 0 is Monday |
| `prices` | output | FP64 [N, {horizon}, {quantiles}] | quantiles {levels} of each day's close |
| `volatility` | output | FP64 [N, {horizon}] | standard deviation of each day's log return |
| `magnitude` | output | FP64 [N, {horizon}] | mean of its absolute value |
| `magnitudes` | output | FP64 [N, {horizon}, {quantiles}] | quantiles of its absolute value |

{parameters:,} parameters ({model}) that correct a heterogeneous autoregression of the absolute
returns and the last price, which are in the graph, too. Trained on {trained} days of {series}, up
to {until}, for {epochs} epochs; {choice}. Made by the following command, with seed {seed}:

    {command}

## Walk-forward test

Fitted anew every {refit} days on the days before only (0 is never), with seeds {seeds}. The
published file itself has seen most of these days; `fourcast-train forecast --model {model}
--evaluate` measures it on the days after {until} alone.

{report}

## Data

{data}, SHA-256 of the days and closes that were trained on: `{sha256}`.

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
        trained: The days that the published network was trained on.
        parameters: Of the network.
        seed: Of its training.
        progress: Of its training.
        report: Of the walk-forward test.
    """

    command: str
    config: TrainConfig
    trained: Series
    parameters: int
    seed: int
    progress: Progress
    report: Report


def write_card(version: int, result: Result) -> str:
    """The card as Markdown."""
    config, progress = result.config, result.progress
    if progress.best_score > 0:
        choice = (
            f"the weights are those of epoch {progress.best_epoch}, the best on the newest part"
        )
    else:
        choice = "no epoch was better on the newest part than no correction, so it corrects nothing"
    return CARD.format(
        name=config.name,
        version=version,
        verdicts=result.report.verdicts(),
        horizon=config.learn.net.horizon,
        window=config.learn.net.window,
        quantiles=len(QUANTILES),
        levels=", ".join(map(str, QUANTILES)),
        parameters=result.parameters,
        model=config.model,
        trained=len(result.trained),
        series=result.trained.name,
        until=result.trained.days[-1],
        epochs=progress.epoch,
        choice=choice,
        seed=result.seed,
        command=result.command,
        refit=config.protocol.refit,
        seeds=", ".join(map(str, config.protocol.seeds)),
        report=result.report.text(),
        data=f"`{config.data}`" if config.data else f"Generated: {config.process}",
        sha256=result.trained.sha256,
    )
