"""A server stopped in the middle of its work, again and again."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serving.faults.running import run_fourcast
from benchmarks.serving.h2load import run_program
from benchmarks.serving.measure import MeasurementError, check
from benchmarks.serving.processes import ServerError
from benchmarks.serving.workload import Kind, Workload

CLIENTS = 64

MORE_THAN_CAN_BE_DONE = 10_000_000
"""Requests of h2load, so that it is still at work when the server stops."""

BUSY_SECONDS = 1.5
"""How long a server works before it is stopped."""

END_SECONDS = 30.0
"""How long it may take then."""


@dataclass(slots=True)
class Stops:
    """What the stops showed.

    Attributes:
        stops: How many.
        answered: How many calls were answered rightly, of h2load and of the Python callers.
        lost: What became of calls that were sent while the server listened and not answered so.
        statuses: The exit statuses.
        seconds: How long each stop took.
    """

    stops: int = 0
    answered: int = 0
    lost: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def measure_stops(
    workload: Workload, models: Path, log: Path, count: int, on_stop: Callable[[], object]
) -> Stops:
    """Start a server, put load on it, send SIGTERM, see what became of the calls.

    Args:
        workload: What to ask.
        models: The model repository.
        log: Where the servers' output goes.
        count: How often.
        on_stop: Called after each.

    Raises:
        ServerError: If a server does not start, or does not end within `END_SECONDS`.
        MeasurementError: If the Python callers fail.
        LoadError: If h2load fails.
    """
    stops = Stops()
    for _ in range(count):
        _stop_once(workload, models, log, stops)
        on_stop()
    return stops


def _stop_once(workload: Workload, models: Path, log: Path, stops: Stops) -> None:
    with run_fourcast(models, log) as server:
        size = check(server.process, workload, server.url, grpc=True)[Kind.SINGLE]
        command = [sys.executable, "-m", "benchmarks.serving.faults.callers"]
        command += ["--workload", str(workload.folder), "--address", server.address]
        flags = [f"--clients={CLIENTS}", f"--requests={MORE_THAN_CAN_BE_DONE}"]
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as callers,
            ThreadPoolExecutor(1) as executor,
        ):
            assert callers.stdout is not None  # PIPE above
            callers.stdout.readline()  # they are connected
            loading = executor.submit(run_program, server.endpoint(workload), flags, BUSY_SECONDS)
            time.sleep(BUSY_SECONDS)
            start = time.monotonic()
            server.process.process.send_signal(signal.SIGTERM)
            try:
                stops.statuses.append(server.process.process.wait(END_SECONDS))
            except subprocess.TimeoutExpired:
                raise ServerError(
                    f"fourcast does not end within {END_SECONDS:g} s of SIGTERM:\n"
                    f"{server.process.end_of_log()}"
                ) from None
            stops.seconds.append(time.monotonic() - start)
            output, _ = callers.communicate(timeout=END_SECONDS)
            load = loading.result()
    if callers.returncode:
        raise MeasurementError("the Python callers failed; the reason stands above")
    outcome = json.loads(output)
    stops.stops += 1
    stops.answered += load.data_bytes // size + outcome["answered"]
    stops.lost += outcome["lost"]
    unanswered = load.started - load.data_bytes // size
    stops.lost += ["h2load: sent, and answered with an error or not at all"] * unanswered
