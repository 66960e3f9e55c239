"""Many visitors of the web app at once, and how soon one of them sees what they do.

The gateway, its service, the visitors and the browser share this machine. The browser is used
twice, before the visitors come and after they have left: how far the two differ is how far chance
goes.

    python -m benchmarks.web
"""

import shutil
import sys
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import tyro

from benchmarks.web.browser import measure
from benchmarks.web.gateway import GatewayError, gateway, resident_mebibytes
from benchmarks.web.visitors import PARTS, Visitor, visit

PERCENTILES = (50, 90, 99)

SCREEN_MILLISECONDS = 50
"""The target from an input to the screen, at the 99th percentile."""

GUESS_MILLISECONDS = 150
"""The target from the end of a stroke to the guess, in the median."""

FLAT = 0.05
"""Memory is called flat if it grows by less than this share after the first quarter of the time."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Have many people visit the web app, use it in a browser before and after, and print both.

    Example: python -m benchmarks.web --visitors 10 --seconds 10
    """

    visitors: Annotated[int, tyro.conf.arg(metavar="N")] = 100
    """How many come at once."""

    seconds: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 120.0
    """How long they stay."""

    browser: Annotated[
        str | None,
        tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: chromium, if found)"),
    ] = shutil.which("chromium")
    """The browser that is measured."""

    inputs: Annotated[int, tyro.conf.arg(metavar="N")] = 60
    """How many keys, clicks, letters and strokes it is given, each time."""

    def run(self) -> str:
        """Visit.

        Returns:
            The report.

        Raises:
            GatewayError: If the web app does not start.
        """
        visitors_came = [Visitor("", seed) for seed in range(self.visitors)]
        memory: list[float] = []
        with gateway() as (address, process):
            for one in visitors_came:
                one.address = address
            first = self._browse(address)
            memory.append(resident_mebibytes(process))
            visit(visitors_came, self.seconds, lambda: memory.append(resident_mebibytes(process)))
            again = self._browse(address)
        return "\n".join(
            [
                *_verdicts(visitors_came, memory, first, again),
                "",
                f"{self.visitors} visitors for {self.seconds:g} s",
                "",
                *_times(visitors_came),
                *sorted({error for one in visitors_came for error in one.errors})[:5],
                *_browsed("before the visitors", first),
                *_browsed("after the visitors, again", again),
            ]
        )

    def _browse(self, address: str) -> dict[str, list[float]]:
        if self.browser is None:
            return {}
        return measure(self.browser, address, self.inputs)


def _verdicts(
    visitors: list[Visitor],
    memory: list[float],
    first: dict[str, list[float]],
    again: dict[str, list[float]],
) -> list[str]:
    """Each target beside what was measured, the second time as a control."""
    lines = ["| what | target | measured | again | met |", "| --- | ---: | ---: | ---: | --- |"]
    for kind in first:
        is_guess = kind == "pen up"
        percentile = 50 if is_guess else 99
        target = GUESS_MILLISECONDS if is_guess else SCREEN_MILLISECONDS
        both = [float(np.percentile(times[kind], percentile)) for times in (first, again)]
        what = "guess, median" if is_guess else f"screen, {percentile} %"
        lines.append(
            f"| {kind} to {what} | < {target} ms | {both[0]:.0f} ms | {both[1]:.0f} ms "
            f"| {_word(max(both) < target)} |"
        )
    errors = sum(len(one.errors) for one in visitors)
    lines.append(f"| errors of {len(visitors)} visitors | 0 | {errors} | | {_word(errors == 0)} |")
    _, warm, *_, last = memory
    shown = ", ".join(f"{size:.0f}" for size in memory)
    growth = last / warm - 1
    lines.append(
        f"| memory of the gateway, MiB: before, then after each of {PARTS} parts: {shown} "
        f"| < {FLAT:+.0%} | {growth:+.1%} | | {_word(growth < FLAT)} |"
    )
    return lines


def _word(is_met: bool) -> str:
    return "yes" if is_met else "**no**"


def _times(visitors: list[Visitor]) -> list[str]:
    """A table of the visitors' actions, from the request to the answer."""
    lines = [
        "| action | requests | median ms | 90 % | 99 % |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for action in sorted({action for one in visitors for action in one.times}):
        times = 1e3 * np.concatenate([one.times[action] for one in visitors if one.times[action]])
        lines.append(f"| {action} | {len(times)} | {_cells(times)} |")
    return lines


def _browsed(when: str, found: dict[str, list[float]]) -> list[str]:
    if not found:
        return []
    lines = ["", f"Browser, {when}", ""]
    lines += ["| input | median ms | 90 % | 99 % |", "| --- | ---: | ---: | ---: |"]
    return lines + [f"| {kind} | {_cells(np.array(times))} |" for kind, times in found.items()]


def _cells(times: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> str:
    return " | ".join(f"{ms:.1f}" for ms in np.percentile(times, PERCENTILES))


def main() -> int:
    """Run the benchmark; the exit code."""
    benchmark = tyro.cli(Benchmark, prog="python -m benchmarks.web")
    try:
        print(benchmark.run())
    except GatewayError as error:
        print(f"benchmarks.web: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
