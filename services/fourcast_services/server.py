"""The server: what it is made of, how it starts and how it stops."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from fourcast.connect4.v1 import connect4_pb2_grpc
from fourcast_models.connect4.book import Book
from fourcast_models.repository import default_repository
from fourcast_services import connect4
from fourcast_services.engine import Engine
from fourcast_services.errors import StatusInterceptor
from fourcast_services.settings import Settings
from fourcast_services.solver_pool import SolverPool

if TYPE_CHECKING:
    from fourcast_models.connect4.solver import Solver

MAX_MESSAGE_BYTES = 1 << 20
"""The largest request or response; a position takes some hundred bytes."""

GRACE_SECONDS = 5.0
"""How long calls may run on after the server was asked to stop."""

ANSWER_SECONDS = 1.0
"""How long calls have then to take in that they are over."""

WAITING_PER_SLOT = 16
"""How many calls may wait for each slot of a solver pool."""

SCOUT_TABLE_MEBIBYTES = 1
"""The least: a search of a few plies remembers nothing."""

_log = logging.getLogger(__name__)


class BindError(Exception):
    """The address cannot be listened on."""


async def serve(settings: Settings, announce: Callable[[str], None]) -> bool:
    """Serve until a signal, or the end of standard input, asks for the end.

    Args:
        settings: What to serve, and where.
        announce: Called once with "host:port" when the server answers.

    Returns:
        Whether every search has ended; if not, a thread still runs.

    Raises:
        RepositoryError: If the model repository is missing or malformed.
        ModelRefusedError: If no version of some model passes its checks.
        DeviceError: If the device cannot serve.
        BindError: If the address cannot be listened on.
        FileNotFoundError: If the opening book is missing.
    """
    engine = Engine.load(settings.models or default_repository(), settings.device)
    book = Book.load()
    solvers = _solver_pool(
        settings.solver_slots, lambda: _make_solver(settings.table_mebibytes, book)
    )
    scouts = _solver_pool(1, _make_scout)
    server = grpc.aio.server(
        interceptors=[StatusInterceptor()],
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            # Else a second server on the same port would start and take half of the calls.
            ("grpc.so_reuseport", 0),
        ],
    )
    # One line a product.
    connect4_pb2_grpc.add_Connect4ServiceServicer_to_server(
        connect4.Connect4Servicer(engine, book, solvers, scouts), server
    )
    services = ("", connect4.SERVICE_NAME)

    healths = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healths, server)
    names = (*filter(None, services), health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)

    stop = _stop_event(settings.exit_with_parent)
    address = _bind(server, settings.host, settings.port)
    await server.start()
    for service in services:
        await healths.set(service, health_pb2.HealthCheckResponse.SERVING)
    announce(address)

    await stop.wait()
    _log.info("stopping: open calls have %g seconds", GRACE_SECONDS)
    # First, so that a load balancer looks elsewhere while the open calls end.
    await healths.enter_graceful_shutdown()
    stopping = asyncio.create_task(server.stop(GRACE_SECONDS + ANSWER_SECONDS))
    await asyncio.wait([stopping], timeout=GRACE_SECONDS)
    # Searches that outlast the grace end here, so that their callers still get an answer.
    ended = [await pool.close(ANSWER_SECONDS) for pool in (solvers, scouts)]
    await stopping
    return all(ended)


def _solver_pool(slots: int, make_solver: "Callable[[], Solver]") -> SolverPool:
    return SolverPool(make_solver, slots=slots, max_waiting=WAITING_PER_SLOT * slots)


def _make_solver(table_mebibytes: int, book: Book) -> "Solver":
    # Here and not above: numba, which it imports, costs a second and 100 MiB.
    from fourcast_models.connect4.solver import Solver

    return Solver(table_mebibytes=table_mebibytes, book=book)


def _make_scout() -> "Solver":
    from fourcast_models.connect4.solver import Solver

    return Solver(table_mebibytes=SCOUT_TABLE_MEBIBYTES)


def _bind(server: grpc.aio.Server, host: str, port: int) -> str:
    bracketed = f"[{host}]" if ":" in host else host
    try:
        bound = server.add_insecure_port(f"{bracketed}:{port}")
    except RuntimeError as error:
        raise BindError(
            f"cannot listen on {bracketed}:{port}: another program has the port, or the host is "
            "none of this computer's addresses; --port 0 takes a free port"
        ) from error
    return f"{bracketed}:{bound}"


def _stop_event(exit_with_parent: bool) -> asyncio.Event:
    """An event that SIGTERM, SIGINT or the end of standard input sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if stop.is_set():
            # Asked twice: no grace. The exit status is the shell's for this signal.
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)

    def watch_standard_input() -> None:
        # The descriptor itself: a thread inside sys.stdin would hang the interpreter's exit.
        try:
            while os.read(0, 4096):
                pass
        except OSError:
            _log.warning("standard input cannot be read: taken as its end")
        loop.call_soon_threadsafe(stop.set)

    if exit_with_parent:
        threading.Thread(target=watch_standard_input, name="parent", daemon=True).start()
    return stop
