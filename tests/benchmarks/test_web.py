"""The benchmark of the web app: real visitors of a real gateway."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.web.visitors import PARTS
from fourcast_clients.web.pages import PAGES

CHECKOUT = Path(__file__).resolve().parents[2]


def run(*flags: str) -> str:
    """The benchmark's report."""
    command = [sys.executable, "-m", "benchmarks.web", "--visitors", "3", "--seconds", "2"]
    finished = subprocess.run(
        [*command, *flags], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def check_percentiles(cells: str) -> None:
    median, nine_tenths, most = (float(cell) for cell in cells.split("|"))
    assert 0 <= median <= nine_tenths <= most  # in milliseconds, rounded


def test_visitors_are_answered() -> None:
    report = run("--browser", "None")
    assert "| errors of 3 visitors | 0 | 0 | | yes |" in report
    memory = re.search(r"parts: ([\d, ]+) \| < \+5% \| [+-]\d+\.\d% \|", report)
    assert memory
    assert len(memory[1].split(", ")) == 1 + PARTS
    rows = re.findall(r"^\| (move|page|stroke) \| (\d+) \|(.*)\|$", report, re.MULTILINE)
    assert [name for name, *_ in rows] == ["move", "page", "stroke"]
    assert int(rows[1][1]) == 3 * len(PAGES)  # each of the three loads every page once
    for _, _, cells in rows:
        check_percentiles(cells)


def test_a_browser_is_used_before_and_after() -> None:
    chromium = os.environ.get("FOURCAST_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.skip("no browser: install Debian's chromium, or set FOURCAST_CHROMIUM")
    report = run("--browser", chromium, "--inputs", "3")
    kinds = ("key", "click", "letter", "pen down", "pen up")
    for kind in kinds:
        assert re.search(rf"^\| {kind} to \w+, .* \| < \d+ ms \| \d+ ms \| \d+ ms", report, re.M)
        rows = re.findall(rf"^\| {kind} \|(.*)\|$", report, re.MULTILINE)
        assert len(rows) == 2
        for cells in rows:
            check_percentiles(cells)
