"""The targets, and how far the figures are from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.serving.figures import of_load, ratio
from benchmarks.serving.measure import Measurement
from benchmarks.serving.peers import FOURCAST, MINIMAL
from benchmarks.serving.rounds import Round
from benchmarks.serving.workload import BATCH_ROWS

CLIENTS = ("1", "16", "64")
"""The loads of single positions."""

Measure = Callable[[Sequence[Round]], float | None]


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that fourcast is to reach.

    Attributes:
        number: The point of the project's list that it belongs to.
        title: What is measured, with its unit.
        limit: What it may be.
        at_most: Whether it may be less than the limit; otherwise it may be more.
        measure: Computes it; None if something that it needs was not measured.
    """

    number: int
    title: str
    limit: float
    measure: Measure
    at_most: bool = True

    def verdict(self, rounds: Sequence[Round]) -> str:
        """One line: met or missed, by how much."""
        sign = "at most" if self.at_most else "at least"
        head = f"{self.number}. {self.title}: target {sign} {self.limit:g},"
        value = self.measure(rounds)
        if value is None:
            return f"{head} not measured"
        share = value / self.limit - 1
        good = value <= self.limit if self.at_most else value >= self.limit
        return f"{head} reached {value:.3g}: {'met' if good else f'missed by {abs(share):.0%}'}"


def _beside(other: str, load: str, figure: str) -> Measure:
    return lambda rounds: ratio(rounds, FOURCAST, other, of_load(load, figure))


def _median(read: Callable[[Measurement, Round], float | None]) -> Measure:
    """The median over the rounds of something about fourcast."""

    def measure(rounds: Sequence[Round]) -> float | None:
        values = [
            read(one.measurements[FOURCAST], one) for one in rounds if FOURCAST in one.measurements
        ]
        known = [value for value in values if value is not None]
        return median(known) if known else None

    return measure


def _milliseconds_above_bare(measurement: Measurement, one: Round) -> float:
    return (measurement.loads["1"].p50 - one.baseline.best_decile) * 1e3


def _share_of_bare_batches(measurement: Measurement, one: Round) -> float:
    rows_per_second = BATCH_ROWS / measurement.loads["batch"].cpu_seconds
    return rows_per_second / one.baseline.batch_rows_per_cpu_second


TARGETS = (
    *(
        Target(
            1,
            f"CPU a request to the minimal server's, {load} clients{note}",
            limit,
            _beside(MINIMAL, load, "cpu_seconds"),
        )
        for load in ("16", "64")
        for limit, note in ((1.25, ""), (1.1, " (stretch)"))
    ),
    Target(
        1,
        "p50 at 1 client above onnxruntime's best decile, in ms",
        0.3,
        _median(_milliseconds_above_bare),
    ),
    *(
        Target(
            2,
            f"CPU a request to {title}'s, {load} client{'s' * (load != '1')}",
            limit,
            _beside(name, load, "cpu_seconds"),
        )
        for name, title, limit in (
            ("kserve", "KServe SDK", 0.75),
            ("mlserver", "in-process MLServer", 0.6),
            ("mlserver-default", "default MLServer", 0.25),
            ("ray", "Ray Serve", 0.1),
        )
        for load in CLIENTS
    ),
    *(
        target
        for name, title in (("pytriton", "PyTriton"), ("triton", "Triton (Python backend)"))
        for target in (
            Target(
                2,
                f"throughput to {title}'s, 64 clients",
                1.0,
                _beside(name, "64", "rate"),
                at_most=False,
            ),
            Target(2, f"p99 to {title}'s, 64 clients", 1.0, _beside(name, "64", "p99")),
            Target(2, f"p50 to {title}'s, 1 client", 0.2, _beside(name, "1", "p50")),
        )
    ),
    Target(
        3,
        f"requests of {BATCH_ROWS}: share of onnxruntime's own rate per CPU second",
        0.75,
        _median(_share_of_bare_batches),
        at_most=False,
    ),
    Target(
        3,
        "CPU a message of a stream to a unary call's",
        0.45,
        _median(lambda measurement, _: measurement.stream_share),
    ),
    Target(
        4,
        "memory when idle (proportional set size), in MB",
        60.0,
        _median(lambda measurement, _: measurement.memory_bytes / 1e6),
    ),
)


def verdicts(rounds: Sequence[Round]) -> list[str]:
    """A line for each target."""
    return [target.verdict(rounds) for target in TARGETS]
