"""The command `python -m benchmarks.serving.faults`: flags, progress and exit codes."""

import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import tyro
from tqdm import tqdm

from benchmarks.serving.faults.overload import Phase, measure_overload, verdicts
from benchmarks.serving.faults.stops import Stops, measure_stops
from benchmarks.serving.faults.swaps import MOST_SWAPS, Swaps, measure_swaps
from benchmarks.serving.h2load import LoadError, find_program
from benchmarks.serving.measure import MeasurementError
from benchmarks.serving.peers import CHECKOUT
from benchmarks.serving.processes import ServerError
from benchmarks.serving.report import machine
from benchmarks.serving.workload import Workload, WorkloadError, make_workload

PROGRAM = "python -m benchmarks.serving.faults"

OVERLOAD_HEADER = """\
| load | answers a second | accepted | their p50 | their p99 | codes, probe | codes, server |
| --- | ---: | ---: | ---: | ---: | --- | --- |"""


class Fault(Enum):
    """What goes wrong."""

    OVERLOAD = "overload"
    """Four times more is asked for than the server can do."""
    SWAPS = "swaps"
    """The model's version changes again and again."""
    STOPS = "stops"
    """The server is told to stop in the middle of its work."""


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Put load on fourcast-serve, let something go wrong, and see what becomes of the calls.

    Example: python -m benchmarks.serving.faults --only swaps --swaps 10
    """

    only: Annotated[tuple[Fault, ...], tyro.conf.arg(metavar="{overload,swaps,stops} ...")] = tuple(
        Fault
    )
    """What goes wrong."""

    seconds: Annotated[float, tyro.conf.arg(metavar="S")] = 20.0
    """How long each load of `overload` lasts."""

    swaps: Annotated[int, tyro.conf.arg(metavar="N")] = 100
    """How many new versions."""

    stops: Annotated[int, tyro.conf.arg(metavar="N")] = 10
    """How often the server is stopped."""

    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """The positions that are asked about follow from this number."""

    models: Annotated[Path, tyro.conf.arg(metavar="DIR")] = CHECKOUT / "models" / "repository"
    """The model repository with the model connect4."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = CHECKOUT / "runs" / "serving-faults"
    """Where results.json and the servers' logs are written."""

    def __post_init__(self) -> None:
        """Refuse what cannot be measured.

        Raises:
            ValueError: If a flag's value is wrong; the text names the flag.
        """
        if not self.only:
            raise ValueError("--only: name at least one of overload, swaps and stops")
        if not 1 <= self.swaps <= MOST_SWAPS:
            raise ValueError(f"--swaps is {self.swaps}, but must be 1 to {MOST_SWAPS}")
        if self.stops < 1:
            raise ValueError(f"--stops is {self.stops}, but must be at least 1")
        if self.seconds < 1:
            raise ValueError(f"--seconds is {self.seconds:g}, but must be at least 1")

    def run(self) -> Iterator[str]:
        """Measure.

        Yields:
            Paragraphs of the report, as soon as they are known.

        Raises:
            LoadError: If h2load is not installed, or fails.
            WorkloadError: If the repository has no model connect4.
            ServerError: If the server does not start, or ends by itself.
            MeasurementError: If something else cannot be measured.
        """
        find_program()
        self.out.mkdir(parents=True, exist_ok=True)
        workload = make_workload(self.models, self.seed, self.out / "requests")
        results: dict[str, Any] = {
            "machine": machine(),
            "weights_sha256": workload.weights_sha256,
            "seed": self.seed,
        }
        yield (
            f"connect4 version {workload.model_version}, sha256 of model.onnx "
            f"{workload.weights_sha256}; seed {workload.seed}. {machine()}."
        )
        for fault in self.only:
            if fault is Fault.OVERLOAD:
                phases = self._overload(workload)
                results[fault.value] = [dataclasses.asdict(phase) for phase in phases]
                yield "\n".join([OVERLOAD_HEADER, *map(_phase_row, phases)])
                yield "\n".join(verdicts(phases))
            elif fault is Fault.SWAPS:
                swaps = self._swaps(workload)
                results[fault.value] = dataclasses.asdict(swaps)
                yield _swaps_line(swaps)
            else:
                stops = self._stops(workload)
                results[fault.value] = dataclasses.asdict(stops)
                yield _stops_line(stops)
            (self.out / "results.json").write_text(json.dumps(results, indent=1))

    def _overload(self, workload: Workload) -> list[Phase]:
        phases = measure_overload(workload, self.models, self.out / "overload.log", self.seconds)
        return list(tqdm(phases, desc="overload", total=3, unit="load"))

    def _swaps(self, workload: Workload) -> Swaps:
        with tqdm(desc="swaps", total=self.swaps, unit="swap") as bar:
            return measure_swaps(workload, self.out, self.swaps, bar.update)

    def _stops(self, workload: Workload) -> Stops:
        with tqdm(desc="stops", total=self.stops, unit="stop") as bar:
            log = self.out / "stops.log"
            return measure_stops(workload, self.models, log, self.stops, bar.update)


def main() -> int:
    """Run the benchmark from the command line.

    Returns:
        The exit code: 0, 1 if something needed failed, 130 for Ctrl-C. Wrong flags exit with 2.
    """
    faults = tyro.cli(Faults, prog=PROGRAM, config=(tyro.conf.EnumChoicesFromValues,))
    try:
        for paragraph in faults.run():
            print(paragraph, end="\n\n", flush=True)
    except (LoadError, MeasurementError, ServerError, WorkloadError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{PROGRAM}: stopped", file=sys.stderr)
        return 130
    return 0


def _phase_row(phase: Phase) -> str:
    cells = [
        phase.title,
        f"{phase.rate:.0f}",
        f"{phase.accepted_rate:.0f}",
        f"{phase.p50 * 1e3:.1f} ms",
        f"{phase.p99 * 1e3:.1f} ms",
        _counts(phase.codes),
        _counts(phase.server_codes),
    ]
    return f"| {' | '.join(cells)} |"


def _counts(codes: dict[str, int]) -> str:
    return ", ".join(f"{count} {code}" for code, count in sorted(codes.items()))


def _swaps_line(swaps: Swaps) -> str:
    first, last = swaps.memory_bytes[0] / 1e6, swaps.memory_bytes[-1] / 1e6
    met = "missed" if swaps.failed else "met"
    return (
        f"6. {len(swaps.memory_bytes) - 1} hot swaps, {swaps.requests} requests meanwhile: failed "
        f"requests: target 0, reached {swaps.failed}: {met}. Memory {first:.1f} MB before, "
        f"{last:.1f} MB after; {swaps.growth_per_swap / 1e3:+.1f} kB a swap once warm"
    )


def _stops_line(stops: Stops) -> str:
    met = "missed" if stops.lost or any(stops.statuses) else "met"
    return (
        f"6. {stops.stops} times SIGTERM under load, {stops.answered} calls answered: lost calls: "
        f"target 0, reached {len(stops.lost)}; exit statuses {sorted(set(stops.statuses))}: {met}. "
        f"The slowest stop took {max(stops.seconds):.1f} s"
        + "".join(
            f"\n- {count} times {error}" for error, count in Counter(stops.lost).most_common(5)
        )
    )


if __name__ == "__main__":
    sys.exit(main())
