"""Servers that have another one run their models."""

import socket
from contextlib import AbstractContextManager
from pathlib import Path

from tests.services.running import RunningServer, run_server

NO_MODELS = Path("None")
"""What the command line takes for a `--models` that is not given."""


def run_front(url: str, *flags: str) -> AbstractContextManager[RunningServer]:
    """Run a server whose models a backend runs, until the block ends."""
    return run_server(NO_MODELS, "--backend", url, *flags)


def unused_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
