"""OpenTelemetry traces of the server's calls, if they are asked for; the extra `otel`."""

from contextvars import ContextVar
from urllib.parse import urlsplit

import grpc

Metadata = tuple[tuple[str, str], ...]

_outgoing: ContextVar[Metadata] = ContextVar("outgoing", default=())


class TracingError(Exception):
    """Calls cannot be traced; the text says what to do."""


def interceptors(url: str | None) -> list[grpc.aio.ServerInterceptor]:
    """What has a server's calls traced.

    The variables of OpenTelemetry's specification, such as OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER
    and OTEL_EXPORTER_OTLP_HEADERS, say the rest.

    Args:
        url: The collector, which takes OTLP over gRPC: "http://HOST:PORT", or https for TLS. None
            traces nothing and imports nothing.

    Raises:
        TracingError: If the address is none, or the extra is not installed.
    """
    if url is None:
        return []
    _check(url)
    try:
        from fourcast_services.spans import SpanInterceptor
    except ModuleNotFoundError as error:
        raise TracingError(
            f"--traces needs the package {error.name}: pip install 'fourcast[otel]'"
        ) from None
    return [SpanInterceptor(url, _outgoing)]


def outgoing_metadata() -> Metadata:
    """What has another server continue the trace of the call under way; empty without a trace."""
    return _outgoing.get()


def _check(url: str) -> None:
    example = "http://localhost:4317"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise TracingError(f"--traces is {url!r}: {error}; it is a URL like {example}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port is None:
        raise TracingError(f"--traces is {url!r}, but must be a URL with a port, like {example}")
    if parts.path.strip("/"):
        raise TracingError(
            f"--traces is {url!r}, but OTLP over gRPC has no path: leave {parts.path} out, and "
            "take the collector's port for gRPC, which is 4317 as a rule"
        )
