"""`fourcast play` as a process: how it plays, and what is left when it ends, however it ends.

The games begin late, where perfect play answers at once; `make play` is tested from the start in
tests/house/test_makefile.py.
"""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from fourcast_models.connect4.board import Status, parse_moves, status

COMMAND = [sys.executable, "-m", "fourcast_clients.terminal"]
LATE = "34135552157176"
MARK = "FOURCAST_TEST_MARK"

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="finds processes through Linux's /proc"
)


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """An environment that marks a process and its children; nothing marked may stay behind."""
    variables = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    variables |= {MARK: uuid.uuid4().hex, "TERM": "xterm-256color"}
    yield variables
    try:
        wait_until_none_runs(variables)
    finally:
        for process in marked(variables):
            os.kill(process, signal.SIGKILL)


def marked(environment: dict[str, str]) -> list[int]:
    """The processes that run with this environment's mark."""
    entry = f"{MARK}={environment[MARK]}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and entry in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue  # gone, or somebody else's
    return found


def wait_until_none_runs(environment: dict[str, str]) -> None:
    """Return once every marked process is gone; the test's own timeout limits it."""
    while marked(environment):
        time.sleep(0.05)


def play(environment: dict[str, str], *flags: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, without a terminal."""
    return subprocess.run(
        [*COMMAND, "play", *flags],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _take_terminal() -> None:
    """Make standard input the controlling terminal, so that its Ctrl-C and hang-up are signals."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """The command on a terminal of its own, 80 by 24."""

    def __init__(self, environment: dict[str, str], *flags: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._slave = slave
        self.modes = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [*COMMAND, "play", *flags],
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509  # one system call, which takes no lock
        )
        self.output = ""

    def read_until(self, text: str) -> None:
        """Read the screen's output until some text has been drawn; escape codes are left out."""
        while text not in re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", self.output):
            self.output += os.read(self._master, 65536).decode(errors="replace")

    def write(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def finish(self) -> int:
        """Read on until the process has ended; its exit code."""
        os.set_blocking(self._master, False)
        while self.process.poll() is None:
            self._drain()
            time.sleep(0.02)
        self._drain()
        return self.process.returncode

    def modes_now(self) -> list[object]:
        """The terminal's modes, to compare with those from before."""
        return list(termios.tcgetattr(self._slave))

    def hang_up(self) -> None:
        """Close the terminal, as closing its window does."""
        for descriptor in (self._slave, self._master):
            if descriptor >= 0:
                os.close(descriptor)
        self._slave = self._master = -1

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            self.output += os.read(self._master, 65536).decode(errors="replace")


@contextmanager
def terminal(environment: dict[str, str], *flags: str) -> Iterator[Terminal]:
    screen = Terminal(environment, *flags)
    try:
        yield screen
    finally:
        screen.process.kill()
        screen.process.wait()
        screen.hang_up()


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
    with subprocess.Popen(
        [*COMMAND, "play", "--moves", LATE],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


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
    with terminal(environment, "--moves", LATE) as screen:
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
    with terminal(environment) as screen:
        screen.read_until("Your turn.")
        if signal_number is None:
            screen.write("\x03")
        else:
            screen.process.send_signal(signal_number)
        assert screen.finish() == code
        assert screen.modes_now() == screen.modes
        assert "\x1b[?1049l" in screen.output
        assert "Traceback" not in screen.output


def test_ctrl_c_ends_a_demo_on_a_terminal(environment: dict[str, str]) -> None:
    # Too early a position for the perfect player to answer before Ctrl-C.
    with terminal(environment, "--demo", "--side", "second", "--moves", "4765") as screen:
        screen.read_until("perfect play is thinking")
        screen.write("\x03")
        assert screen.finish() == 130
        assert "Traceback" not in screen.output


def test_closing_the_terminal_leaves_nothing_behind(environment: dict[str, str]) -> None:
    with terminal(environment) as screen:
        screen.read_until("Your turn.")
        screen.hang_up()
        assert screen.process.wait() == 128 + signal.SIGHUP
        wait_until_none_runs(environment)


def test_killing_the_game_leaves_no_server_behind(environment: dict[str, str]) -> None:
    with terminal(environment) as screen:
        screen.read_until("Your turn.")
        assert len(marked(environment)) >= 2
        screen.process.kill()
        screen.process.wait()
        wait_until_none_runs(environment)
