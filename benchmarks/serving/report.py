"""The tables and lines that a run prints."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.serving.figures import compare, of_load
from benchmarks.serving.measure import IN_FLIGHT, LOADS
from benchmarks.serving.peers import CONTROL, MINIMAL, Peer
from benchmarks.serving.rounds import Round
from benchmarks.serving.verdicts import verdicts
from benchmarks.serving.workload import Workload

HEADER = """\
| load | server | CPU a request | requests a second | p50 | p99 |
| --- | --- | ---: | ---: | ---: | ---: |"""

SERVERS_HEADER = """\
| server | memory when idle | CPU a unary call | CPU a message of a stream | stream to unary |
| --- | ---: | ---: | ---: | ---: |"""


def report(
    rounds: Sequence[Round],
    peers: Mapping[str, Peer],
    names: Sequence[str],
    workload: Workload,
    failures: Mapping[str, str],
    thrown_away: int,
) -> str:
    """Everything that a run found, as Markdown.

    Args:
        rounds: Those that count.
        peers: The servers.
        names: Which of them were to be measured.
        workload: What they were asked.
        failures: Why some could not be measured.
        thrown_away: How many rounds do not count.
    """
    order = [MINIMAL, CONTROL, *names]
    parts = [
        _facts(workload, len(rounds), thrown_away),
        HEADER + "\n" + "\n".join(_load_rows(rounds, peers, order)),
        _baseline(rounds),
        SERVERS_HEADER + "\n" + "\n".join(_server_rows(rounds, peers, order)),
    ]
    if pins := list(_pin_lines(peers, names)):
        parts.append("\n".join(pins))
    if failures:
        parts.append("\n".join(_failure_lines(failures, peers)))
    parts.append("\n".join(verdicts(rounds)))
    return "\n\n".join(parts)


def machine() -> str:
    """The processor, its cores and the system."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {platform.system()} {platform.release()}"


def _facts(workload: Workload, rounds: int, thrown_away: int) -> str:
    return (
        f"connect4 version {workload.model_version}, sha256 of model.onnx "
        f"{workload.weights_sha256}; positions from seed {workload.seed}, sha256 "
        f"{workload.positions_sha256}. {machine()}; Python {platform.python_version()}, "
        f"onnxruntime {workload.onnxruntime_version}. Medians of {rounds} rounds, "
        f"{thrown_away} more thrown away. In brackets the ratio to the minimal server; for its "
        "control, to its first copy."
    )


def _load_rows(
    rounds: Sequence[Round], peers: Mapping[str, Peer], order: Sequence[str]
) -> Iterator[str]:
    for load in LOADS:
        for name in order:
            figures = [
                compare(rounds, name, of_load(load.name, figure))
                for figure in ("cpu_seconds", "rate", "p50", "p99")
            ]
            cells = []
            for figure, scale, unit in zip(
                figures, (1e3, 1, 1e3, 1e3), (" ms", "", " ms", " ms"), strict=True
            ):
                if figure is None:
                    break
                cells.append(f"{_number(figure.value * scale)}{unit} ({figure.ratio:.2f})")
            else:
                yield f"| {load.title} | {peers[name].title} | {' | '.join(cells)} |"


def _server_rows(
    rounds: Sequence[Round], peers: Mapping[str, Peer], order: Sequence[str]
) -> Iterator[str]:
    for name in order:
        memory = compare(rounds, name, lambda one: one.memory_bytes)
        if memory is None:
            continue
        shared = any(
            one.measurements[name].memory_sharers for one in rounds if name in one.measurements
        )
        cells = [f"{memory.value / 1e6:.1f} MB{'*' * shared} ({memory.ratio:.2f})"]
        costs = [
            compare(rounds, name, lambda one: one.unary_cpu_seconds),
            compare(rounds, name, lambda one: one.stream_cpu_seconds),
        ]
        cells += [
            f"{_number(cost.value * 1e3)} ms ({cost.ratio:.2f})" if cost else "-" for cost in costs
        ]
        shares = [
            share
            for one in rounds
            if name in one.measurements
            and (share := one.measurements[name].stream_share) is not None
        ]
        cells.append(f"{median(shares):.2f}" if shares else "-")
        yield f"| {peers[name].title} | {' | '.join(cells)} |"


def _baseline(rounds: Sequence[Round]) -> str:
    best, middle, rows = (
        median(getattr(one.baseline, field) for one in rounds)
        for field in ("best_decile", "median", "batch_rows_per_cpu_second")
    )
    return (
        f"Onnxruntime in-process: a call takes {best * 1e3:.3f} ms in its best decile and "
        f"{middle * 1e3:.3f} ms in the middle; batches of 32 give {rows:.0f} samples per CPU "
        f"second. Below, unary calls and streams: one Python client, {IN_FLIGHT} requests in "
        "flight. Memory: proportional set size of the process tree; with * too low, since other "
        "processes had the same libraries in memory."
    )


def _pin_lines(peers: Mapping[str, Peer], names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if requirements := peers[name].environment.requirements:
            yield f"{peers[name].title}: {', '.join(requirements)}."


def _failure_lines(failures: Mapping[str, str], peers: Mapping[str, Peer]) -> Iterator[str]:
    for name, reason in failures.items():
        yield f"Not measured: {peers[name].title}: {' '.join(reason.split())}"


def _number(value: float) -> str:
    """Three digits, more where they stand before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
