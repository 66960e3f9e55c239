"""The typed synchronous Python client of a fourcast server.

    from fourcast_clients.api import Fourcast, Level

    with Fourcast("127.0.0.1:50051") as fourcast:
        reply = fourcast.connect4.choose_move("4453", level=Level.PERFECT)
        print(reply.column)
        print(reply.board)
        print(fourcast.connect4.analyze("4453").scores)

Every failed call raises `FourcastError`. A client may be used from several threads at once. A
server that wants to know its callers is given `Credentials`:

    Fourcast("play.example:443", credentials=Credentials(tls=True, token="..."))
"""

import ipaddress
import time
from types import TracebackType
from typing import Self, TypeVar

import grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from fourcast.connect4.v1 import connect4_pb2, connect4_pb2_grpc
from fourcast_clients.cancellation import Cancellation
from fourcast_clients.connect4 import (
    COLUMNS,
    ROWS,
    Analysis,
    Board,
    Cell,
    Level,
    Move,
    Outcome,
    Player,
    Position,
    Source,
    Status,
    Value,
    level_message,
    position_message,
    read_analysis,
    read_board,
    read_move,
)
from fourcast_clients.credentials import Credentials, CredentialsError
from fourcast_clients.errors import FourcastError

__all__ = [
    "COLUMNS",
    "DEFAULT_SERVER",
    "ROWS",
    "Analysis",
    "Board",
    "Cancellation",
    "Cell",
    "Connect4",
    "Credentials",
    "CredentialsError",
    "Fourcast",
    "FourcastError",
    "Level",
    "Move",
    "Outcome",
    "Player",
    "Position",
    "Source",
    "Status",
    "Value",
]

DEFAULT_SERVER = "127.0.0.1:50051"
"""Where ``fourcast-serve`` listens unless told otherwise."""

DEFAULT_TIMEOUT = 120.0
"""Seconds that a call may take: exact analysis of an early position needs up to a minute."""

RECONNECT_MILLISECONDS = 1000
"""Longest pause between two attempts to reach a server that is away."""

_HANDSHAKE_FAILED = "failed to connect to all addresses"
"""How gRPC's text begins if no connection has come about."""

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


