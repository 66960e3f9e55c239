"""Interleaved rounds: every server once in each, between two copies of the minimal one.

Everything that was measured is kept at once, a line each, so that a run that was stopped or killed
goes on where it was.
"""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving.measure import LOADS, Measurement, MeasurementError, measure
from benchmarks.serving.peers import CONTROL, MINIMAL, Peer
from benchmarks.serving.workload import Workload

BASELINE = "onnxruntime"
"""The name of the in-process figures among the servers."""

CONTROL_LIMITS = (0.8, 1.25)
"""Between these is the ratio of the two copies in a round that counts."""

CONTROL_FIGURES = ("cpu_seconds", "rate", "p50")
"""What is compared. The 99th percentile of a few thousand requests is not: one hiccup of the
machine decides it, and hardly a round would remain. Its ratio is printed beside."""

MOST_ATTEMPTS = 4
"""How often a round is measured before the run gives up."""


class NoisyMachineError(Exception):
    """The two copies of the minimal server differ again and again."""


class OtherRunError(Exception):
    """The folder holds a run with other settings."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What onnxruntime itself does, called in-process; `baseline` measures it.

    Attributes:
        best_decile: Seconds that the fastest tenth of the single calls did not exceed.
        median: Seconds that half of them did not exceed.
        batch_rows_per_cpu_second: Positions answered in calls of `BATCH_ROWS`, for each second of
            CPU.
    """

    best_decile: float
    median: float
    batch_rows_per_cpu_second: float


@dataclass(frozen=True, slots=True)
class Round:
    """One round that was measured to its end.

    Attributes:
        measurements: By server; servers that failed are missing.
        baseline: Onnxruntime itself.
    """

    measurements: Mapping[str, Measurement]
    baseline: Baseline

    def control_ratio(self, load: str, figure: str) -> float:
        """A figure of the second copy of the minimal server, divided by the first one's."""
        first, second = (
            getattr(self.measurements[name].loads[load], figure) for name in (MINIMAL, CONTROL)
        )
        ratio: float = second / first
        return ratio

    @property
    def is_steady(self) -> bool:
        """Whether the two copies agree within `CONTROL_LIMITS` in each of `CONTROL_FIGURES`."""
        low, high = CONTROL_LIMITS
        return all(
            low <= self.control_ratio(load.name, figure) <= high
            for load in LOADS
            for figure in CONTROL_FIGURES
        )


