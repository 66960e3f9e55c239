"""`fourcast play` as a process: how it plays, and what is left when it ends, however it ends.

The games begin late: they are short.
"""

import re
import signal
import subprocess
from pathlib import Path

import pytest

from fourcast_models.connect4.board import Status, parse_moves, status
from fourcast_models.repository import default_repository
from tests.end_to_end.terminals import (
    COMMAND,
    marked,
    read_first_line,
    terminal,
    wait_until_none_runs,
)
from tests.services.no_openings import write_no_openings
from tests.services.running import run_server

LATE = "34135552157176"
PLAY = [*COMMAND, "play"]

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="finds processes through Linux's /proc"
)


def play(environment: dict[str, str], *flags: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, without a terminal."""
    return subprocess.run(
        [*PLAY, *flags],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_terminal_a_finished_game_is_shown(environment: dict[str, str]) -> None:
    done = play(environment, "--moves", LATE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    moves = done.stdout.splitlines()[-1].removeprefix("Moves: ")
    assert moves.startswith(LATE)
    end = status(parse_moves(moves))
    words = {
        Status.FIRST_WON: "The network wins: four in a row",
        Status.SECOND_WON: "Perfect play wins: four in a row",
        Status.DRAW: "A draw:",
    }
    assert words[end] in done.stdout.splitlines()[-2]
    played = re.findall(r"^ ?\d+\. [●○] column (\d)  .+ \(.+\)$", done.stdout, re.MULTILINE)
    assert "".join(played) == moves.removeprefix(LATE)
    if end is not Status.DRAW:
        assert done.stdout.count("[") >= 4


def test_the_demo_takes_side_and_level(environment: dict[str, str]) -> None:
    done = play(environment, "--demo", "--side", "first", "--level", "search", "--moves", LATE)
    assert done.returncode == 0
    first_line = done.stdout.splitlines()[0]
    assert first_line.index("perfect play") < first_line.index("network and search")


def test_a_closed_pipe_ends_quietly(environment: dict[str, str]) -> None:
    _, returned, errors = read_first_line([*PLAY, "--moves", LATE], environment)
    assert (returned, errors) == (0, "")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["play", "--level", "strong"], "perfect"),
        (["play", "--server", "nowhere"], "HOST:PORT"),
        (["play", "--moves", "48"], "move 2"),
        (["play", "--model", "nonesuch"], "nonesuch"),
        ([], "play"),
    ],
)
def test_wrong_usage_exits_2_and_says_why(
    environment: dict[str, str], flags: list[str], words: str
) -> None:
    done = subprocess.run(
        [*COMMAND, *flags],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_away_exits_1(environment: dict[str, str]) -> None:
    done = play(environment, "--server", "127.0.0.1:1")
    assert done.returncode == 1
    assert "no fourcast server answers at 127.0.0.1:1" in done.stderr


def test_a_person_plays_and_quits(environment: dict[str, str]) -> None:
    with terminal(environment, [*PLAY, "--moves", LATE]) as screen:
        screen.read_until("Your turn.")
        screen.write("2")
        screen.read_until("Reply: column")
        screen.write("q")
        assert screen.finish() == 0


@pytest.mark.parametrize(
    ("signal_number", "code"), [(None, 130), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_an_interrupted_game_leaves_the_terminal_as_it_was(
    environment: dict[str, str], signal_number: signal.Signals | None, code: int
) -> None:
    with terminal(environment, PLAY) as screen:
        screen.read_until("Your turn.")
        if signal_number is None:
            screen.write("\x03")
        else:
            screen.process.send_signal(signal_number)
        assert screen.finish() == code
        assert screen.modes_now() == screen.modes
        assert "\x1b[?1049l" in screen.output
        assert "Traceback" not in screen.output


def test_ctrl_c_ends_a_demo_on_a_terminal(environment: dict[str, str], tmp_path: Path) -> None:
    # So early, and without a book, the perfect player does not answer before Ctrl-C.
    flags = ("--opening-book", str(write_no_openings(tmp_path)), "--thinking-seconds", "600")
    with run_server(default_repository(), *flags) as server:
        demo = [*PLAY, "--demo", "--server", server.address]
        with terminal(environment, [*demo, "--side", "second", "--moves", "4765"]) as screen:
            screen.read_until("perfect play is thinking")
            screen.write("\x03")
            assert screen.finish() == 130
            assert "Traceback" not in screen.output


def test_closing_the_terminal_leaves_nothing_behind(environment: dict[str, str]) -> None:
    with terminal(environment, PLAY) as screen:
        screen.read_until("Your turn.")
        screen.hang_up()
        assert screen.process.wait() == 128 + signal.SIGHUP
        wait_until_none_runs(environment)


def test_killing_the_game_leaves_no_server_behind(environment: dict[str, str]) -> None:
    with terminal(environment, PLAY) as screen:
        screen.read_until("Your turn.")
        assert len(marked(environment)) >= 2
        screen.process.kill()
        screen.process.wait()
        wait_until_none_runs(environment)
