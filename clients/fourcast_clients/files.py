"""Files that are there whole or not at all: written beside, flushed to disk, renamed."""

import os
from pathlib import Path


def write_atomically(file: Path, content: bytes) -> None:
    """Write through a temporary neighbour, so that a kill leaves the old file or the new one.

    Raises:
        OSError: If it cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    neighbour = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with neighbour.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        neighbour.replace(file)
    finally:
        neighbour.unlink(missing_ok=True)
