"""Exceptions to status codes with google.rpc details: the one place where errors meet the wire."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeAlias, TypeVar, cast

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from fourcast_services.engine import UnknownModelError, UnknownVersionError
from fourcast_services.solver_pool import PoolClosedError, QueueFullError

_log = logging.getLogger(__name__)

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
_Context = grpc.aio.ServicerContext[Any, Any]
_Call = grpc.HandlerCallDetails
# Generic in its type hints only.
_Handler: TypeAlias = "grpc.RpcMethodHandler[_Request, _Response]"


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


class StatusInterceptor(grpc.aio.ServerInterceptor):
    """Answers the exceptions of every unary method with a status; no traceback leaves the server.

    Streaming methods pass unchanged: the only ones are those of health and reflection.
    """

    async def intercept_service(
        self,
        continuation: "Callable[[_Call], Awaitable[_Handler[_Request, _Response] | None]]",
        handler_call_details: _Call,
    ) -> "_Handler[_Request, _Response] | None":
        """The method's handler, guarded."""
        handler = await continuation(handler_call_details)
        # None: no such method, which gRPC answers itself.
        if handler is None or handler.unary_unary is None:
            return handler
        # Untyped: the hints of `grpc` only know its threaded server's methods here. Bytes come in
        # undecoded, because gRPC would answer broken ones with the exception's class.
        guarded: Any = _guarded(handler, handler_call_details.method)
        return grpc.unary_unary_rpc_method_handler(
            guarded, request_deserializer=None, response_serializer=handler.response_serializer
        )


def _guarded(
    handler: "_Handler[Any, _Response]", name: str
) -> Callable[[bytes, _Context], Awaitable[_Response]]:
    method = cast(Callable[[Any, _Context], Awaitable[_Response]], handler.unary_unary)
    decode = cast(Callable[[bytes], Any], handler.request_deserializer)

    async def guarded(request: bytes, context: _Context) -> _Response:
        try:
            return await method(decode(request), context)
        except grpc.aio.AbortError:
            # The status is set already, by the health servicer for one.
            raise
        except Exception as error:  # noqa: BLE001 - every exception gets a status, a log entry too
            await _abort(context, error, name)

    return guarded


async def _abort(context: _Context, error: Exception, method: str) -> NoReturn:
    details: Message | None = None
    message = str(error)
    match error:
        case FieldError():
            code = grpc.StatusCode.INVALID_ARGUMENT
            violation = error_details_pb2.BadRequest.FieldViolation(
                field=error.field, description=error.reason
            )
            details = error_details_pb2.BadRequest(field_violations=[violation])
        case DecodeError():
            code = grpc.StatusCode.INVALID_ARGUMENT
            message = "the bytes sent are not a request of this method"
        case UnknownModelError() | UnknownVersionError():
            code = grpc.StatusCode.NOT_FOUND
        case QueueFullError():
            code = grpc.StatusCode.RESOURCE_EXHAUSTED
            delay = Duration()
            delay.FromNanoseconds(round(error.retry_after * 1e9))
            details = error_details_pb2.RetryInfo(retry_delay=delay)
        case PoolClosedError():
            code = grpc.StatusCode.UNAVAILABLE
        case _:
            # The text must not depend on the request: it could carry anything out.
            code = grpc.StatusCode.INTERNAL
            message = "the server failed on this call; its log says why"
            _log.error("%s failed", method, exc_info=error)
    status = status_pb2.Status(code=code.value[0], message=message)
    if details is not None:
        packed = AnyMessage()
        packed.Pack(details)
        status.details.append(packed)
    await context.abort(code, message, rpc_status.to_status(status).trailing_metadata)
