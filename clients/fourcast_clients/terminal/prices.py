"""What the two forecasting commands share: the file of prices, the model, and what can be wrong."""

from pathlib import Path

from fourcast_clients.api import FourcastError
from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.input_file import MAX_FILE_BYTES, read_input

_PREFIX = "forecast_"
"""What the names of the project's own forecasting models begin with."""


def read_prices(path: Path) -> bytes:
    """The content of a CSV file; whether it is one, the server says.

    Raises:
        UsageError: If it cannot be read, is empty, or is larger than a server takes.
    """
    return read_input(path, MAX_FILE_BYTES, "is it a file of daily prices?")


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
