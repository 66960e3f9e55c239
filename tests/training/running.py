"""Runs of `fourcast-train` as child processes, and how to kill one in its middle."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# Threads that wait for each other in every small step are many times slower than one on a machine
# that does something else besides.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def fourcast_train(arguments: str) -> list[str]:
    """The command line of `fourcast-train` with these arguments."""
    return [sys.executable, "-m", "fourcast_training", *shlex.split(arguments)]


def kill_when(command: Sequence[str], folder: Path, is_under_way: Callable[[], bool]) -> None:
    """Start a command in a folder and kill it and its children as soon as a condition holds.

    The test fails if the command ends before. Nobody reads what it writes but a file.
    """
    log = folder / "killed.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=ENVIRONMENT,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
        try:
            while not is_under_way():
                assert process.poll() is None, f"ended before it was killed:\n{log.read_text()}"
                time.sleep(0.002)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
    assert status == -signal.SIGKILL, f"ended before it was killed:\n{log.read_text()}"


def run(
    command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder to its end, whatever its exit status.

    ``variables`` join the environment.
    """
    environment = {**ENVIRONMENT, **(variables or {})}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
