"""Several processes that serve on one port, and the one that looks after them.

The kernel spreads connections over the workers (SO_REUSEPORT). The supervisor starts them, replaces
one that dies, passes on the request to stop, and serves the metrics of all. It runs no model.
"""

import logging
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from prometheus_client.multiprocess import mark_process_dead

from fourcast_services.address import BindError
from fourcast_services.metrics_endpoint import FOLDER_VARIABLE, serve_metrics
from fourcast_services.settings import Settings

_MIN_BACKOFF_SECONDS = 0.5
_MAX_BACKOFF_SECONDS = 30.0
_STABLE_SECONDS = 10.0
"""A worker that has lived that long did not die of how it was started."""

_STOP_SECONDS = 15.0
"""Beyond the shutdown delay, before a worker that does not end is killed."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Worker:
    number: int
    process: SpawnProcess
    pipe: Connection
    started: float
    ready: bool = False


@dataclass(slots=True)
class _Vacancy:
    """A worker that is to be started again."""

    number: int
    at: float


def supervise(settings: Settings, announce: Callable[[str], None]) -> int:
    """Serve with several workers until a signal asks for the end.

    Args:
        settings: What each of them serves, and where.
        announce: Called once with "host:port" when all of them answer.

    Returns:
        The exit status: 0 after an orderly end, 1 if a worker could not start.

    Raises:
        BindError: If the address cannot be listened on.
    """
    with tempfile.TemporaryDirectory(prefix="fourcast-") as folder, _reserve(settings) as port:
        sockets, values = Path(folder) / "sockets", Path(folder) / "metrics"
        sockets.mkdir()
        values.mkdir()
        os.environ[FOLDER_VARIABLE] = str(values)
        observability = settings.observability
        if observability.metrics_port is not None:
            where = serve_metrics(observability.metrics_host, observability.metrics_port)
            _log.info("metrics on http://%s/metrics", where)
        one = replace(
            settings, port=port, workers=1, observability=replace(observability, metrics_port=None)
        )
        return _Supervisor(one, settings.workers, sockets).run(announce)


class _Supervisor:
    """Keeps a number of workers running."""

    def __init__(self, settings: Settings, count: int, sockets: Path) -> None:
        self._settings = settings
        self._sockets = sockets
        self._workers: list[_Worker] = []
        self._vacancies = [_Vacancy(number, at=0.0) for number in range(count)]
        self._backoff = _MIN_BACKOFF_SECONDS
        self._announced = False
        self._kill_at: float | None = None
        self._status = 0

    def run(self, announce: Callable[[str], None]) -> int:
        """Start the workers and look after them until the last has ended."""
        with _signals() as signals:
            while self._workers or self._vacancies:
                self._fill_vacancies()
                self._wait(signals)
                for number in _received(signals):
                    self._on_signal(number)
                for worker in [w for w in self._workers if w.process.exitcode is not None]:
                    self._bury(worker)
                if not self._announced and not self._stopping and self._all_ready():
                    self._announced = True
                    announce(f"{self._settings.host}:{self._settings.port}")
        return self._status

    @property
    def _stopping(self) -> bool:
        return self._kill_at is not None

    def _all_ready(self) -> bool:
        return not self._vacancies and all(worker.ready for worker in self._workers)

    def _fill_vacancies(self) -> None:
        now = time.monotonic()
        for vacancy in [vacancy for vacancy in self._vacancies if vacancy.at <= now]:
            self._vacancies.remove(vacancy)
            ours, theirs = get_context("spawn").Pipe()
            process = get_context("spawn").Process(
                target=_serve,
                args=(self._settings, self._sockets, vacancy.number, theirs),
                name=f"worker {vacancy.number}",
            )
            process.start()
            # Else the pipe would not end with the worker.
            theirs.close()
            self._workers.append(_Worker(vacancy.number, process, ours, started=now))

    def _wait(self, signals: socket.socket) -> None:
        """Until something happens: a signal, a worker that is ready or has ended, a due time."""
        due = [vacancy.at for vacancy in self._vacancies]
        if self._kill_at is not None:
            due.append(self._kill_at)
        timeout = max(0.0, min(due) - time.monotonic()) if due else None
        starting = {worker.pipe: worker for worker in self._workers if not worker.ready}
        sentinels = [worker.process.sentinel for worker in self._workers]
        for happened in wait([signals, *starting, *sentinels], timeout):
            if isinstance(happened, Connection):
                try:
                    happened.recv()
                except EOFError:
                    # It has ended; its sentinel says so as well.
                    continue
                starting[happened].ready = True
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            for worker in self._workers:
                _log.error("worker %d does not end; killed", worker.number)
                worker.process.kill()
                worker.process.join()

    def _on_signal(self, number: int) -> None:
        if self._stopping:
            # Asked twice: no grace. The exit status is the shell's for this signal.
            for worker in self._workers:
                worker.process.kill()
            self._status = 128 + number
        self._stop()

    def _stop(self) -> None:
        self._kill_at = time.monotonic() + self._settings.shutdown_delay + _STOP_SECONDS
        self._vacancies.clear()
        for worker in self._workers:
            worker.process.terminate()

    def _bury(self, worker: _Worker) -> None:
        """Take note that a worker has ended, and have it replaced if it should not have."""
        self._workers.remove(worker)
        worker.pipe.close()
        mark_process_dead(worker.process.pid)  # type: ignore[no-untyped-call]  # has no hints
        if self._stopping:
            return
        code = worker.process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        if not self._announced:
            # Its own log says why; another try would end in the same way.
            _log.error("worker %d could not start: %s", worker.number, how)
            self._status = 1
            self._stop()
            return
        if time.monotonic() - worker.started >= _STABLE_SECONDS:
            self._backoff = _MIN_BACKOFF_SECONDS
        _log.error(
            "worker %d (process %d) has died: %s; the next one starts in %g s",
            worker.number,
            worker.process.pid,
            how,
            self._backoff,
        )
        self._vacancies.append(_Vacancy(worker.number, time.monotonic() + self._backoff))
        self._backoff = min(2 * self._backoff, _MAX_BACKOFF_SECONDS)


def _serve(settings: Settings, sockets: Path, number: int, pipe: Connection) -> None:
    """A worker's main function."""
    # Imported in the worker alone: the supervisor needs neither models nor gRPC.
    from fourcast_services.peers import Peers
    from fourcast_services.run import run_worker

    run_worker(settings, Peers(sockets, number), pipe)


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """A socket that gets the number of each SIGTERM or SIGINT as a byte."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    # The handlers do nothing: the wake-up descriptor is written before they would run.
    before = [(n, signal.signal(n, lambda *_: None)) for n in (signal.SIGTERM, signal.SIGINT)]
    descriptor = signal.set_wakeup_fd(theirs.fileno())
    try:
        yield ours
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in before:
            signal.signal(number, handler)
        ours.close()
        theirs.close()


def _received(signals: socket.socket) -> bytes:
    try:
        return signals.recv(64)
    except BlockingIOError:
        return b""


@contextmanager
def _reserve(settings: Settings) -> Iterator[int]:
    """Hold a port for this server's workers, and give its number.

    Raises:
        BindError: If another program has it, or the host is none of this computer's addresses.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            settings.host.strip("[]"), settings.port, type=socket.SOCK_STREAM
        )[0]
        # Without sharing first: with it, a port of another server of ours would seem free.
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            port = int(probe.getsockname()[1])
        held = socket.socket(family, kind)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((address[0], port, *address[2:]))
    except OSError as error:
        raise BindError(settings.host, settings.port) from error
    with held:
        # Bound but not listening: it holds the number and gets no connection.
        yield port
