"""The web app as a process of its own, and what it takes."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ADDRESS = re.compile(r"http://\S+:\d+")


class GatewayError(Exception):
    """The web app did not start. Its own words stand above on standard error."""


@contextmanager
def gateway() -> Iterator[tuple[str, int]]:
    """The web app with a service of its own: its address, and its process.

    Raises:
        GatewayError: If it does not start.
    """
    command = [sys.executable, "-m", "fourcast_clients.terminal", "web", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # PIPE above
        try:
            address = ADDRESS.search(process.stdout.readline())
            if address is None:
                raise GatewayError("the web app did not start; the reason stands above")
            yield address[0], process.pid
        finally:
            process.terminate()


def resident_mebibytes(process: int) -> float:
    """The memory that a process holds."""
    status = Path(f"/proc/{process}/status").read_text()
    resident = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    assert resident  # of every process
    return int(resident[1]) / 1024
