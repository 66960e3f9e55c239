"""A real `fourcast-serve` as a child process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

LISTENING = "fourcast-serve: listening on "


@dataclass(frozen=True)
class RunningServer:
    process: subprocess.Popen[str]
    address: str
    log_file: IO[str]

    def log(self) -> str:
        """What it has written to standard error so far."""
        return _read_from_start(self.log_file)

    def wait(self) -> int:
        """Its exit status; the test fails if it never ends."""
        return self.process.wait(timeout=60)


def command(repository: Path, *flags: str) -> list[str]:
    server = [sys.executable, "-m", "fourcast_services", "--models", str(repository)]
    return [*server, "--port", "0", *flags]


@contextmanager
def run_server(repository: Path, *flags: str) -> Iterator[RunningServer]:
    """Run a server on a free port until the block ends."""
    with TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command(repository, *flags),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line.startswith(LISTENING):
                log_text = _read_from_start(log)
                raise AssertionError(f"the server said {line!r} and logged:\n{log_text}")
            yield RunningServer(process, line.removeprefix(LISTENING).strip(), log)
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()


def _read_from_start(file: IO[str]) -> str:
    # Without moving the position, which the server shares: its next line would overwrite others.
    return os.pread(file.fileno(), 1 << 26, 0).decode()
