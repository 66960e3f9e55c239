"""The tables in Markdown, and what became of the targets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.solver.contenders import OURS, OURS_AGAIN
from benchmarks.solver.labelling import Pace
from benchmarks.solver.race import Standing, better

RATIO, RATIO_LATE, LATE_SET = 1.5, 3.0, "Test_L3_R1"
PACES = {14: 250.0, 12: 100.0}
MEDIAN_MS, P99_MS = 1.0, 100.0


@dataclass(frozen=True, slots=True)
class Empty:
    """The empty board, without a book.

    Attributes:
        title: Who solved it.
        seconds: Processor time.
        nodes: As that solver counts them.
        node_rate: Of the calibration just before, nodes a second.
    """

    title: str
    seconds: float
    nodes: int
    node_rate: float


@dataclass(frozen=True)
class Results:
    """What was measured; what was not is empty.

    Attributes:
        sizes: Positions of each set, by name.
        titles: Of each set, by name.
        sets: By set and contender.
        empty: The empty board.
        paces: Labelling, by the least number of stones.
        waits: Stones and processor seconds of each analysis.
        book_plies: Of the book that these looked up first.
        book_load_ms: How long it took to read it.
    """

    sizes: Mapping[str, int] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    sets: Mapping[str, Mapping[str, Standing]] = field(default_factory=dict)
    empty: Sequence[Empty] = ()
    paces: Mapping[int, Pace] = field(default_factory=dict)
    waits: Sequence[tuple[int, float]] = ()
    book_plies: int = -1
    book_load_ms: float = 0.0

    def ratios(self) -> dict[str, float]:
        """The better of BitBully's methods to ours, by set; nothing if it took no part."""
        found = {}
        for name, standings in self.sets.items():
            if (theirs := better(standings)) is not None:
                found[name] = standings[theirs].seconds / standings[OURS.title].seconds
        return found

    def wait_ms(self, share: float) -> float:
        """The wait that this share of the analyses did not exceed, in milliseconds."""
        return float(np.quantile([seconds for _, seconds in self.waits], share) * 1000)


def report(results: Results, settings: Sequence[str]) -> str:
    """All tables of what was measured."""
    parts = ["\n".join(settings)]
    if results.sets:
        parts += ["## Sets of scored positions", _sets(results)]
    if results.empty:
        parts += ["## The empty board, without a book", _empty(results.empty)]
    if results.paces:
        parts += ["## Labelling of all columns, one core", _paces(results.paces)]
    if results.waits:
        parts += ["## Analysis of random positions, one core", _waits(results)]
    parts += ["## Targets", verdicts(results)]
    return "\n\n".join(parts)


def verdicts(results: Results) -> str:
    """A line for every target of which something was measured."""
    return "\n".join(
        f"- {'met' if is_met else 'MISSED'}: {target}; measured {measured}"
        for target, measured, is_met in _targets(results)
    )


def _targets(results: Results) -> Iterator[tuple[str, str, bool]]:
    """What is wanted, what was measured, and whether that is enough."""
    for name, standings in results.sets.items():
        wrong = standings[OURS.title].wrong
        yield f"{name}: every score exact", f"{wrong} wrong", wrong == 0
    for name, ratio in results.ratios().items():
        wanted = RATIO_LATE if name == LATE_SET else RATIO
        yield f"{name}: {wanted:g} times as fast as BitBully", f"{ratio:.2f}", ratio >= wanted
    for first_ply, pace in results.paces.items():
        rate = pace.positions / pace.seconds
        wanted = PACES[first_ply]
        target = f"{wanted:g} positions a second of at least {first_ply} stones"
        yield target, f"{rate:.0f}", rate >= wanted
    if results.waits:
        for name, share, wanted in (("median", 0.5, MEDIAN_MS), ("p99", 0.99, P99_MS)):
            measured = results.wait_ms(share)
            target = f"analysis: {name} of {wanted:g} ms"
            yield target, f"{measured:.2f} ms", measured <= wanted


def _sets(results: Results) -> str:
    lines = [
        "Processor time of one thread, a call from Python for each position, the tables empty at "
        "first. Ratio: to fourcast; in brackets the lowest and the highest of the rounds.",
        "",
        "| set | solver | µs a position | nodes a position | wrong | ratio |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for name, standings in results.sets.items():
        ours = standings[OURS.title]
        for title, one in standings.items():
            size = results.sizes[name]
            rounds = [
                a / b for a, b in zip(one.by_round, ours.by_round, strict=True) if one is not ours
            ]
            spread = f" ({min(rounds):.2f} to {max(rounds):.2f})" if rounds else ""
            lines.append(
                f"| {results.titles[name]} | {title} | {one.seconds / size * 1e6:,.2f} "
                f"| {one.nodes / size:,.0f} | {one.wrong} "
                f"| {one.seconds / ours.seconds:.2f}{spread} |"
            )
    ratios = results.ratios()
    if ratios:
        lines += ["", "| set | BitBully's better method to fourcast | control |"]
        lines += ["| --- | ---: | ---: |"]
        for name, ratio in ratios.items():
            standings = results.sets[name]
            control = standings[OURS_AGAIN.title].seconds / standings[OURS.title].seconds
            lines.append(f"| {results.titles[name]} | {ratio:.2f} | {control:.2f} |")
    return "\n".join(lines)


def _empty(rows: Sequence[Empty]) -> str:
    lines = [
        "Calibrated: the processor time in units of a million nodes of a fixed plain search, which "
        "is comparable between machines.",
        "",
        "| solver | processor seconds | million nodes | million nodes a second | calibrated "
        "| ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.title} | {row.seconds:.1f} | {row.nodes / 1e6:.0f} "
        f"| {row.nodes / row.seconds / 1e6:.1f} | {row.seconds * row.node_rate / 1e6:,.0f} "
        f"| {row.seconds / rows[0].seconds:.2f} |"
        for row in rows
    ]
    return "\n".join(lines)


def _paces(paces: Mapping[int, Pace]) -> str:
    lines = [
        "| stones | positions | positions a second | of the fewest stones alone | a second |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for first_ply, pace in paces.items():
        alone = f"{pace.first / pace.first_seconds:.0f}" if pace.first_seconds else "-"
        lines.append(
            f"| at least {first_ply} | {pace.positions} | {pace.positions / pace.seconds:.0f} "
            f"| {pace.first} | {alone} |"
        )
    return "\n".join(lines)


def _waits(results: Results) -> str:
    plies = sorted({ply for ply, _ in results.waits})
    lines = [
        f"As many positions of each number of stones from {plies[0]} to {plies[-1]}; the book "
        f"holds {results.book_plies} plies and was read in {results.book_load_ms:.1f} ms.",
        "",
        "| analyses | median | p99 | worst |",
        "| --- | ---: | ---: | ---: |",
        f"| {len(results.waits)} | {results.wait_ms(0.5):.2f} ms | {results.wait_ms(0.99):.1f} ms "
        f"| {results.wait_ms(1):.0f} ms |",
    ]
    return "\n".join(lines)
