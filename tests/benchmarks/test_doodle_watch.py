"""The benchmark of watching: real drawings by real streams, and times that fit together."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.doodle_watch import POINT_SPACING, changes, traced
from tests.services.small_doodle import publish_small_doodle

CHECKOUT = Path(__file__).resolve().parents[2]


def run(*flags: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.doodle_watch", *map(str, flags)]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)


def test_people_draw_and_are_answered(tmp_path: Path) -> None:
    publish_small_doodle(tmp_path, "doodle_strokes", "raster")
    flags = ("--people", 3, "--seconds", 2, "--models", tmp_path, "--data.generated", 60)
    finished = run(*flags)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.startswith("doodle_strokes version 1, 3 people for 2 s, seed 1")
    sent, answers = map(int, re.findall(r"(\d+) (?:changes|answers)", finished.stdout))
    assert 0 < answers <= sent
    rows = re.findall(r"^\| (newest|oldest) \|(.*)\|$", finished.stdout, re.MULTILINE)
    newest, oldest = ([float(cell) for cell in cells.split("|")] for _, cells in rows)
    assert newest == sorted(newest)
    assert all(0 < first <= last for first, last in zip(newest, oldest, strict=True))


def test_the_changes_are_the_drawing() -> None:
    drawing = (np.array([(0.0, 0.0), (30.0, 40.0), (30.0, 255.0)]), np.array([(9.0, 9.0)]))
    sent = [change for _, change in changes(drawing)]
    assert [change.WhichOneof("change") for change in sent].count("stroke") == 2
    assert sent[-1].WhichOneof("change") == "clear"
    for stroke in drawing:
        points = traced(stroke)
        np.testing.assert_array_equal(points[[0, -1]], stroke[[0, -1]])
        assert np.hypot(*np.diff(points, axis=0).T).max(initial=0) < 1.1 * POINT_SPACING


@pytest.mark.parametrize(
    ("flags", "status", "reason"),
    [
        (("--people", 0), 2, "--people is 0"),
        (("--seconds", 0), 2, "--seconds is 0"),
        (("--data", "/nowhere"), 1, "no drawings there"),
        (("--data.generated", 60, "--models", "/nowhere"), 1, "the service did not start"),
    ],
)
def test_wrong_flags(flags: tuple[object, ...], status: int, reason: str) -> None:
    finished = run(*flags)
    assert finished.returncode == status
    assert reason in " ".join(finished.stderr.split())
    assert "Traceback" not in finished.stderr
