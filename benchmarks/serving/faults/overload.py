"""Four times more than the server can do: who is served, how late, and what the others are told."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.faults.running import RunningFourcast, run_fourcast
from benchmarks.serving.h2load import run_program
from benchmarks.serving.measure import MeasurementError, check
from benchmarks.serving.workload import Kind, Workload

CLIENTS = 64
"""Closed loops that show the server's capacity."""

MAX_CALLS = CLIENTS + 16
"""How many calls the server takes on at a time: those of the clients and some of the probe's."""

FACTOR = 4

OPEN_STREAMS = 100
"""Requests that a connection may have under way when they come at a fixed rate."""

PROBE_RATE = 60.0
"""Calls per second of the client that sees latencies and status codes."""

RAMP_SECONDS = 1.0
"""How long a load runs before the probe begins, and after it has ended."""

LIMIT = 2.0
"""How many times the 99th percentile at capacity that of the accepted calls may be."""

ALLOWED = {"OK", "RESOURCE_EXHAUSTED"}


@dataclass(frozen=True, slots=True)
class Phase:
    """What a load showed.

    Attributes:
        title: The load.
        rate: Answers per second, refusals included.
        accepted_rate: Those of them that are no refusals.
        p50: Median latency in seconds of the probe's accepted calls.
        p99: Their 99th percentile.
        codes: Status codes of the probe's calls.
        without_retry_info: How many of the refused ones were not told when to come back.
        refusals: What the refused ones were told.
        server_codes: Status codes that the server itself counted. Calls that gRPC refuses beneath
            it are not among them.
    """

    title: str
    rate: float
    accepted_rate: float
    p50: float
    p99: float
    codes: dict[str, int]
    without_retry_info: int
    refusals: list[str]
    server_codes: dict[str, int]


def measure_overload(
    workload: Workload, models: Path, log: Path, seconds: float
) -> Iterator[Phase]:
    """Find the capacity, then ask for four times as much in two ways.

    Args:
        workload: What to ask.
        models: The model repository.
        log: Where the server's output goes.
        seconds: How long each load lasts.

    Yields:
        Capacity; four times the clients, which ask again at once; four times the rate, whatever
        the answers.

    Raises:
        ServerError: If the server does not start, or ends.
        MeasurementError: If the probe fails.
        LoadError: If h2load fails.
    """
    with run_fourcast(models, log, "--max-calls", str(MAX_CALLS)) as server:
        size = check(server.process, workload, server.url, grpc=True)[Kind.SINGLE]
        run = _Phases(server, workload, size, seconds)
        capacity = run.phase(f"{CLIENTS} clients", [f"--clients={CLIENTS}"])
        yield capacity
        more = FACTOR * CLIENTS
        yield run.phase(f"{more} clients", [f"--clients={more}"])
        each = FACTOR * capacity.accepted_rate / CLIENTS
        yield run.phase(
            f"{each * CLIENTS:.0f} requests a second",
            [
                f"--clients={CLIENTS}",
                f"--max-concurrent-streams={OPEN_STREAMS}",
                f"--rps={each:.0f}",
            ],
        )


def verdicts(phases: Sequence[Phase]) -> Iterator[str]:
    """Lines about the loads beyond capacity."""
    capacity, *overloads = phases
    for phase in overloads:
        head = f"6. {phase.title}: "
        ratio = phase.p99 / capacity.p99
        met = "met" if ratio <= LIMIT else f"missed by {ratio / LIMIT - 1:.0%}"
        yield (
            f"{head}accepted p99 to that at capacity: target at most {LIMIT:g}, "
            f"reached {ratio:.2f}: {met}"
        )
        others = sorted((phase.codes.keys() | phase.server_codes.keys()) - ALLOWED)
        refused = sum(count for code, count in phase.codes.items() if code != "OK")
        if not refused:
            yield f"{head}nothing was refused"
        elif others or phase.without_retry_info:
            yield (
                f"{head}refusals are RESOURCE_EXHAUSTED with RetryInfo: missed: other codes "
                f"{others or 'none'}, {phase.without_retry_info} of {refused} without RetryInfo; "
                f"they say: {'; '.join(phase.refusals)}"
            )
        else:
            yield f"{head}all of {refused} refusals are RESOURCE_EXHAUSTED with RetryInfo: met"


@dataclass(frozen=True, slots=True)
class _Phases:
    server: RunningFourcast
    workload: Workload
    answer_bytes: int
    seconds: float

    def phase(self, title: str, flags: Sequence[str]) -> Phase:
        """Put a load on the server, with the probe beside it."""
        before = self.server.calls_by_code()
        with _probe(self.server.address, self.workload, self.seconds) as probe:
            assert probe.stdin is not None  # PIPE below
            assert probe.stdout is not None
            if not probe.stdout.readline():
                raise MeasurementError("the probe cannot call the server")
            duration = self.seconds + 2 * RAMP_SECONDS
            with ThreadPoolExecutor(1) as executor:
                running = executor.submit(
                    run_program,
                    self.server.endpoint(self.workload),
                    [*flags, f"--duration={duration:.0f}"],
                    duration,
                )
                time.sleep(RAMP_SECONDS)
                output, _ = probe.communicate("begin\n")
                load = running.result()
        if probe.returncode:
            raise MeasurementError("the probe failed; the reason stands above")
        outcome = json.loads(output)
        latencies = sorted(outcome["latencies"])
        if not latencies:
            raise MeasurementError(f"under {title}, none of the probe's calls was accepted")
        after = self.server.calls_by_code()
        return Phase(
            title=title,
            rate=load.rate,
            accepted_rate=load.data_bytes / self.answer_bytes / load.seconds,
            p50=latencies[len(latencies) // 2],
            p99=latencies[min(len(latencies) - 1, int(0.99 * len(latencies)))],
            codes=outcome["codes"],
            without_retry_info=outcome["without_retry_info"],
            refusals=outcome["refusals"],
            server_codes={
                code: count - before.get(code, 0)
                for code, count in after.items()
                if count > before.get(code, 0)
            },
        )


def _probe(address: str, workload: Workload, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "benchmarks.serving.faults.probe"]
    command += ["--workload", str(workload.folder), "--address", address]
    command += ["--rate", str(PROBE_RATE), "--seconds", str(seconds)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
