"""`fourcast analyze` as a process."""

import json
import subprocess
import sys

import pytest

from fourcast_clients.api import Fourcast

WON_BY_FIRST = "4455663"


def analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "fourcast_clients.terminal", "analyze", *arguments],
        stdin=subprocess.DEVNULL,
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
    assert answer["scores"] == list(truth.scores)
    assert (answer["outcome"], answer["distance"]) == ("win", 1)
    assert answer["board"]["rows"] == list(truth.board.rows)


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
