"""What the two forecasting commands share: the file of prices, the model, and what can be wrong."""

from pathlib import Path

from fourcast_clients.api import FourcastError
from fourcast_clients.terminal.exit_codes import UsageError

MAX_FILE_BYTES = 64 << 20
"""As much as a fourcast server takes in one message unless its flags say otherwise."""

_PREFIX = "forecast_"
"""What the names of the project's own forecasting models begin with."""


def read_prices(path: Path) -> bytes:
    """The content of a CSV file; whether it is one, the server says.

    Raises:
        UsageError: If it cannot be read, or is larger than a server takes.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file: check its name") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise UsageError(
            f"{path} has more than {MAX_FILE_BYTES >> 20} MiB, which is the most that a server "
            "takes: is it a file of daily prices?"
        )
    return content


def model_name(name: str) -> str:
    """The model's name in the repository: `lstm` is short for `forecast_lstm`."""
    return name if not name or name.startswith(_PREFIX) else _PREFIX + name


def explained(error: FourcastError, path: Path) -> Exception:
    """What is wrong in terms of the command line, or the error itself."""
    field = (error.field or "").partition("[")[0]
    match error.code, field:
        case "INVALID_ARGUMENT", "csv":
            return UsageError(f"{path}: {error.reason}")
        case "INVALID_ARGUMENT", "horizon":
            return UsageError(f"--horizon: {error.reason}")
        case "INVALID_ARGUMENT", "levels":
            return UsageError(f"--level: {error.reason}")
        case "INVALID_ARGUMENT", "days":
            return UsageError(f"--days: {error.reason}")
        case ("INVALID_ARGUMENT", "model" | "model_version") | ("NOT_FOUND", _):
            return UsageError(f"--model: {error.reason}")
    return error
