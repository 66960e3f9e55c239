"""A service of the benchmark's own, over any model repository."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fourcast_clients.terminal.local_service import READY_LINE


class ServiceError(Exception):
    """The service did not start. Its own words stand above on standard error."""


@contextmanager
def own_service(models: Path) -> Iterator[str]:
    """Serve a model repository for as long as the block runs.

    Yields:
        ``HOST:PORT`` where the service listens.

    Raises:
        ServiceError: If it does not start.
    """
    command = [sys.executable, "-m", "fourcast_services", "--models", str(models), "--port", "0"]
    with subprocess.Popen(
        [*command, "--exit-with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C is for the benchmark; the service leaves when its standard input closes.
        start_new_session=True,
    ) as process:
        assert process.stdout is not None  # PIPE above
        try:
            line = process.stdout.readline()
            if not line.startswith(READY_LINE):
                raise ServiceError("the service did not start; the reason stands above")
            yield line.removeprefix(READY_LINE).strip()
        finally:
            process.terminate()
