"""A file that a command reads whole, or what is wrong with it."""

from pathlib import Path

from fourcast_clients.terminal.exit_codes import UsageError

MAX_FILE_BYTES = 64 << 20
"""As much as a fourcast server takes in one message unless its flags say otherwise."""


def read_input(path: Path, most_bytes: int, advice: str) -> bytes:
    """The content of a file, at least one byte.

    Args:
        path: The file.
        most_bytes: What it may have.
        advice: What to do if it has more.

    Raises:
        UsageError: If it cannot be read, is empty or too large.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file: check its name") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder: name one file in it") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if not content:
        raise UsageError(f"{path} is empty: name another file")
    if len(content) > most_bytes:
        raise UsageError(
            f"{path} has more than {most_bytes >> 20} MiB, which is the most that a server takes: "
            f"{advice}"
        )
    return content
