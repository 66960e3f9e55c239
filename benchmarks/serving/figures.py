"""Medians over the rounds, absolute and as ratios within a round."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from benchmarks.serving.measure import LoadFigures, Measurement
from benchmarks.serving.peers import CONTROL, MINIMAL
from benchmarks.serving.rounds import Round

FIGURES = ("cpu_seconds", "rate", "p50", "p99")
"""The figures of a load that are compared."""

Figure = Callable[[Measurement], float | None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure of one server.

    Attributes:
        value: Its median over the rounds, in the figure's unit.
        ratio: The median of its ratio to the minimal server's in the same round. The minimal
            server's is the mean of its two copies; for the second copy, the control, it is the
            first copy's.
    """

    value: float
    ratio: float


def of_load(load: str, figure: str) -> Figure:
    """One of `FIGURES` under one of the loads."""

    def read(measurement: Measurement) -> float:
        value: float = getattr(measurement.loads[load], figure)
        return value

    assert figure in LoadFigures.__slots__
    return read


def compare(rounds: Sequence[Round], server: str, figure: Figure) -> Comparison | None:
    """A server's figure beside the minimal server's.

    Returns:
        None if it was not measured.
    """
    pairs = []
    for one in rounds:
        value = _value(one, server, figure)
        base = _value(one, MINIMAL, figure)
        if value is None or base is None:
            continue
        if server == CONTROL:
            base = figure(one.measurements[MINIMAL])
            assert base is not None  # its mean was there
        pairs.append((value, value / base))
    if not pairs:
        return None
    values, ratios = zip(*pairs, strict=True)
    return Comparison(median(values), median(ratios))


def ratio(rounds: Sequence[Round], server: str, other: str, figure: Figure) -> float | None:
    """The median over the rounds of a server's figure divided by another server's.

    Returns:
        None if one of them was not measured.
    """
    ratios = []
    for one in rounds:
        value, base = _value(one, server, figure), _value(one, other, figure)
        if value is not None and base is not None:
            ratios.append(value / base)
    return median(ratios) if ratios else None


def _value(one: Round, server: str, figure: Figure) -> float | None:
    """A figure in a round; of the minimal server the mean of its two copies."""
    names = (MINIMAL, CONTROL) if server == MINIMAL else (server,)
    values = [figure(one.measurements[name]) for name in names if name in one.measurements]
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
