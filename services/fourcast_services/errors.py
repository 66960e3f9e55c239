"""Exceptions to status codes with google.rpc details: the one place where errors meet the wire."""

import logging
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from fourcast_models.stego.errors import (
    CannotHideError,
    DamagedError,
    NoMessageError,
    StegoError,
    WrongPassphraseError,
)
from fourcast_services.calls import DeadlineError, current
from fourcast_services.engine.errors import (
    InputError,
    ModelRefusedError,
    UnknownModelError,
    UnknownVersionError,
)
from fourcast_services.overload import QueueFullError
from fourcast_services.solver_pool import PoolClosedError

_log = logging.getLogger(__name__)


class FieldError(ValueError):
    """A field of a request is missing or wrong.

    Attributes:
        field: Its path in the request, such as "position.grid.rows".
        reason: What is wrong and what would be right.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class ForbiddenError(Exception):
    """The server does not do that for anybody."""


class UnauthenticatedError(Exception):
    """The caller did not say, or could not prove, who it is."""


class BackendError(Exception):
    """The server that runs the models cannot be reached, or answers what no such server should."""


MAX_MESSAGE_CHARACTERS = 2000
"""Of a status; gRPC drops a whole answer whose metadata is larger than 8 KiB."""


@dataclass(frozen=True, slots=True)
class Failure:
    """How a call is to end.

    Attributes:
        code: Its status.
        message: What is wrong, for the caller.
        details: A google.rpc message for programs, if there is one.
    """

    code: grpc.StatusCode
    message: str
    details: Message | None = None


def describe(error: Exception, method: str) -> Failure:
    """The status that an exception stands for; one that stands for none is logged.

    Args:
        error: What a method raised.
        method: The method's name, for the log.
    """
    code, details, message = grpc.StatusCode.INVALID_ARGUMENT, None, str(error)
    match error:
        case FieldError():
            details = _bad_request(error.field, error.reason)
        case InputError():
            details = _bad_request("inputs", message)
        case NoMessageError() | CannotHideError():
            # With the field, so that it is told from a model that was refused.
            code = grpc.StatusCode.FAILED_PRECONDITION
            details = _bad_request("image", message)
        case DamagedError():
            code = grpc.StatusCode.DATA_LOSS
            details = _bad_request("image", message)
        case WrongPassphraseError():
            # With the field, so that it is told from a wrong token of the call.
            code = grpc.StatusCode.UNAUTHENTICATED
            details = _bad_request("passphrase", message)
        case StegoError():
            details = _bad_request("image", message)
        case DecodeError():
            message = "the bytes sent are not a request of this method"
        case UnauthenticatedError():
            code = grpc.StatusCode.UNAUTHENTICATED
        case ForbiddenError():
            code = grpc.StatusCode.PERMISSION_DENIED
        case UnknownModelError() | UnknownVersionError():
            code = grpc.StatusCode.NOT_FOUND
        case ModelRefusedError():
            code = grpc.StatusCode.FAILED_PRECONDITION
        case QueueFullError():
            code = grpc.StatusCode.RESOURCE_EXHAUSTED
            delay = Duration()
            delay.FromNanoseconds(round(error.retry_after * 1e9))
            details = error_details_pb2.RetryInfo(retry_delay=delay)
        case DeadlineError():
            code = grpc.StatusCode.DEADLINE_EXCEEDED
        case PoolClosedError() | BackendError():
            code = grpc.StatusCode.UNAVAILABLE
        case _:
            # The text must not depend on the request: it could carry anything out.
            code = grpc.StatusCode.INTERNAL
            message = "the server failed on this call; its log says why"
            request_id = current().request_id
            _log.error("%s failed", method, exc_info=error, extra={"request_id": request_id})
    return Failure(code, message[:MAX_MESSAGE_CHARACTERS], details)


async def abort(context: grpc.aio.ServicerContext[Any, Any], failure: Failure) -> NoReturn:
    """End a call with a status and its google.rpc details."""
    status = status_pb2.Status(code=failure.code.value[0], message=failure.message)
    if failure.details is not None:
        packed = AnyMessage()
        packed.Pack(failure.details)
        status.details.append(packed)
    await context.abort(
        failure.code, failure.message, rpc_status.to_status(status).trailing_metadata
    )


def _bad_request(field: str, description: str) -> error_details_pb2.BadRequest:
    violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=description)
    return error_details_pb2.BadRequest(field_violations=[violation])
