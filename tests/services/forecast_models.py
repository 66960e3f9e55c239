"""A repository with published forecasting models, and prices to ask them about."""

import shutil
from pathlib import Path

import numpy as np

from fourcast_models.repository import read_model
from fourcast_models.sequence.prices_file import write_series
from fourcast_models.sequence.series import Series

PUBLISHED = Path(__file__).resolve().parents[2] / "models" / "repository"
MODELS = ("forecast_har", "forecast_mlp", "forecast_lstm")


def copy_forecast_models(folder: Path) -> Path:
    """Some of the project's own models alone, so that a server starts quickly."""
    for name in MODELS:
        shutil.copytree(PUBLISHED / name, folder / name)
    return folder


def version_of(name: str) -> str:
    """The version of one of them that serves."""
    return str(read_model(PUBLISHED, name).versions[0])


def walk(days: int, seed: int = 0, last: str = "2026-11-20") -> Series:
    """A random walk whose last day is given; heavy tails, 3 % a day."""
    moves = 0.02 * np.random.default_rng(seed).standard_t(5, days - 1)
    closes = 100 * np.exp(np.concatenate([[0.0], np.cumsum(moves)]))
    return Series("walk", np.datetime64(last) - np.arange(days)[::-1], closes)


def csv_of(series: Series) -> bytes:
    """The series as a file."""
    return write_series(series)
