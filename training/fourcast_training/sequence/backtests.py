"""Walk-forward tests of the baselines and a network, each kept on disk once it is done."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fourcast_models.sequence.codec import CODEC_VERSION
from fourcast_models.sequence.forecasts import Forecasts
from fourcast_models.sequence.model import Model
from fourcast_models.sequence.series import Series
from fourcast_training.loop import LoopConfig
from fourcast_training.parallel import run_parts
from fourcast_training.sequence.baselines import BASELINES
from fourcast_training.sequence.learned import LearnConfig, LearnedModel
from fourcast_training.sequence.net import NetConfig
from fourcast_training.sequence.walk_forward import ProtocolConfig, walk_forward

BESIDE = (*BASELINES, "har")
"""What every network is shown beside, naive first."""

Row = tuple[str, int]
"""A model's name and the seed of its fits."""


def model_of(name: str, config: LearnConfig) -> Model:
    """A baseline by name, or the network of this configuration by any other name."""
    if name in BASELINES:
        return BASELINES[name](config.net.horizon)
    if name == "har":
        return LearnedModel(replace(config, net=_har_of(config.net)))
    return LearnedModel(config)


def backtest_all(
    networks: Mapping[str, LearnConfig],
    series: Series,
    protocol: ProtocolConfig,
    folder: Path,
    jobs: int,
) -> dict[Row, Forecasts]:
    """The forecasts of the baselines, and of networks with each seed.

    Args:
        networks: By name, all with the same window and horizon.
        series: To forecast.
        protocol: The test.
        folder: Keeps what is done, so that another run, for other networks too, finds it there.
        jobs: Processes.
    """
    first = next(iter(networks.values()))
    plain = replace(first, net=_har_of(first.net), loop=LoopConfig())
    done = _rows([(other, 0) for other in BESIDE], series, plain, protocol, folder, jobs)
    for name, learn in networks.items():
        if name not in BESIDE:
            rows = [(name, seed) for seed in protocol.seeds]
            done |= _rows(rows, series, learn, protocol, folder, jobs)
    return done


def _rows(
    rows: list[Row],
    series: Series,
    learn: LearnConfig,
    protocol: ProtocolConfig,
    folder: Path,
    jobs: int,
) -> dict[Row, Forecasts]:
    """The forecasts of some models that share a configuration."""
    alike = replace(protocol, seeds=())
    text = json.dumps([CODEC_VERSION, rows, series.sha256, asdict(learn), asdict(alike)])
    name = f"{series.name}-{rows[0][0]}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    parts = [(row, series, learn, alike) for row in rows]
    done = run_parts(folder / name, parts, _backtest, jobs=jobs, description=name[:-13])
    return {row: _forecasts(arrays) for row, arrays in zip(rows, done, strict=True)}


def _backtest(
    row: Row, series: Series, learn: LearnConfig, protocol: ProtocolConfig
) -> Mapping[str, npt.NDArray[np.generic]]:
    name, seed = row
    return vars(walk_forward(model_of(name, learn), series, protocol, seed))


def _forecasts(arrays: Mapping[str, npt.NDArray[np.generic]]) -> Forecasts:
    return Forecasts(
        arrays["origins"].astype(np.int64),
        arrays["prices"].astype(np.float64),
        arrays["volatility"].astype(np.float64),
        arrays["magnitude"].astype(np.float64),
    )


def _har_of(net: NetConfig) -> NetConfig:
    return NetConfig(cells="none", window=net.window, horizon=net.horizon)
