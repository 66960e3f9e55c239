"""Commands on terminals of their own, and what they leave behind."""

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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

COMMAND = [sys.executable, "-m", "fourcast_clients.terminal"]
MARK = "FOURCAST_TEST_MARK"


@contextmanager
def marked_environment() -> Iterator[dict[str, str]]:
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


def read_first_line(command: Sequence[str], environment: dict[str, str]) -> tuple[str, int, str]:
    """Run a command without a terminal, and stop reading after its first line.

    Returns:
        The line, the exit code, and all of standard error.
    """
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        return line, process.wait(), errors


def _take_terminal() -> None:
    """Make standard input the controlling terminal, so that its Ctrl-C and hang-up are signals."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A command on a terminal of its own, 80 by 24."""

    def __init__(
        self, environment: dict[str, str], command: Sequence[str], folder: Path | None = None
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._slave = slave
        self.modes = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509  # one system call, which takes no lock
        )
        self.output = ""

    @property
    def text(self) -> str:
        """What has been read of the output, without its escape codes."""
        return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", self.output)

    def read_until(self, text: str) -> None:
        """Read the screen's output until some text has been drawn."""
        while text not in self.text:
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
def terminal(
    environment: dict[str, str], command: Sequence[str], folder: Path | None = None
) -> Iterator[Terminal]:
    """Run a command on a terminal; killed at the end if it still runs."""
    screen = Terminal(environment, command, folder)
    try:
        yield screen
    finally:
        screen.process.kill()
        screen.process.wait()
        screen.hang_up()
