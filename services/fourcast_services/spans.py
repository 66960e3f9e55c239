"""A span for each call, sent to a collector. The one file that knows OpenTelemetry.

Attributes follow OpenTelemetry's semantic conventions for gRPC. The interceptor of the package
opentelemetry-instrumentation-grpc is not used: it wants every streaming method to be a generator,
and the guard's write to the call's context.
"""

import atexit
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from importlib.metadata import version as installed_version
from typing import Any, cast

import grpc
from grpc_health.v1 import health
from opentelemetry import propagate
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_SERVICE_NAME
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from fourcast_services import calls

DEFAULT_SERVICE_NAME = "fourcast"

LAST_SECONDS = 2.0
"""How long the collector may take for the last spans when the process ends."""

_UNTRACED = f"/{health.SERVICE_NAME}/"
"""Load balancers ask every second; nobody looks for those calls."""

_SERVER_FAULTS = frozenset(
    (
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    )
)
"""What the conventions count as an error of a server; the other codes are its caller's."""

_Context = grpc.aio.ServicerContext[Any, Any]
_Method = Callable[[Any, _Context], Awaitable[Any]]


class SpanInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every method of a server in a span, which continues its caller's trace."""

    def __init__(self, url: str, outgoing: ContextVar[tuple[tuple[str, str], ...]]) -> None:
        """Open a connection to a collector; what is left of the spans is sent at the process's end.

        Args:
            url: "http://HOST:PORT" of the collector, or https.
            outgoing: Gets the metadata by which another server continues the trace.
        """
        resource = {SERVICE_VERSION: installed_version("fourcast")}
        if OTEL_SERVICE_NAME not in os.environ:
            resource[SERVICE_NAME] = DEFAULT_SERVICE_NAME
        provider = TracerProvider(resource=Resource.create(resource), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=url, insecure=url.startswith("http:"))
        provider.add_span_processor(BatchSpanProcessor(exporter))
        _send_the_last_at_exit(provider, exporter)
        self._tracer = provider.get_tracer(__package__ or DEFAULT_SERVICE_NAME)
        self._outgoing = outgoing

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The method's handler with a span around it."""
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler is None or method.startswith(_UNTRACED):
            return handler
        for kind in ("unary_unary", "unary_stream", "stream_stream"):
            behaviour = getattr(handler, kind)
            if behaviour is not None:
                make = getattr(grpc, f"{kind}_rpc_method_handler")
                traced = self._around(method.removeprefix("/"), behaviour)
                return make(traced, handler.request_deserializer, handler.response_serializer)
        return handler

    def _around(self, method: str, behaviour: _Method) -> _Method:
        async def traced(request: Any, context: _Context) -> Any:
            metadata = cast(Iterable[tuple[str, str]], context.invocation_metadata() or ())
            with self._tracer.start_as_current_span(
                method,
                propagate.extract(dict(metadata)),
                SpanKind.SERVER,
                {"rpc.system.name": "grpc", "rpc.method": method},
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                carrier: dict[str, str] = {}
                propagate.inject(carrier)
                self._outgoing.set(tuple(carrier.items()))
                # A call whose task is cancelled has lost its caller.
                code, details = grpc.StatusCode.CANCELLED, ""
                try:
                    response = await behaviour(request, context)
                    code = grpc.StatusCode.OK
                    return response
                except grpc.aio.AbortError:
                    code, details = _status(context)
                    raise
                finally:
                    _finish(span, code, details)

        return traced


def _send_the_last_at_exit(provider: TracerProvider, exporter: OTLPSpanExporter) -> None:
    ending = threading.Event()

    def give_up() -> None:
        ending.wait()
        time.sleep(LAST_SECONDS)
        exporter.shutdown()

    # By itself the exporter tries for up to half a minute if the collector is away. The thread
    # begins here because none can at the interpreter's exit.
    threading.Thread(target=give_up, name="last spans", daemon=True).start()
    # Run in the reverse order.
    atexit.register(provider.shutdown)
    atexit.register(ending.set)


def _status(context: _Context) -> tuple[grpc.StatusCode, str]:
    """How a call was aborted."""
    number = context.code()
    for code in grpc.StatusCode:
        if number in (code, code.value[0]):
            return code, context.details()
    return grpc.StatusCode.UNKNOWN, context.details()


def _finish(span: Span, code: grpc.StatusCode, details: str) -> None:
    span.set_attribute("rpc.response.status_code", code.name)
    call = calls.current()
    if call.model:
        span.set_attribute("fourcast.model", call.model)
    if call.request_id:
        span.set_attribute("fourcast.request_id", call.request_id)
    if code is not grpc.StatusCode.OK:
        span.set_attribute("error.type", code.name)
    if code in _SERVER_FAULTS:
        span.set_status(Status(StatusCode.ERROR, details))
