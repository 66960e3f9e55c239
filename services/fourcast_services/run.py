"""Runs one serving process from its settings to its exit status."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection

import uvloop

from fourcast_models.connect4.book import BookError
from fourcast_models.repository import RepositoryError
from fourcast_services import logs
from fourcast_services.address import BindError
from fourcast_services.credentials import CredentialsError
from fourcast_services.device import DeviceError
from fourcast_services.engine import ModelRefusedError
from fourcast_services.metrics_endpoint import serve_metrics
from fourcast_services.peers import Peers
from fourcast_services.server import serve
from fourcast_services.settings import Settings
from fourcast_services.stopping import stop_at_end_of, stop_on_signals
from fourcast_services.tracing import TracingError

_START_ERRORS = (
    RepositoryError,
    ModelRefusedError,
    DeviceError,
    BindError,
    CredentialsError,
    TracingError,
    BookError,
    FileNotFoundError,
)

_log = logging.getLogger(__name__)


def run_alone(settings: Settings, announce: Callable[[str], None]) -> int:
    """Serve with this process alone.

    Args:
        settings: What to serve, and where.
        announce: Called once with "host:port" when the server answers.

    Returns:
        The exit status: 0 after an orderly end, 1 if it cannot start, 130 for Ctrl-C before it has
        started.
    """
    parent = sys.stdin.fileno() if settings.exit_with_parent else None
    return _run(settings, announce, Peers(), parent)


def run_worker(settings: Settings, peers: Peers, pipe: Connection) -> None:
    """Serve as one of several workers; the process's main function.

    Args:
        settings: What to serve, and where.
        peers: The worker's place among the others.
        pipe: Gets the address when the worker answers; its end is the supervisor's, and so this
            worker's.
    """
    logs.configure(settings.observability.log_format, worker=peers.number)
    # Standard input is the supervisor's to watch.
    settings = replace(settings, exit_with_parent=False)
    sys.exit(_run(settings, pipe.send, peers, pipe.fileno()))


def _run(
    settings: Settings, announce: Callable[[str], None], peers: Peers, parent: int | None
) -> int:
    async def main() -> bool:
        stop = stop_on_signals(ignore_interrupt=peers.among_others)
        if parent is not None:
            stop_at_end_of(parent, stop)
        if settings.observability.metrics_port is not None:
            where = serve_metrics(
                settings.observability.metrics_host, settings.observability.metrics_port
            )
            _log.info("metrics on http://%s/metrics", where)
        return await serve(settings, announce, stop, peers)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            ended = runner.run(main())
    except _START_ERRORS as error:
        _log.error("cannot start: %s", error)
        return 1
    except KeyboardInterrupt:
        return 130
    if not ended:
        # The interpreter would wait for the thread that compiles the solver, a minute perhaps.
        sys.stderr.flush()
        os._exit(0)
    return 0
