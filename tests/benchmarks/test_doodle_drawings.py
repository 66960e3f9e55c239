"""The benchmark of the number of drawings: equal runs, more drawings, a table and a curve."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks.doodle_drawings import PLOT_FILE, Benchmark
from fourcast_training.doodle.data import DataConfig


def test_runs_differ_in_their_drawings_alone(tmp_path: Path) -> None:
    report = Benchmark(
        drawings=(20, 5),
        epochs=1,
        widths=(8, 12, 16),
        per_class=12,
        jobs=1,
        folder=tmp_path,
        data=DataConfig(generated=40, validation=5, test=10),
    ).run()
    facts, _, header, _, *rows = report.splitlines()
    assert "1 epochs of 12 pictures a category" in facts
    assert header.startswith("| drawings a category at most | drawings | top-1 |")
    assert [row.split("|")[1].strip() for row in rows] == ["5", "20"]
    assert (tmp_path / PLOT_FILE).read_bytes().startswith(b"\x89PNG")
    few, many = (
        json.loads(torch.load(tmp_path / name / "checkpoint.pt", weights_only=True)["identity"])
        for name in ("5", "20")
    )
    assert few["data"].pop("train") != many["data"].pop("train")
    assert few == many


def test_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="--drawings takes numbers of at least 1"):
        Benchmark(drawings=(0, 100))
