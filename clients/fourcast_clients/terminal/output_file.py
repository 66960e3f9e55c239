"""A file that a command writes: never over its own input, over another only if told to."""

from pathlib import Path

from fourcast_clients.files import write_atomically
from fourcast_clients.terminal.exit_codes import UsageError


def check_output(path: Path, *, inputs: tuple[Path, ...], force: bool) -> None:
    """Refuse a PNG file that cannot be written, before any work is done for it.

    Args:
        path: Where to.
        inputs: What must never be overwritten.
        force: Whether any other file may be.

    Raises:
        UsageError: If it is one of the inputs, has another suffix, stands in no folder, is no plain
            file, or is there and not to be overwritten.
    """
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path}: a PNG file is written there: let its name end with .png")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent}: there is no such folder: make it first")
    if not path.exists():
        return
    if any(source.exists() and path.samefile(source) for source in inputs):
        raise UsageError(f"{path} would overwrite what is read: give the result another name")
    if not path.is_file():
        raise UsageError(f"{path} is not a file: give the result another name")
    if not force:
        raise UsageError(f"{path} is there already: give another name, or --force to overwrite it")


def write_output(path: Path, content: bytes) -> None:
    """Write a file through a temporary neighbour, so that it is there whole or not at all.

    Raises:
        UsageError: If it cannot be written.
    """
    try:
        write_atomically(path, content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
