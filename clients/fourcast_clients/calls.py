"""The connection to a server: opens it, makes calls, and says in plain words why one failed.

This is the only file of the clients that knows gRPC; a product's own file knows the stub of its
service besides.
"""

import ipaddress
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from fourcast_clients.cancellation import Cancellation
from fourcast_clients.credentials import Credentials, CredentialsError
from fourcast_clients.errors import FourcastError
from fourcast_clients.signals import signals_held

DEFAULT_SERVER = "127.0.0.1:50051"
"""Where ``fourcast-serve`` listens unless told otherwise."""

DEFAULT_TIMEOUT = 120.0
"""Seconds that a call may take: exact analysis of an early position needs up to a minute."""

RECONNECT_MILLISECONDS = 1000
"""Longest pause between two attempts to reach a server that is away."""

KEEPALIVE_MILLISECONDS = 30_000
"""How often, while a call waits, a silent connection is asked whether its other end is there. After
a minute without an answer, gRPC's default, the call fails: a stream has no other time limit.
`fourcast-serve` allows this; other gRPC servers may take it for an attack."""

_HANDSHAKE_FAILED = "failed to connect to all addresses"
"""How gRPC's text begins if no connection has come about."""

_TOO_LARGE = "larger than max"
"""What gRPC's text says of a message beyond a bound."""

_CLOSED = (
    "the server at {server} closes the connection: it may want TLS (ca or tls), or a client "
    "certificate that it trusts (certificate and key)"
)
_HANDSHAKE_FAILURES = {
    "CERTIFICATE_VERIFY_FAILED": (
        "the certificate of the server at {server} is not signed by an authority that you trust, "
        "or has expired: check the CA file (ca)"
    ),
    "Hostname Verification Check failed": (
        "the server at {server} has a certificate for another name: use the name in it as the "
        "address"
    ),
    "WRONG_VERSION_NUMBER": (
        "the server at {server} does not encrypt: leave tls, the CA file (ca) and the certificate "
        "out, if that is all right with you"
    ),
    "Socket closed": _CLOSED,
    "Connection reset": _CLOSED,
}
"""What gRPC's text says further on, and what it means for a person."""

Request = TypeVar("Request")
Response = TypeVar("Response")
Begun = TypeVar("Begun")


