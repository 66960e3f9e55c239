"""Test a forecasting network beside naive, always up, ETS, GARCH and HAR; train and publish it."""

import logging
import shlex
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import tyro

from fourcast_models.model_config import Arrays, Batching, ModelConfig
from fourcast_models.repository import default_repository, read_model
from fourcast_models.sequence.codec import CODEC_VERSION, Tensors
from fourcast_models.sequence.forecasts import forecasts_from
from fourcast_models.sequence.prices_file import read_series
from fourcast_models.sequence.series import Series
from fourcast_training.export import Origin, export, open_onnx, stamp_of, to_onnx
from fourcast_training.loop import choose_device
from fourcast_training.sequence.backtests import BESIDE, backtest_all, model_of
from fourcast_training.sequence.card import Result, write_card
from fourcast_training.sequence.charts import save_coverage, save_fan, save_volatility
from fourcast_training.sequence.generated import generate
from fourcast_training.sequence.learned import fewest_days, learn
from fourcast_training.sequence.net import ServedNet
from fourcast_training.sequence.presets import PROGRAM, TrainConfig, chosen_preset
from fourcast_training.sequence.report import Report, report_on
from fourcast_training.sequence.walk_forward import ProtocolConfig, walk_forward

log = logging.getLogger(__name__)

MAX_BATCH = 256
GOLDEN_WINDOWS = 32

_FEWEST_TEST_DAYS = 90
"""After the end of training, for `--evaluate`."""


def main(args: list[str]) -> None:
    """``fourcast-train forecast``."""
    config = tyro.cli(TrainConfig, args=args, default=chosen_preset(args), prog=PROGRAM)
    if config.evaluate:
        evaluate_published(config)
    else:
        train(config, command=shlex.join(PROGRAM.split() + args))


def train(config: TrainConfig, command: str) -> Result:
    """The whole path: series, walk-forward tests, training, pictures, publication.

    Args:
        config: What to do.
        command: What makes this run again, for the card.

    Raises:
        ValueError: If the series is too short, or no seed is given.
    """
    choose_device(config.learn.loop.device)  # fails now, not after the test
    if not config.protocol.seeds:
        raise ValueError("--protocol.seeds: give at least one")
    Tensors(config.learn.net.window, config.learn.net.horizon)  # checks both
    everything = _series(config)
    for series in everything:
        _check_length(series, config)
    reports = []
    for series in everything:
        tests = backtest_all(
            {config.model: config.learn}, series, config.protocol, config.tests, config.jobs
        )
        reports.append(report_on(series, [config.model], tests))
        print(reports[-1].text())
        _save_pictures(reports[-1], config)
    trained = tuple(series.until(len(series) - config.hold_out) for series in everything)
    seed = config.protocol.seeds[0]
    network, progress = learn(trained, config.learn, seed, config.folder)
    result = Result(
        command=command,
        config=config,
        trained=trained,
        parameters=sum(p.numel() for p in network.parameters()),
        seed=seed,
        progress=progress,
        reports=tuple(reports),
    )
    if config.publish:
        _publish(ServedNet(network, result.until).eval(), config, result)
    return result


def evaluate_published(config: TrainConfig) -> list[Report]:
    """Measure the newest version of the published model on the days after its training.

    Raises:
        ValueError: If a series has too few of them.
    """
    model = read_model(config.repository or default_repository(), config.name)
    weights = model.weights(model.versions[0])
    print(
        f"{weights}, {weights.stat().st_size / 1e6:.2f} MB, made by: {stamp_of(weights)['command']}"
    )
    horizon, _ = model.config.outputs[0].dims
    tensors = Tensors(model.config.inputs[0].dims[0], horizon)
    return [_evaluate(weights, tensors, series, config) for series in _series(config)]


def _evaluate(weights: Path, tensors: Tensors, series: Series, config: TrainConfig) -> Report:
    run = open_onnx(weights)
    last = np.array([len(series) - 1])
    answer = run(tensors.encode(series, last))
    until = np.datetime64(int(answer["trained_until"][0, 0]), "D")
    days = int((series.days > until).sum()) - 1
    if days < _FEWEST_TEST_DAYS:
        raise ValueError(
            f"{config.name} was trained up to {until} and {series.name} ends on {series.days[-1]}: "
            f"give a series with at least {_FEWEST_TEST_DAYS + 1} days after that"
        )
    print(f"trained up to {until}; measured on the {days} days after it, never fitted again")
    learn = replace(config.learn, net=replace(config.learn.net, horizon=tensors.horizon))
    protocol = ProtocolConfig(days=days, refit=0)
    tests = {(name, 0): walk_forward(model_of(name, learn), series, protocol, 0) for name in BESIDE}
    origins = tests["naive", 0].origins
    # HAR, too, is measured as it was published.
    tests[config.model, 0] = forecasts_from(run(tensors.encode(series, origins)), origins)
    report = report_on(series, [config.model], tests)
    print(report.text())
    return report


def _series(config: TrainConfig) -> list[Series]:
    if config.data:
        return [read_series(file) for file in config.data]
    return [generate(config.process, config.days, seed=0)]


def _check_length(series: Series, config: TrainConfig) -> None:
    """Fail before the long work begins."""
    fewest = fewest_days(config.learn.net) + max(config.protocol.days, config.hold_out) + 1
    if config.hold_out < 0 or len(series) < fewest:
        raise ValueError(
            f"{series.name} has {len(series)} days: a test of {config.protocol.days} days and "
            f"{config.hold_out} held out (at least 0) need a series of at least {fewest}"
        )


def _save_pictures(report: Report, config: TrainConfig) -> None:
    row = report.networks[0]
    series, forecasts = report.series, report.intervals[row]
    title = f"{config.model} on {series.name}"
    save_fan(series, forecasts, title, config.folder / f"{series.name}-fan.png")
    save_coverage(series, forecasts, title, config.folder / f"{series.name}-coverage.png")
    save_volatility(series, forecasts, title, config.folder / f"{series.name}-volatility.png")
    log.info("pictures: %s", config.folder)


def _publish(served: ServedNet, config: TrainConfig, result: Result) -> None:
    net = config.learn.net
    tensors = Tensors(net.window, net.horizon)
    series = result.trained[0]
    origins = np.linspace(net.window - 1, len(series) - 1, GOLDEN_WINDOWS, dtype=np.int64)
    golden = tensors.encode(series, origins)
    # Prices around 1: parity is an absolute difference, and the graph knows no currency.
    golden["close"] = golden["close"] / golden["close"][:, -1:]
    with warnings.catch_warnings():
        # torch's exporter warns about the way torch's LSTM keeps its weights.
        warnings.simplefilter("ignore", UserWarning)
        _export(served, config, result, tensors, golden)


def _export(
    served: ServedNet, config: TrainConfig, result: Result, tensors: Tensors, golden: Arrays
) -> None:
    export(
        to_onnx(
            served,
            ModelConfig(
                name=config.name,
                inputs=tensors.inputs,
                outputs=tensors.outputs,
                max_batch_size=MAX_BATCH,
                batching=Batching(),
                parameters={"codec_version": str(CODEC_VERSION)},
            ),
            golden,
        ),
        origin=Origin(
            codec_version=CODEC_VERSION,
            datasets={series.name: series.sha256 for series in result.trained},
            metrics={
                f"{report.series.name}.{name}": value
                for report in result.reports
                for name, value in report.metrics().items()
            },
            command=result.command,
        ),
        card=lambda version: write_card(version, result),
        repository=config.repository or default_repository(),
    )
