"""The benchmark of the web app: real visitors of a real gateway."""

import re
import subprocess
import sys
from pathlib import Path

from fourcast_clients.web.pages import PAGES

CHECKOUT = Path(__file__).resolve().parents[2]


def test_visitors_are_answered() -> None:
    command = [sys.executable, "-m", "benchmarks.web", "--visitors", "3", "--seconds", "2"]
    finished = subprocess.run(
        [*command, "--browser", "None"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert re.match(r"3 visitors for 2 s: \d+ requests, 0 errors\n", finished.stdout)
    rows = re.findall(r"^\| (\w+) \| (\d+) \|(.*)\|$", finished.stdout, re.MULTILINE)
    assert [name for name, *_ in rows] == ["page", "move", "stroke"]
    assert int(rows[0][1]) == 3 * len(PAGES)  # each of the three loads every page once
    for _, _, cells in rows:
        median, nine_tenths, most = (float(cell) for cell in cells.split("|"))
        assert 0 < median <= nine_tenths <= most
