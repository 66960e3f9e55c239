"""How many calls are under way, and what becomes of one too many.

A refusal must cost less than an answer, or a server that is asked for too much is busy refusing. So
a call over the bound is turned away before its request is read, with the same status every time.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import grpc
from grpc.aio import ServicerContext

from fourcast_services.errors import abort, describe
from fourcast_services.metrics import REQUESTS
from fourcast_services.overload import RETRY_AFTER_SECONDS, QueueFullError


class OpenCalls:
    """The calls that are under way, those of services that only wait left out.

    Attributes:
        limit: How many unary calls there may be.
        count: How many calls there are.
        unary: How many of them are unary.
        held: What later ones wait for before they begin; None lets them begin at once.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0
        self.unary = 0
        self.held: asyncio.Event | None = None
        self._last_begun = 0.0
        self._last_ended = 0.0

    @property
    def full(self) -> bool:
        """Whether another unary call would be one too many."""
        # Those that a stopping server holds are answered, however many they are.
        return self.unary >= self.limit and self.held is None

    def begin(self, *, unary: bool) -> None:
        """Count one more."""
        self.count += 1
        self.unary += unary
        self._last_begun = time.monotonic()

    def end(self, *, unary: bool) -> None:
        """Count one less."""
        self.count -= 1
        self.unary -= unary
        self._last_ended = time.monotonic()

    async def gather(self, pause: float, patience: float) -> None:
        """Hold what comes, until it has stopped coming.

        Args:
            pause: Seconds without a new call that count as its end.
            patience: The most seconds to wait for that.
        """
        self.held = asyncio.Event()
        start = time.monotonic()
        while time.monotonic() - start < patience:
            await asyncio.sleep(pause / 2)
            if time.monotonic() - max(start, self._last_begun) >= pause:
                break

    def release(self) -> None:
        """Let the calls begin that are held."""
        if self.held is not None:
            self.held.set()

    async def quiet(self, seconds: float) -> None:
        """Wait until no call has been under way for some time."""
        start = time.monotonic()
        # Polled, and only while stopping: an event would have to be kept for every call.
        while self.count or time.monotonic() - max(start, self._last_ended) < seconds:  # noqa: ASYNC110 - see above
            await asyncio.sleep(seconds / 4)


class Admission(grpc.GenericRpcHandler):
    """The methods of a service, as long as there is room."""

    def __init__(self, service: str, handlers: Mapping[str, Any], open_calls: OpenCalls) -> None:
        """Offer methods.

        Args:
            service: The service's full name.
            handlers: Its methods by name.
            open_calls: Says whether there is room.
        """
        self._handlers = {f"/{service}/{name}": handler for name, handler in handlers.items()}
        self._refusals = {
            f"/{service}/{name}": _refusal(f"{service}/{name}", open_calls.limit)
            for name, handler in handlers.items()
            if handler.unary_unary is not None
        }
        self._open_calls = open_calls

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """The handler of a call, chosen before its request is read; None for another's method."""
        method = str(handler_call_details.method)
        if self._open_calls.full and method in self._refusals:
            return self._refusals[method]
        return self._handlers.get(method)


def _refusal(method: str, limit: int) -> Any:
    error = QueueFullError(
        f"{limit} calls are under way already; try again later", RETRY_AFTER_SECONDS
    )
    failure = describe(error, method)
    refused = REQUESTS.labels("", method, failure.code.name)

    async def refuse(_: object, context: ServicerContext[Any, Any]) -> None:
        refused.inc()
        await abort(context, failure)

    # Of gRPC's kinds of method, the one that is called before anything has been read.
    return grpc.stream_stream_rpc_method_handler(refuse)