class Store:
    """The lines that a run has written: one for each server, round and attempt."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Open a run, or begin one.

        Args:
            folder: Where it is kept.
            settings: What its figures depend on.

        Raises:
            OtherRunError: If the folder holds a run with other settings.
        """
        self._lines = folder / "measurements.jsonl"
        head = folder / "settings.json"
        if head.exists():
            others = json.loads(head.read_text())
            different = sorted(key for key in settings if settings[key] != others.get(key))
            if different:
                raise OtherRunError(
                    f"{folder} holds a run with other {', '.join(different)}: go on with it by the "
                    "same flags, choose another --out, or discard it with --fresh"
                )
        else:
            folder.mkdir(parents=True, exist_ok=True)
            self._lines.unlink(missing_ok=True)
            beside = head.with_suffix(".part")
            beside.write_text(json.dumps(settings, indent=1))
            beside.replace(head)
        self._records: dict[tuple[int, int, str], dict[str, Any]] = {}
        for line in self._lines.read_text().splitlines() if self._lines.exists() else []:
            try:
                self._keep(json.loads(line))
            except json.JSONDecodeError:
                # The line that was being written when the run was killed.
                break

    def has(self, number: int, attempt: int, server: str) -> bool:
        """Whether a server was measured in an attempt at a round, or failed before."""
        return (number, attempt, server) in self._records or server in self.failures

    def add(self, number: int, attempt: int, server: str, **outcome: Any) -> None:
        """Keep what was measured, as `measurement`, `baseline` or `error`."""
        record = {"round": number, "attempt": attempt, "server": server, **outcome}
        self._keep(record)
        # Whole lines only: a broken last one is cut off first.
        lines = "".join(f"{json.dumps(record)}\n" for record in self._records.values())
        beside = self._lines.with_suffix(".part")
        beside.write_text(lines)
        beside.replace(self._lines)

    @property
    def records(self) -> list[dict[str, Any]]:
        """Everything that was kept, in order."""
        return list(self._records.values())

    @property
    def failures(self) -> dict[str, str]:
        """Why servers could not be measured, by name."""
        return {record["server"]: record["error"] for record in self.records if "error" in record}

    def round(self, number: int, attempt: int) -> Round | None:
        """An attempt at a round, if it was measured to its end."""
        kept = {
            server: record
            for (one, other, server), record in self._records.items()
            if (one, other) == (number, attempt)
        }
        if not {MINIMAL, CONTROL, BASELINE} <= kept.keys():
            return None
        measurements = {
            server: Measurement.from_json(record["measurement"])
            for server, record in kept.items()
            if "measurement" in record
        }
        return Round(measurements, Baseline(**kept[BASELINE]["baseline"]))

    def attempts(self, number: int) -> Iterator[Round]:
        """The attempts at a round that were measured to their end, in order."""
        for attempt in range(1, MOST_ATTEMPTS + 1):
            if measured := self.round(number, attempt):
                yield measured

    def _keep(self, record: dict[str, Any]) -> None:
        self._records[record["round"], record["attempt"], record["server"]] = record


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run measures.

    Attributes:
        peers: The servers by name, the minimal one and its control included.
        names: Those to measure between the two copies.
        workload: What they are asked.
        models: The model repository.
        rounds: How many rounds.
        seconds: How long each load lasts.
        strict: Whether a round that is not steady is thrown away.
        logs: The folder for the servers' output.
    """

    peers: Mapping[str, Peer]
    names: Sequence[str]
    workload: Workload
    models: Path
    rounds: int
    seconds: float
    strict: bool
    logs: Path

    @property
    def steps(self) -> int:
        """How many servers are measured if no round is thrown away."""
        return self.rounds * (len(self.names) + 3)


@dataclass(frozen=True, slots=True)
class Progress:
    """Whom a run tells how far it is.

    Attributes:
        on_step: Told what is being done.
        on_server: Called after each server, measured now or before.
        on_thrown_away: Called with the number of steps of a round that is measured again.
    """

    on_step: Callable[[str], None]
    on_server: Callable[[], object]
    on_thrown_away: Callable[[int], None]


def run_rounds(plan: Plan, store: Store, progress: Progress) -> list[Round]:
    """Measure what is not measured yet.

    Returns:
        The rounds that count.

    Raises:
        MeasurementError: If the minimal server fails: without it nothing can be compared.
        NoisyMachineError: If a round is thrown away `MOST_ATTEMPTS` times.
    """
    rounds = []
    for number in range(1, plan.rounds + 1):
        for attempt in range(1, MOST_ATTEMPTS + 1):
            measured = _measure_round(plan, store, progress, number, attempt)
            if measured.is_steady or not plan.strict:
                rounds.append(measured)
                break
            progress.on_thrown_away(plan.steps // plan.rounds)
        else:
            raise NoisyMachineError(
                f"round {number} was thrown away {MOST_ATTEMPTS} times: the two copies of the "
                "minimal server differ by more than a quarter; stop what else runs here, and "
                "start the command anew with --fresh"
            )
    return rounds


def _measure_round(
    plan: Plan, store: Store, progress: Progress, number: int, attempt: int
) -> Round:
    # In another order each time, so that no server always follows the same one.
    turn = (number - 1) % max(len(plan.names), 1)
    between = [*plan.names[turn:], *plan.names[:turn]]
    for server in (MINIMAL, *between, BASELINE, CONTROL):
        if not store.has(number, attempt, server):
            prefix = f"round {number}" + (f" (attempt {attempt})" if attempt > 1 else "")

            def on_step(step: str, prefix: str = f"{prefix}, {server}") -> None:
                progress.on_step(f"{prefix}: {step}")

            if server == BASELINE:
                on_step("calls in a process of its own")
                store.add(number, attempt, server, baseline=_baseline(plan))
            else:
                try:
                    figures = measure(
                        plan.peers[server],
                        plan.workload,
                        plan.models,
                        seconds=plan.seconds,
                        log=plan.logs / f"{server}.log",
                        on_step=on_step,
                    )
                except MeasurementError as error:
                    if server in (MINIMAL, CONTROL):
                        raise
                    store.add(number, attempt, server, error=str(error))
                else:
                    store.add(number, attempt, server, measurement=figures.to_json())
        progress.on_server()
    measured = store.round(number, attempt)
    assert measured is not None  # everything that it needs was just measured
    return measured


def _baseline(plan: Plan) -> dict[str, Any]:
    """Onnxruntime's own figures, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.serving.baseline"]
    command += ["--workload", str(plan.workload.folder), "--seconds", str(plan.seconds)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise MeasurementError(f"onnxruntime itself fails: {result.stderr.strip()[-600:]}")
    return dataclasses.asdict(Baseline(**json.loads(result.stdout)))
