"""The server: what it is made of, how it starts and how it stops."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from fourcast.connect4.v1 import connect4_pb2_grpc
from fourcast.doodle.v1 import doodle_pb2_grpc
from fourcast.forecast.v1 import forecast_pb2_grpc
from fourcast.models.v1 import models_pb2_grpc
from fourcast.stego.v1 import stego_pb2_grpc
from fourcast.tabular.v1 import tabular_pb2_grpc
from fourcast_models.connect4.book import BOOK_FILE, Book
from fourcast_models.repository import default_repository
from fourcast_services import connect4, doodle, forecast, models, stego, tabular, tracing
from fourcast_services.address import BindError
from fourcast_services.admission import OpenCalls
from fourcast_services.credentials import read_token, server_credentials
from fourcast_services.engine import Engine
from fourcast_services.engine.watch import watch
from fourcast_services.guard import Guard, GuardedServer
from fourcast_services.inference import SERVICE_NAME, InferenceServicer, add_to_server
from fourcast_services.inference_backend import InferenceBackend
from fourcast_services.memory import give_back
from fourcast_services.peers import Peers
from fourcast_services.remote import RemoteBackend
from fourcast_services.settings import Settings
from fourcast_services.solver_pool import SolverPool
from fourcast_services.streams import Streams
from fourcast_services.threads import Threads

if TYPE_CHECKING:
    from fourcast_models.connect4.solver import Solver

GRACE_SECONDS = 5.0
"""How long calls may run on after the server was asked to stop."""

ANSWER_SECONDS = 1.0
"""How long calls have then to take in that they are over."""

QUIET_SECONDS = 0.2
"""A stopping server without calls for that long has none on their way in either."""

GATHER_PAUSE_SECONDS = 0.03
"""A stopping server that got no call for that long has none waiting in gRPC either."""

GATHER_SECONDS = 0.5
"""The longest that calls are held for that."""

KEEPALIVE_SECONDS = 60
"""How often a silent connection is asked whether its other end is still there."""

WAITING_PER_SLOT = 16
"""How many calls may wait for each slot of a solver pool."""

PICTURE_THREADS = 2
"""How many pictures are hidden in or read at once: the largest take much memory."""

FORECAST_THREADS = 2
"""How many series are worked on at once."""

SCOUT_TABLE_MEBIBYTES = 1
"""The least: a search of a few plies remembers nothing."""

_log = logging.getLogger(__name__)


async def serve(
    settings: Settings, announce: Callable[[str], None], stop: asyncio.Event, peers: Peers
) -> bool:
    """Serve until asked to stop.

    Args:
        settings: What to serve, and where.
        announce: Called once with "host:port" when the server answers.
        stop: Set when the server is to stop.
        peers: The other workers on the same port.

    Returns:
        Whether every search and every model has ended; if not, a thread still runs.

    Raises:
        RepositoryError: If the model repository is missing or malformed.
        ModelRefusedError: If no version of some model passes its checks.
        DeviceError: If the device cannot serve.
        BindError: If the address cannot be listened on.
        CredentialsError: If a certificate, key or token cannot be used.
        TracingError: If calls are to be traced and cannot be.
        FileNotFoundError: If the opening book is missing.
    """
    guard = _make_guard(settings)
    server = grpc.aio.server(
        interceptors=tracing.interceptors(settings.observability.traces),
        options=_options(settings.limits.max_message_mebibytes << 20, shared=peers.among_others),
    )
    # Any: the hints of generated code name gRPC's own servers.
    guarded: Any = GuardedServer(server, guard)
    engine = None
    backend: InferenceBackend
    if settings.backend is not None:
        token = read_token("--backend-token-file", settings.backend_token_file)
        backend = RemoteBackend(settings.backend, token)
    else:
        backend = engine = await _start_engine(settings, peers)
    book = Book.load(settings.opening_book or BOOK_FILE)
    solvers = _solver_pool(
        settings.limits.solver_slots,
        lambda: _make_solver(settings.limits.table_mebibytes, book),
    )
    scouts = _solver_pool(1, _make_scout)
    streams = Streams(settings.limits.max_streams)
    threads = Threads(PICTURE_THREADS, WAITING_PER_SLOT * PICTURE_THREADS, "pictures")
    series_threads = Threads(FORECAST_THREADS, WAITING_PER_SLOT * FORECAST_THREADS, "series")

    # One line a product.
    connect4_pb2_grpc.add_Connect4ServiceServicer_to_server(
        connect4.Connect4Servicer(
            backend, book, solvers, scouts, thinking_seconds=settings.limits.thinking_seconds
        ),
        guarded,
    )
    doodle_pb2_grpc.add_DoodleServiceServicer_to_server(
        doodle.DoodleServicer(backend, streams, max_image_pixels=settings.limits.max_image_pixels),
        guarded,
    )
    stego_pb2_grpc.add_StegoServiceServicer_to_server(
        stego.StegoServicer(backend, threads, max_image_pixels=settings.limits.max_image_pixels),
        guarded,
    )
    tabular_pb2_grpc.add_TabularServiceServicer_to_server(tabular.TabularServicer(backend), guarded)
    forecast_pb2_grpc.add_ForecastServiceServicer_to_server(
        forecast.ForecastServicer(backend, series_threads, streams), guarded
    )
    services = [
        connect4.SERVICE_NAME,
        doodle.SERVICE_NAME,
        stego.SERVICE_NAME,
        tabular.SERVICE_NAME,
        forecast.SERVICE_NAME,
    ]
    inference = None
    if engine is not None:
        inference = InferenceServicer(
            engine,
            peers,
            model_control=settings.model_control,
            streams=streams,
            max_message_bytes=settings.limits.max_message_mebibytes << 20,
        )
        add_to_server(inference, guarded)
        models_pb2_grpc.add_ModelsServiceServicer_to_server(models.ModelsServicer(engine), guarded)
        services += [SERVICE_NAME, models.SERVICE_NAME]

    healths = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healths, guarded)
    names = (*services, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(  # type: ignore[no-untyped-call]  # has no hints
        reflection.aio.ReflectionServicer(names), guarded
    )

    address = _bind(server, settings, peers)
    await server.start()
    for service in ("", *services):
        await healths.set(service, health_pb2.HealthCheckResponse.SERVING)
    if inference is not None:
        inference.ready = True
    give_back()
    announce(address)
    watching = asyncio.create_task(watch(engine)) if engine and settings.watch else None

    await stop.wait()
    _log.info("stopping: open calls have %g seconds", settings.shutdown_delay + GRACE_SECONDS)
    # First, so that a load balancer looks elsewhere while the open calls end.
    if inference is not None:
        inference.ready = False
    await healths.enter_graceful_shutdown()
    if watching is not None:
        watching.cancel()
    await asyncio.sleep(settings.shutdown_delay)
    # gRPC cancels the calls that it has not yet handed over when it stops, after which no caller
    # tries again (https://github.com/grpc/grpc/issues/41785). So it hands them over first, which
    # is quick while no model runs, and they begin when gRPC takes no more.
    await guard.open_calls.gather(GATHER_PAUSE_SECONDS, GATHER_SECONDS)
    stopping = asyncio.create_task(server.stop(GRACE_SECONDS + ANSWER_SECONDS))
    await asyncio.sleep(GATHER_PAUSE_SECONDS)
    guard.open_calls.release()
    quiet = asyncio.create_task(guard.open_calls.quiet(QUIET_SECONDS))
    await asyncio.wait([stopping, quiet], timeout=GRACE_SECONDS, return_when="FIRST_COMPLETED")
    # Searches that outlast the grace end here, so that their callers still get an answer.
    ended = [await pool.close(ANSWER_SECONDS) for pool in (solvers, scouts)]
    if quiet.done():
        # Only health watchers are left, who wait for the end.
        await server.stop(None)
    quiet.cancel()
    await stopping
    try:
        await asyncio.wait_for(backend.close(), ANSWER_SECONDS)
    except TimeoutError:
        _log.warning("a model run outlasts the grace; it ends with the process")
        return False
    return all(ended)


async def _start_engine(settings: Settings, peers: Peers) -> Engine:
    engine = Engine(
        settings.models or default_repository(),
        settings.device,
        max_waiting=settings.limits.max_queue,
    )
    await engine.start()
    for model in await peers.unloaded_models():
        await engine.unload(model)
    return engine


def _make_guard(settings: Settings) -> Guard:
    access = settings.access
    return Guard(
        OpenCalls(settings.limits.max_calls),
        token=read_token("--token-file", access.token_file),
        open_services=frozenset({health.SERVICE_NAME} if access.open_health else ()),
        log_calls=settings.observability.log_calls,
    )


def _options(max_message_bytes: int, *, shared: bool) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
        # A second server on the same port would take half of the calls: only workers may.
        ("grpc.so_reuseport", int(shared)),
        # Connections whose other end has vanished do not stay for ever.
        ("grpc.keepalive_time_ms", KEEPALIVE_SECONDS * 1000),
        ("grpc.keepalive_permit_without_calls", 1),
        # Clients may ask, too, without being taken for an attack.
        ("grpc.http2.min_ping_interval_without_data_ms", 5000),
    ]


def _solver_pool(slots: int, make_solver: "Callable[[], Solver]") -> SolverPool:
    return SolverPool(make_solver, slots=slots, max_waiting=WAITING_PER_SLOT * slots)


def _make_solver(table_mebibytes: int, book: Book) -> "Solver":
    # Here and not above: numba, which it imports, costs a second and 100 MiB.
    from fourcast_models.connect4.solver import Solver

    return Solver(table_mebibytes=table_mebibytes, book=book)


def _make_scout() -> "Solver":
    from fourcast_models.connect4.solver import Solver

    return Solver(table_mebibytes=SCOUT_TABLE_MEBIBYTES)


def _bind(server: grpc.aio.Server, settings: Settings, peers: Peers) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    credentials = server_credentials(settings.access)
    try:
        if credentials is None:
            bound = server.add_insecure_port(f"{host}:{settings.port}")
        else:
            bound = server.add_secure_port(f"{host}:{settings.port}", credentials)
    except RuntimeError as error:
        raise BindError(host, settings.port) from error
    if peers.address is not None:
        server.add_insecure_port(peers.address)
    return f"{host}:{bound}"
