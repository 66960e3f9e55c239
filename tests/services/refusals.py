"""Servers that must not start."""

import subprocess
from pathlib import Path

from tests.services.running import command


def refused(repository: Path, *flags: str, status: int) -> str:
    """What a server says on standard error when it refuses its flags.

    Args:
        repository: Its models.
        flags: Its other flags.
        status: The exit status that it must have.
    """
    finished = subprocess.run(
        command(repository, *flags),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == status, finished.stderr
    assert finished.stdout == ""
    assert "Traceback" not in finished.stderr
    return finished.stderr