class Fourcast:
    """A connection to a fourcast server; a context manager that closes it.

    Attributes:
        server: The address given.
        connect4: The Connect-4 calls.
    """

    def __init__(
        self,
        server: str = DEFAULT_SERVER,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        credentials: Credentials | None = None,
    ) -> None:
        """Prepare a connection; nothing is sent before the first call.

        Args:
            server: ``HOST:PORT``.
            timeout: Seconds that a call may take unless it says otherwise.
            credentials: Who the client is, and whom it trusts; None for plain text.

        Raises:
            ValueError: If ``server`` is not ``HOST:PORT`` with a port from 1 to 65535.
            CredentialsError: If a token would leave this computer in plain text.
        """
        host, _, port = server.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
            raise ValueError(f"{server!r} is not HOST:PORT, for example {DEFAULT_SERVER}")
        self.server = server
        credentials = credentials or Credentials()
        self._channel = _open_channel(server, _is_loopback(host), credentials)
        self._caller = _Caller(server, timeout, credentials.token)
        self._health = health_pb2_grpc.HealthStub(self._channel)
        self.connect4 = Connect4(connect4_pb2_grpc.Connect4ServiceStub(self._channel), self._caller)

    def wait_until_ready(self, timeout: float = 30.0) -> None:
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
                reply: health_pb2.HealthCheckResponse = self._caller.call(
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
        self._channel.close()

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()


class Connect4:
    """The Connect-4 calls of a server; reached as ``Fourcast.connect4``.

    A position is the columns played from the empty board (``"4453"``), six grid rows of ``.12``
    with the top row first, or a `Board` from an earlier answer.

    Every call takes ``timeout`` (seconds; None is the client's own) and ``cancellation``, and
    raises `FourcastError`: code ``"INVALID_ARGUMENT"`` with the ``field`` for an impossible
    position, ``"NOT_FOUND"`` for an unknown model or version, ``"UNAVAILABLE"`` if no server
    answers or one of the two does not trust the other's certificate, ``"UNAUTHENTICATED"`` if the
    server wants another token, ``"DEADLINE_EXCEEDED"`` after the timeout, ``"CANCELLED"`` after a
    cancellation.
    """

    def __init__(self, stub: connect4_pb2_grpc.Connect4ServiceStub, caller: "_Caller") -> None:
        self._stub = stub
        self._caller = caller

    def choose_move(
        self,
        position: Position,
        *,
        level: Level = Level.NETWORK,
        model: str = "",
        model_version: str = "",
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Move:
        """The column that a level plays, and the position that follows.

        Args:
            position: The position before the move; it must not be over.
            level: How to choose.
            model: The model in the server's repository; ``""`` is its Connect-4 network.
            model_version: A whole-number version; ``""`` is the one that serves by default.
            timeout: See the class.
            cancellation: See the class.
        """
        request = connect4_pb2.ChooseMoveRequest(
            position=position_message(position),
            level=level_message(level),
            model=model,
            model_version=model_version,
        )
        return read_move(self._caller.call(self._stub.ChooseMove, request, timeout, cancellation))

    def analyze(
        self,
        position: Position,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Analysis:
        """The exact score of every column and a line of perfect play.

        A finished position is answered with its outcome and no column scores. Early positions
        that are not in the server's opening table take up to a minute.
        """
        request = connect4_pb2.AnalyzeRequest(position=position_message(position))
        return read_analysis(self._caller.call(self._stub.Analyze, request, timeout, cancellation))

    def describe(
        self,
        position: Position,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Board:
        """The position as the rules see it: stones, status, legal columns, winning cells."""
        request = connect4_pb2.DescribePositionRequest(position=position_message(position))
        reply = self._caller.call(self._stub.DescribePosition, request, timeout, cancellation)
        return read_board(reply.board)


class _Caller:
    """Makes one call after another and turns every failure into a `FourcastError`."""

    def __init__(self, server: str, timeout: float, token: str | None) -> None:
        self._server = server
        self._timeout = timeout
        self._metadata = (("authorization", f"Bearer {token}"),) if token is not None else ()

    def call(
        self,
        method: "grpc.UnaryUnaryMultiCallable[Request, Response]",
        request: Request,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Response:
        seconds = self._timeout if timeout is None else timeout
        try:
            future = method.future(request, timeout=seconds, metadata=self._metadata)
        except ValueError:
            # grpc's way of saying that the channel is closed.
            raise FourcastError("CANCELLED", "the connection is closed: open another") from None
        if cancellation is not None:
            cancellation.watch(future.cancel)
        try:
            return future.result()
        except grpc.FutureCancelledError:
            raise FourcastError("CANCELLED", "the call was cancelled") from None
        except grpc.RpcError:
            raise _translated(future, self._server, seconds, bool(self._metadata)) from None
        except BaseException:
            # Ctrl-C: the server need not finish either.
            future.cancel()
            raise
        finally:
            if cancellation is not None:
                cancellation.forget(future.cancel)


def _open_channel(server: str, is_loopback: bool, credentials: Credentials) -> grpc.Channel:
    options = [
        ("grpc.max_reconnect_backoff_ms", RECONNECT_MILLISECONDS),
        # grpc would send even calls to this machine through a proxy in the environment.
        ("grpc.enable_http_proxy", int(not is_loopback)),
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


def _translated(call: grpc.Call, server: str, timeout: float, token_sent: bool) -> FourcastError:
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
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        text = f"no answer from {server} within {timeout:g} s: allow more with timeout="
    elif code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        text = f"the server at {server} is busy: try again in {retry_after or 1:g} s"
    elif code is grpc.StatusCode.CANCELLED:
        text = "the call was cancelled"
    elif code is grpc.StatusCode.UNAUTHENTICATED:
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
