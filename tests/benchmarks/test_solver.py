"""The benchmark of the solver: it runs whole, goes on after a kill, and judges rightly."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.solver import calibration, race
from benchmarks.solver.__main__ import Benchmark
from benchmarks.solver.contenders import BITBULLY, OURS, OURS_AGAIN, THEIRS, Contender, Running
from benchmarks.solver.labelling import Pace
from benchmarks.solver.report import Results, verdicts
from benchmarks.solver.waiting import positions
from fourcast_models.connect4 import minimax
from fourcast_models.connect4.board import Status, parse_moves, status

CHECKOUT = Path(__file__).resolve().parents[2]

LATE = "1624257511665611571467457732225764"


def write_set(folder: Path, wrong: int = 0) -> Path:
    """A set of late positions; so many scores in it are wrong."""
    lines: list[str] = []
    for length in range(31, 35):
        moves = LATE[:length]
        score = minimax.score(parse_moves(moves))
        lines.append(f"{moves} {score + (len(lines) < wrong)}")
    folder.mkdir()
    (folder / "Test_L3_R1.txt").write_text("\n".join(lines) + "\n")
    return folder


def run(*flags: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.solver", *map(str, flags)]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[object], Path, str]:
    """The flags of a quick run without BitBully, its folder and its report."""
    folder = tmp_path_factory.mktemp("run")
    flags: list[object] = ["sets", "labels", "analyses", "--quick", "--without-bitbully"]
    flags += ["--analyses", 20, "--data", write_set(folder / "sets"), "--out", folder / "out"]
    done = run(*flags)
    assert done.returncode == 0, done.stderr
    return flags, folder / "out", done.stdout


def test_the_quick_form_runs_whole(finished: tuple[list[object], Path, str]) -> None:
    _, out, report = finished
    assert (out / "report.md").read_text() == report
    assert re.search(
        r"^\| Test_L3_R1 \(end, easy\) \| fourcast \| .* \| 0 \|", report, re.MULTILINE
    )
    assert "- met: Test_L3_R1: every score exact; measured 0 wrong" in report
    assert re.search(r"^- \w+: 250 positions a second of at least", report, re.MULTILINE)
    assert re.search(r"^- \w+: analysis: p99 of 100 ms", report, re.MULTILINE)
    results = json.loads((out / "results.json").read_text())
    assert results["sets"]["Test_L3_R1"]["fourcast"]["nodes"] > 0
    assert results["sizes"] == {"Test_L3_R1": 4}
    assert len(results["waits"]) == 20
    assert results["ratios"] == {}


def test_a_stopped_run_goes_on(finished: tuple[list[object], Path, str]) -> None:
    flags, out, report = finished
    records = out / "records.jsonl"
    lines = records.read_bytes().splitlines(keepends=True)
    # The last record was being written when the kill came; the others must not be made again.
    records.write_bytes(b"".join(lines[:-1]) + lines[-1][:20])
    done = run(*flags)
    assert done.returncode == 0, done.stderr
    assert "1/1" in done.stderr
    kept = re.compile(r"^\| Test_L3_R1.*|^\| at least.*", re.MULTILINE)
    assert kept.findall(done.stdout) == kept.findall(report)


def test_a_wrong_score_is_seen(tmp_path: Path) -> None:
    (positions_,) = race.read_sets(write_set(tmp_path / "sets", wrong=2), most=100)
    with Running(OURS) as ours:
        (key, number, block), *_ = race.turns(positions_)
        assert key == "Test_L3_R1 0 0"
        turn = race.measure_turn({OURS.title: ours}, positions_, number, block)
    assert turn[OURS.title]["wrong"] == 2
    assert turn[OURS.title]["seconds"] > 0


def test_what_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no Test_"):
        race.read_sets(tmp_path, most=1)
    (tmp_path / "Test_L1_R1.txt").write_text("44 1\n48 1\n")
    with pytest.raises(ValueError, match=r"Test_L1_R1\.txt, line 2 .*move 2 \('8'\)"):
        race.read_sets(tmp_path, most=1)
    with pytest.raises(ValueError, match="--most is 0"):
        Benchmark(most=0)


def test_medians_are_of_blocks_and_sums_of_sets() -> None:
    def turn(seconds: float, wrong: int = 0) -> race.Turn:
        return race.Turn(seconds=seconds, nodes=10, wrong=wrong)

    rounds = [[turn(1), turn(5)], [turn(2, wrong=1), turn(3)], [turn(9), turn(4)]]
    one = race.standing(rounds)
    assert (one.seconds, one.by_round, one.nodes, one.wrong) == (6, (6, 5, 13), 20, 1)


def test_targets_are_judged() -> None:
    def standing(seconds: float) -> race.Standing:
        return race.Standing(seconds, (seconds,), 1, 0)

    sets = {
        name: {
            OURS.title: standing(1.0),
            THEIRS[0].title: standing(9.0),
            THEIRS[1].title: standing(2.0),
            OURS_AGAIN.title: standing(1.1),
        }
        for name in ("Test_L3_R1", "Test_L1_R1")
    }
    text = verdicts(
        Results(
            sets=sets,
            paces={14: Pace(240, 1.0, 1, 1.0), 12: Pace(110, 1.0, 1, 1.0)},
            waits=[(9, 0.0005)] * 98 + [(9, 0.5)] * 2,
        )
    )
    missed = [line for line in text.splitlines() if line.startswith("- MISSED")]
    assert missed == [
        "- MISSED: Test_L3_R1: 3 times as fast as BitBully; measured 2.00",
        "- MISSED: 250 positions a second of at least 14 stones; measured 240",
        "- MISSED: analysis: p99 of 100 ms; measured 500.00 ms",
    ]
    assert text.count("- met") == 5


def test_the_calibration_never_changes() -> None:
    nodes = np.zeros(1, dtype=np.int64)
    # One node on the empty board, and each of its seven children.
    assert calibration._search(0, 0, 1, -99, 99, nodes) == 0
    assert nodes[0] == 8
    assert calibration.node_rate() > 0


def test_positions_to_analyse_are_of_all_plies() -> None:
    boards = positions(84)
    assert sorted({board.plies for board in boards}) == list(range(42))
    assert all(status(board) is Status.IN_PROGRESS for board in boards)


@pytest.mark.skipif(
    not BITBULLY.is_installed, reason="BitBully is not in .peers: python -m benchmarks.solver"
)
@pytest.mark.parametrize("contender", THEIRS, ids=lambda contender: contender.title)
def test_bitbully_takes_part(tmp_path: Path, contender: Contender) -> None:
    (positions_,) = race.read_sets(write_set(tmp_path / "sets"), most=100)
    with Running(contender) as running:
        answer = running.solve(positions_.moves)
    assert tuple(answer["scores"]) == positions_.scores
    assert answer["nodes"] > 0
