"""`fourcast analyze` as a process."""

import json
import subprocess
import sys
from dataclasses import asdict

import pytest

from fourcast_clients.api import Fourcast

WON_BY_FIRST = "4455663"


def analyze(*arguments: str, lines: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the command without a terminal, with these lines on standard input."""
    return subprocess.run(
        [sys.executable, "-m", "fourcast_clients.terminal", "analyze", *arguments],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
    )


def test_scores_stand_under_their_columns(fourcast: Fourcast) -> None:
    # The first player has three in a row with both ends open.
    done = analyze("445566", "--server", fourcast.server)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    truth = fourcast.connect4.analyze("445566")
    assert lines[5].split() == ["·", "·", "·", "●", "●", "●", "·"]
    assert lines[6].split() == list("1234567")
    assert [int(score) for score in lines[7].split()] == list(truth.scores)
    assert truth.policy is not None
    assert lines[8].split() == [f"{share:.0%}" for share in truth.policy]
    assert "● the first player is to move and wins in 1 ply. Best: columns 3, 7." in lines
    assert f"A line of perfect play: {truth.principal_variation}" in lines


def test_a_game_that_is_over(fourcast: Fourcast) -> None:
    done = analyze(WON_BY_FIRST, "--server", fourcast.server)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == (
        "The game is over. The first player wins: four in a row in row 1, columns 3 to 6."
    )


def test_answers_for_programs(fourcast: Fourcast) -> None:
    done = analyze("445566", "--json", "--server", fourcast.server)
    answer, truth = json.loads(done.stdout), fourcast.connect4.analyze("445566")
    assert (answer["moves"], answer["scores"]) == ("445566", list(truth.scores))
    assert (answer["best"], answer["outcome"], answer["distance"]) == ([3, 7], "win", 1)
    assert answer["variation"] == truth.principal_variation
    assert truth.policy is not None
    assert truth.value is not None
    assert answer["policy"] == pytest.approx(truth.policy)
    assert answer["value"] == pytest.approx(asdict(truth.value))
    assert answer["source"] == "book"


def test_what_the_network_thinks_stands_beside_the_truth(fourcast: Fourcast) -> None:
    done = analyze("445566", "--server", fourcast.server)
    said = next(line for line in done.stdout.splitlines() if line.startswith("The network ("))
    truth = fourcast.connect4.analyze("445566")
    assert truth.policy is not None
    choice = 1 + truth.policy.index(max(truth.policy))
    assert f"(connect4, version {truth.model_version}) would play column {choice}: " in said
    # Any other column lets the second player close an end.
    assert ("best" in said) == (choice in truth.best_columns)


def test_many_positions_from_standard_input(fourcast: Fourcast) -> None:
    lines = f"445566 16\n\n448\n{WON_BY_FIRST}\n"
    done = analyze("-", "--json", "--server", fourcast.server, lines=lines)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "fourcast analyze: line 3: move 3 ('8') is not a column: columns are '1' to '7'"
    ]
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["best"] == [3, 7]
    assert (second["moves"], second["scores"]) == (WON_BY_FIRST, [None] * 7)
    assert (second["policy"], second["value"], second["source"]) == (None, None, "rules")


def test_a_table_of_positions(fourcast: Fourcast) -> None:
    lines = f"445566\n{WON_BY_FIRST}\n"
    done = analyze("-", "--server", fourcast.server, lines=lines)
    assert (done.returncode, done.stderr) == (0, "")
    head, first, second = done.stdout.splitlines()
    assert head.split()[:8] == [*"1234567", "best"]
    assert first.split()[7] == "37"
    assert first.endswith("wins in 1 ply      445566")
    assert second.split() == ["-", "-", "is", "over", WON_BY_FIRST]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("448",), "MOVES: move 3 ('8') is not a column"),
        ((WON_BY_FIRST + "1",), "MOVES: move 8 ('1') cannot be played"),
        (("44", "--timeout", "0"), "--timeout is 0, but must be more than 0"),
    ],
)
def test_wrong_usage_exits_2_and_says_why(
    fourcast: Fourcast, arguments: tuple[str, ...], words: str
) -> None:
    done = analyze(*arguments, "--server", fourcast.server)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"fourcast analyze: {words}")