class Calls:
    """Makes calls to a server and turns every failure into a `FourcastError`.

    Attributes:
        server: The address given.
        channel: What the stub of a service is made with.
    """

    def __init__(self, server: str, timeout: float, credentials: Credentials) -> None:
        """Prepare the connection; `fourcast_clients.api.Fourcast` says what may be raised.

        Args:
            server: ``HOST:PORT``.
            timeout: Seconds that a call may take unless it says otherwise.
            credentials: Who the client is, and whom it trusts.
        """
        host, _, port = server.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
            raise ValueError(f"{server!r} is not HOST:PORT, for example {DEFAULT_SERVER}")
        self.server = server
        self.channel = _open_channel(server, _is_loopback(host), credentials)
        self._health = health_pb2_grpc.HealthStub(self.channel)
        self._timeout = timeout
        token = credentials.token
        self._metadata = (("authorization", f"Bearer {token}"),) if token is not None else ()

    def call(
        self,
        method: "grpc.UnaryUnaryMultiCallable[Request, Response]",
        request: Request,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Response:
        """Send one request and wait for its answer.

        Args:
            method: Of a stub that was made with `channel`.
            request: What to send.
            timeout: Seconds that the call may take; None is the connection's own.
            cancellation: Ends the call from another thread.

        Raises:
            FourcastError: If there is no answer.
        """
        if cancellation is not None and cancellation.is_cancelled:
            # Nothing is sent: a quick server could answer before the call is cancelled.
            raise _cancelled()
        seconds = self._timeout if timeout is None else timeout
        future = _begin(lambda: method.future(request, timeout=seconds, metadata=self._metadata))
        if cancellation is not None:
            cancellation.watch(future.cancel)
        try:
            return future.result()
        except grpc.FutureCancelledError:
            raise _cancelled() from None
        except grpc.RpcError:
            raise _translated(future, self.server, bool(self._metadata), seconds) from None
        except BaseException:
            # Ctrl-C: the server need not finish either.
            future.cancel()
            raise
        finally:
            if cancellation is not None:
                cancellation.forget(future.cancel)

    def stream(
        self, method: "grpc.StreamStreamMultiCallable[Request, Response]", first: Request
    ) -> "Stream[Request, Response]":
        """Open a stream; whoever opens it closes it.

        Args:
            method: Of a stub that was made with `channel`.
            first: The request that it begins with.

        Raises:
            FourcastError: If the connection is closed. Any other failure comes when the stream is
                used.
        """
        return Stream(method, first, self.server, self._metadata)

    def follow(
        self,
        method: "grpc.UnaryStreamMultiCallable[Request, Response]",
        request: Request,
        cancellation: Cancellation | None = None,
    ) -> Iterator[Response]:
        """Send one request and iterate over its answers; whoever stops before ends the call.

        Args:
            method: Of a stub that was made with `channel`.
            request: What to send.
            cancellation: Ends the call from another thread.

        Raises:
            FourcastError: If the answers break off, or there are none.
        """
        if cancellation is not None and cancellation.is_cancelled:
            raise _cancelled()
        call = _begin(lambda: method(request, metadata=self._metadata))
        if cancellation is not None:
            cancellation.watch(call.cancel)
        try:
            yield from call
        except grpc.RpcError:
            raise _translated(call, self.server, bool(self._metadata)) from None
        finally:
            call.cancel()
            if cancellation is not None:
                cancellation.forget(call.cancel)

    def wait_until_ready(self, timeout: float) -> None:
        """Return as soon as the server's health check says that it serves.

        Args:
            timeout: Seconds to wait at most.

        Raises:
            FourcastError: If it does not within that time; the text says whether nobody answers
                or the server is up but not ready.
        """
        deadline = time.monotonic() + timeout
        while True:
            left = max(deadline - time.monotonic(), 0.001)
            try:
                reply: health_pb2.HealthCheckResponse = self.call(
                    self._health.Check, health_pb2.HealthCheckRequest(), timeout=left
                )
            except FourcastError as error:
                if not error.is_passing:
                    raise
                if time.monotonic() >= deadline:
                    slow = error.code == "DEADLINE_EXCEEDED"
                    raise _unreachable(self.server, "") if slow else error from None
            else:
                if reply.status == health_pb2.HealthCheckResponse.SERVING:
                    return
                if time.monotonic() >= deadline:
                    raise FourcastError(
                        "UNAVAILABLE",
                        f"the server at {self.server} is up but not ready to serve after "
                        f"{timeout:g} s: wait a little longer, or read its log",
                    )
            time.sleep(0.05)

    def close(self) -> None:
        """Close the connection. Calls under way end as cancelled."""
        self.channel.close()


class Stream(Generic[Request, Response]):
    """A call with requests one way and answers the other, as many of each as it takes.

    Iterate over it for the answers. One thread may send while another reads.
    """

    def __init__(
        self,
        method: "grpc.StreamStreamMultiCallable[Request, Response]",
        first: Request,
        server: str,
        metadata: tuple[tuple[str, str], ...],
    ) -> None:
        self._server = server
        self._token_sent = bool(metadata)
        # None ends the requests. gRPC takes them in a thread of its own, which waits here.
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._requests.put(first)
        self._lock = threading.Lock()
        self._is_finished = False
        self._is_closed = False
        requests = iter(self._requests.get, None)
        self._call = _begin(lambda: method(requests, metadata=metadata))
        if not self._call.add_callback(self._release):
            self._release()

    def send(self, request: Request) -> None:
        """Have a request sent after those before it; nothing is waited for.

        Raises:
            FourcastError: If the stream has failed or was closed.
            ValueError: After `finish`.
        """
        with self._lock:
            if self._is_finished:
                raise ValueError("nothing more can be sent: the stream was finished")
            if not self._call.is_active():
                raise self._failure()
            self._requests.put(request)

    def finish(self) -> None:
        """Say that no more will be sent; the answers end when the server has nothing to add."""
        with self._lock:
            self._is_finished = True
        self._release()

    def close(self) -> None:
        """End the stream at once, on both sides. A second call does nothing."""
        self._is_closed = True
        self._call.cancel()

    def __iter__(self) -> Iterator[Response]:
        """The answers still to come."""
        return self

    def __next__(self) -> Response:
        """Wait for the next answer.

        Raises:
            FourcastError: If the stream has failed or was closed.
            StopIteration: If it has ended in good order.
        """
        try:
            return next(self._call)
        except grpc.RpcError:
            raise self._failure() from None

    def _release(self) -> None:
        self._requests.put(None)

    def _failure(self) -> FourcastError:
        """Why the stream, which has ended, takes nothing more."""
        if self._is_closed or self._call.code() is grpc.StatusCode.OK:
            return FourcastError("CANCELLED", "the stream is closed: open another")
        return _translated(self._call, self._server, self._token_sent)


def _cancelled() -> FourcastError:
    """What the caller asked for."""
    return FourcastError("CANCELLED", "the call was cancelled")


def _begin(start: Callable[[], Begun]) -> Begun:
    """Start a call, whole: a half begun one, after Ctrl-C, would never let the channel close."""
    try:
        with signals_held():
            return start()
    except ValueError:
        raise FourcastError("CANCELLED", "the connection is closed: open another") from None


def _open_channel(server: str, is_loopback: bool, credentials: Credentials) -> grpc.Channel:
    options = [
        ("grpc.max_reconnect_backoff_ms", RECONNECT_MILLISECONDS),
        ("grpc.keepalive_time_ms", KEEPALIVE_MILLISECONDS),
        # grpc would send even calls to this machine through a proxy in the environment.
        ("grpc.enable_http_proxy", int(not is_loopback)),
        # The server bounds what it sends; gRPC's own 4 MiB would refuse its larger pictures.
        ("grpc.max_receive_message_length", -1),
    ]
    if credentials.encrypts:
        files = (credentials.ca, credentials.key, credentials.certificate)
        contents = (None if file is None else file.read_bytes() for file in files)
        return grpc.secure_channel(server, grpc.ssl_channel_credentials(*contents), options)
    if credentials.token is not None and not is_loopback:
        raise CredentialsError(
            "token",
            f"everybody on the way to {server} could read it: encrypt, with the server's CA file "
            "(ca), or with tls if its authority is commonly trusted",
        )
    return grpc.insecure_channel(server, options)


def _is_loopback(host: str) -> bool:
    """Whether a host is this very computer."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _translated(
    call: grpc.Call, server: str, token_sent: bool, timeout: float | None = None
) -> FourcastError:
    """The `FourcastError` for a failed call, with what its google.rpc details say."""
    code = call.code()
    status = rpc_status.from_call(call)
    if code is grpc.StatusCode.UNAVAILABLE and status is None:
        # Not the server's own words.
        return _unreachable(server, call.details() or "")
    field, text, retry_after = None, call.details() or "no reason given", None
    for detail in status.details if status is not None else ():
        violations = error_details_pb2.BadRequest()
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(violations) and violations.field_violations:
            violation = violations.field_violations[0]
            field, text = violation.field, f"{violation.field}: {violation.description}"
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    if code is grpc.StatusCode.DEADLINE_EXCEEDED and timeout is not None:
        text = f"no answer from {server} within {timeout:g} s: allow more with timeout="
    elif code is grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE in text:
        # Not passing, unlike a full queue: the same request is too large the next time, too.
        code = grpc.StatusCode.INVALID_ARGUMENT
        text = (
            f"the server at {server} does not take that much in one call ({text}): use a smaller "
            "file, or have the server started with a larger --max-message-mebibytes"
        )
    elif code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        text = f"the server at {server} is busy: try again in {retry_after or 1:g} s"
    elif code is grpc.StatusCode.CANCELLED:
        text = "the call was cancelled"
    elif code is grpc.StatusCode.UNAUTHENTICATED and field is None:
        text = (
            f"the server at {server} does not accept this token: ask whoever runs it for the right "
            "one"
            if token_sent
            else f"the server at {server} wants a token: ask whoever runs it for one"
        )
    elif code is grpc.StatusCode.UNIMPLEMENTED:
        text = (
            f"the server at {server} does not know this call: it is an older fourcast server, "
            "or something else; start one with fourcast-serve"
        )
    elif code in {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}:
        text = f"the server at {server} failed ({text}): its log says more"
    return FourcastError(code.name, text, field=field, retry_after=retry_after)


def _unreachable(server: str, details: str) -> FourcastError:
    """No call has come through; gRPC's own words tell why, if the handshake failed."""
    for mark, text in _HANDSHAKE_FAILURES.items():
        if details.startswith(_HANDSHAKE_FAILED) and mark in details:
            return FourcastError("UNAVAILABLE", text.format(server=server))
    return FourcastError(
        "UNAVAILABLE",
        f"no fourcast server answers at {server}: start one with fourcast-serve, or check the "
        "address",
    )
