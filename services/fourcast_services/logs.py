"""The server's log on standard error: lines for people, or JSON objects for programs.

Fields come from the `extra=` of a logging call, such as `method`, `code` and `request_id`.
"""

import json
import logging
import os
from datetime import UTC, datetime
from typing import Any

from fourcast_services.settings import LogFormat

PROGRAM = "fourcast-serve"

_OWN_ATTRIBUTES = frozenset((*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"))
"""What every record has; the rest of its attributes are fields."""


def configure(log_format: LogFormat, worker: int | None = None) -> None:
    """Send this process's log to standard error, from level INFO on.

    Args:
        log_format: How its lines look.
        worker: This process's number if it is one of several workers; every line says it then.
    """
    handler = logging.StreamHandler()
    match log_format:
        case LogFormat.TEXT:
            handler.setFormatter(_TextFormatter(worker))
        case LogFormat.JSON:
            # gRPC's own core writes lines of its own beside the log, unless told before its import.
            os.environ.setdefault("GRPC_VERBOSITY", "NONE")
            handler.setFormatter(_JsonFormatter(worker))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class _TextFormatter(logging.Formatter):
    """`fourcast-serve: LEVEL: message`, and the fields that the message does not say itself."""

    def __init__(self, worker: int | None) -> None:
        who = PROGRAM if worker is None else f"{PROGRAM}: worker {worker}"
        super().__init__(f"{who}: %(levelname)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line, without what an exception adds."""
        said = record.args if isinstance(record.args, tuple) else ()
        rest = [
            f"{name}={_word(value)}"
            for name, value in _fields(record).items()
            if value not in ("", *said)
        ]
        return " ".join([super().formatMessage(record), *rest])


class _JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def __init__(self, worker: int | None) -> None:
        super().__init__()
        self._worker = {} if worker is None else {"worker": worker}

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            # RFC 3339, in UTC.
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._worker,
        }
        for name, value in _fields(record).items():
            # A field never hides what stands there already.
            line.setdefault(name, value)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps(line, default=str)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """The `extra=` of the logging call."""
    return {name: value for name, value in vars(record).items() if name not in _OWN_ATTRIBUTES}


def _word(value: object) -> str:
    """A field's value in a line of text: callers choose some, which must not break the line."""
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(text)
