"""What surrounds every method of every service: who may call, what is counted, how it can fail.

Methods are wrapped once, as they are registered; a gRPC interceptor would be asked again for every
call.
"""

import hmac
import inspect
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

import grpc
from grpc.aio import ServicerContext
from grpc_health.v1 import health

from fourcast_services import calls
from fourcast_services.admission import Admission, OpenCalls
from fourcast_services.calls import Call
from fourcast_services.errors import UnauthenticatedError, abort, describe
from fourcast_services.metrics import REQUEST_SECONDS, REQUESTS

REQUEST_ID = "x-request-id"
"""Metadata by which a caller names its call, for the log."""

_log = logging.getLogger(__name__)

_AUTHORIZATION = "authorization"
_BEARER = "Bearer "
_UNIX = "unix:"

# The hints of `grpc` know only its threaded server's handlers, hence Any in many places here.
_Context = ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Guard:
    """What surrounds the methods of a server.

    Attributes:
        open_calls: The calls that are under way.
        token: What callers must show as "authorization: Bearer ..."; None lets everybody in.
        open_services: Full names of services that need no token all the same.
        log_calls: Whether each call that has ended gets a line in the log.
    """

    open_calls: OpenCalls
    token: str | None = None
    open_services: frozenset[str] = frozenset()
    log_calls: bool = False

    def wrap(self, service: str, name: str, handler: Any) -> Any:
        """A method's handler with the guard around it."""
        token = None if service in self.open_services else self.token
        around = _Around(
            self,
            f"{service}/{name}",
            token,
            unary=handler.unary_unary is not None,
            counts=service != health.SERVICE_NAME,
        )
        decode = handler.request_deserializer or bytes
        encode = handler.response_serializer
        if handler.unary_unary is not None:

            async def unary(request: bytes, context: _Context) -> Any:
                # Decoded here: gRPC would answer broken bytes with the exception's class.
                return await around.run(
                    context, lambda: handler.unary_unary(decode(request), context)
                )

            return grpc.unary_unary_rpc_method_handler(unary, None, encode)
        if handler.unary_stream is not None:

            async def stream(request: bytes, context: _Context) -> None:
                await around.run(
                    context,
                    lambda: _write_all(handler.unary_stream(decode(request), context), context),
                )

            return grpc.unary_stream_rpc_method_handler(stream, None, encode)
        if handler.stream_stream is not None:

            async def streams(requests: AsyncIterator[Any], context: _Context) -> None:
                await around.run(
                    context, lambda: _write_all(handler.stream_stream(requests, context), context)
                )

            return grpc.stream_stream_rpc_method_handler(streams, decode, encode)
        raise TypeError(f"{service}/{name} takes a stream and gives one answer: nothing here does")


@dataclass(frozen=True, slots=True)
class _Around:
    """What surrounds one method.

    Attributes:
        guard: The server's.
        method: Full name of the method.
        token: What its callers must show; None if nothing.
        unary: Whether it takes one request and gives one answer.
        counts: Whether there is a bound to its calls, and a stopping server waits for them.
    """

    guard: Guard
    method: str
    token: str | None
    unary: bool
    counts: bool

    async def run(self, context: _Context, work: Callable[[], Awaitable[Any]]) -> Any:
        """Have a call worked on, and see that it ends with a status."""
        call = _begin(context)
        start = time.perf_counter()
        # The code of a call whose task is cancelled because its caller has gone.
        code = "CANCELLED"
        if self.counts:
            self.guard.open_calls.begin(unary=self.unary)
        try:
            if self.token is not None:
                _check_token(context, self.token, call)
            if self.counts and self.guard.open_calls.held is not None:
                await self.guard.open_calls.held.wait()
            response = await work()
            code = "OK"
            return response
        except grpc.aio.AbortError:
            # The status is set already, by the health servicer for one.
            code = _set_code(context)
            raise
        except Exception as error:  # noqa: BLE001 - every exception gets a status, a log entry too
            failure = describe(error, self.method)
            code = failure.code.name
            await abort(context, failure)
        finally:
            if self.counts:
                self.guard.open_calls.end(unary=self.unary)
            self._count(call, code, time.perf_counter() - start, context)

    def _count(self, call: Call, code: str, seconds: float, context: _Context) -> None:
        REQUESTS.labels(call.model, self.method, code).inc()
        REQUEST_SECONDS.labels(call.model, self.method).observe(seconds)
        if self.guard.log_calls:
            fields = {
                "method": self.method,
                "model": call.model,
                "code": code,
                "milliseconds": round(seconds * 1e3, 3),
                "peer": context.peer(),
                "request_id": call.request_id,
            }
            _log.info("%s %s", self.method, code, extra=fields)


class GuardedServer:
    """Where generated code registers a servicer, so that its methods are guarded."""

    def __init__(self, server: grpc.aio.Server, guard: Guard) -> None:
        self._server = server
        self._guard = guard

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """What generated code calls with all methods of a service."""
        guarded = {name: self._guard.wrap(service, name, h) for name, h in handlers.items()}
        if service == health.SERVICE_NAME:
            # Asked for by those who want to know whether it is overloaded.
            methods = grpc.method_handlers_generic_handler(service, guarded)
        else:
            methods = Admission(service, guarded, self._guard.open_calls)
        self._server.add_generic_rpc_handlers((methods,))

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """What generated code calls besides, with the same methods once more."""


def _begin(context: _Context) -> Call:
    remaining = cast(float | None, context.time_remaining())
    call = Call(
        deadline=None if remaining is None else time.monotonic() + remaining,
        request_id=_metadata(context, REQUEST_ID),
        by_peer=context.peer().startswith(_UNIX),
    )
    calls.begin(call)
    return call


def _check_token(context: _Context, token: str, call: Call) -> None:
    # The socket between the workers stands in a folder that only their user can open.
    if call.by_peer:
        return
    shown = _metadata(context, _AUTHORIZATION)
    if not shown:
        raise UnauthenticatedError(
            f"this server wants a token: send the metadata '{_AUTHORIZATION}: {_BEARER}<token>'"
        )
    # Compared as bytes and in constant time, so that nobody learns the token by measuring.
    if not hmac.compare_digest(shown.encode(), (_BEARER + token).encode()):
        raise UnauthenticatedError(
            f"the metadata '{_AUTHORIZATION}' does not have this server's token"
        )


def _metadata(context: _Context, key: str) -> str:
    metadata = cast(Iterable[tuple[str, str | bytes]], context.invocation_metadata())
    return next((str(value) for name, value in metadata if name == key), "")


def _set_code(context: _Context) -> str:
    # A status or its number, whatever the hints say.
    code: object = context.code()
    return next(status.name for status in grpc.StatusCode if code in (status, status.value[0]))


async def _write_all(answered: Any, context: _Context) -> None:
    """Finish a method that answers with a stream, written in either of gRPC's two styles."""
    if not inspect.isasyncgen(answered):
        await answered
        return
    # Closed even if the caller goes in the middle, so that it gives back what it holds.
    async with aclosing(answered) as responses:
        async for response in responses:
            await context.write(response)
