"""What browsers send, read and bounded; and what they are answered, errors included."""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import date
from enum import Enum
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fourcast_clients.api import FourcastError

MAX_JSON_BYTES = 1 << 16
"""The largest request but for pictures."""

_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "NOT_FOUND": 404,
    "FAILED_PRECONDITION": 409,
    "DATA_LOSS": 422,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""HTTP's status for a code; any other is 502, a bad gateway."""


def refusal(field: str, reason: str) -> FourcastError:
    """The error for a request that cannot be; the same as the server's own."""
    return FourcastError("INVALID_ARGUMENT", f"{field}: {reason}", field=field)


async def read_body(request: Request, limit: int) -> bytes:
    """A request's body.

    Raises:
        FourcastError: If it has more bytes than the limit; the rest is not read.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise refusal("body", f"has more than {limit:,} bytes: send less at a time")
        parts.append(part)
    return b"".join(parts)


async def read_fields(request: Request) -> dict[str, Any]:
    """The JSON object in a request's body.

    Raises:
        FourcastError: If there is none.
    """
    return parse_fields(await read_body(request, MAX_JSON_BYTES))


def parse_fields(text: str | bytes) -> dict[str, Any]:
    """The JSON object in a text.

    Raises:
        FourcastError: If there is none.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise refusal("body", "is not JSON") from None
    if not isinstance(value, dict):
        raise refusal("body", 'is not a JSON object, such as {"moves": "4453"}')
    return value


def text_field(fields: Mapping[str, Any], name: str) -> str:
    """A text in a JSON object.

    Raises:
        FourcastError: If it is missing or no text.
    """
    value = fields.get(name)
    if not isinstance(value, str):
        raise refusal(name, "must be a text")
    return value


def number_field(fields: Mapping[str, Any], name: str) -> int:
    """A whole number from 1 in a JSON object.

    Raises:
        FourcastError: If it is missing or something else.
    """
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 1 << 31:
        raise refusal(name, "must be a whole number from 1")
    return value


def answer(record: object) -> Response:
    """A record, or a list or dictionary of records, as JSON."""
    return Response(as_json(record), media_type="application/json")


def as_json(record: object) -> str:
    """A record, or a list or dictionary of records; bytes as base64, days as ISO 8601."""
    return json.dumps(record, default=_plain)


def error_fields(error: FourcastError) -> dict[str, Any]:
    """An error as the pages take it."""
    return {
        "error": {
            "code": error.code,
            "message": error.reason,
            "field": error.field,
            "retry_after": error.retry_after,
        }
    }


async def on_fourcast_error(_: Request, error: Exception) -> Response:
    """Answer with what went wrong."""
    assert isinstance(error, FourcastError)  # what it is registered for
    return JSONResponse(error_fields(error), _STATUSES.get(error.code, 502))


async def on_http_error(_: Request, error: Exception) -> Response:
    """Answer a request that no route takes in the same form."""
    assert isinstance(error, HTTPException)  # what it is registered for
    code = "NOT_FOUND" if error.status_code == 404 else "INVALID_ARGUMENT"
    return JSONResponse(
        error_fields(FourcastError(code, error.detail)), error.status_code, error.headers
    )


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
