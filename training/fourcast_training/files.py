"""Files that are there whole or not at all: written beside, flushed to disk, renamed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO


def write_atomically(file: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write through a temporary neighbour, so that a kill leaves the old file or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    neighbour = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with neighbour.open("wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        neighbour.replace(file)
    finally:
        neighbour.unlink(missing_ok=True)
