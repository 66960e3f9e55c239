"""The command `python -m benchmarks.solver`: flags, progress and exit codes."""

import hashlib
import json
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from tqdm import tqdm

from benchmarks.serving.peers import CHECKOUT, InstallError
from benchmarks.solver import race
from benchmarks.solver.calibration import node_rate
from benchmarks.solver.contenders import BITBULLY, OURS, TABLE_MEBIBYTES, THEIRS, Contender, Running
from benchmarks.solver.labelling import FIRST_PLIES, Pace, measure_pace
from benchmarks.solver.report import Empty, Results, report
from benchmarks.solver.waiting import PART, measure_waits, positions
from benchmarks.stego.store import OtherRunError, Store
from fourcast_models.connect4 import kernel
from fourcast_models.connect4.book import BOOK_FILE, Book
from fourcast_models.connect4.solver import Solver
from fourcast_training.files import write_atomically

PROGRAM = "python -m benchmarks.solver"

SETS = CHECKOUT.parent / "shared" / "data" / "connect4"

QUICK_POSITIONS, QUICK_LABELS, QUICK_ANALYSES = 100, 60, 60
LABELS = 2000

Part = Literal["sets", "empty", "labels", "analyses"]


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Measure the exact Connect-4 solver.

    Beside BitBully on sets of scored positions; on the empty board; labelling positions; analysing
    them. Prints tables and what became of the targets, and writes report.md and results.json. A run
    that was stopped goes on where it was when the same command is given again.

    Example: python -m benchmarks.solver sets

    Example: python -m benchmarks.solver --quick
    """

    parts: tyro.conf.Positional[tuple[Part, ...]] = ("sets", "empty", "labels", "analyses")
    """What to measure; all of it if nothing is named."""

    data: Annotated[Path, tyro.conf.arg(metavar="DIR")] = SETS
    """The folder with the sets: files such as Test_L3_R1.txt, of lines "moves score"."""

    most: Annotated[int, tyro.conf.arg(metavar="N")] = 1000
    """Positions of each set at most, evenly spread."""

    analyses: Annotated[int, tyro.conf.arg(metavar="N")] = 10_000
    """How many positions are analysed."""

    without_bitbully: bool = False
    """Leave BitBully out."""

    empty_beside_bitbully: bool = False
    """Have BitBully solve the empty board, too, which takes it some minutes."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = CHECKOUT / "runs" / "solver-benchmark"
    """Where everything is written."""

    fresh: bool = False
    """Discard what an earlier run left in that folder."""

    json: bool = False
    """Print the results as JSON in place of the tables."""

    quick: bool = False
    """Few positions, the empty board not at all: shows that all works; its figures mean little."""

    def __post_init__(self) -> None:
        """Refuse what cannot be measured.

        Raises:
            ValueError: If a flag's value is wrong; the text names the flag.
        """
        for name, number in (("most", self.most), ("analyses", self.analyses)):
            if number < 1:
                raise ValueError(f"--{name} is {number}, but must be at least 1")

    def run(self) -> str:
        """Measure.

        Returns:
            The report.

        Raises:
            ValueError: If the sets cannot be used.
            OtherRunError: If the folder holds a run with other settings.
            RuntimeError: If a solver's process ended.
        """
        most = min(QUICK_POSITIONS, self.most) if self.quick else self.most
        sets = race.read_sets(self.data, most) if "sets" in self.parts else []
        book = Book.load()
        with_bitbully, note = self._bitbully()
        contenders = race.contenders(with_bitbully=with_bitbully)
        settings = {
            "sets": {one.name: _hash(repr(one).encode()) for one in sets},
            "positions of each set at most": most,
            "BitBully": note,
            "solver": _hash(Path(kernel.__file__).read_bytes()),
            "book": _hash(BOOK_FILE.read_bytes()),
            "table, MiB": TABLE_MEBIBYTES,
            "quick": self.quick,
        }
        store = Store(self.out, settings, fresh=self.fresh)
        analyses = min(QUICK_ANALYSES, self.analyses) if self.quick else self.analyses
        with ExitStack() as stack:
            work = _Work(store)
            running: dict[str, Running] = {}

            def start() -> dict[str, Running]:
                for contender in contenders:
                    if contender.title not in running:
                        running[contender.title] = stack.enter_context(Running(contender))
                return running

            for one in sets:
                for key, number, block in race.turns(one):
                    work.plan(key, partial(_turn, start, one, number, block))
            for contender in self._on_the_empty_board(with_bitbully=with_bitbully):
                work.plan(f"empty {contender.title}", partial(_empty_board, contender))
            count = QUICK_LABELS if self.quick else LABELS
            for first_ply in FIRST_PLIES if "labels" in self.parts else ():
                work.plan(f"labels {first_ply}", partial(measure_pace, first_ply, count))
            if "analyses" in self.parts:
                boards = positions(analyses)
                solver = Solver(table_mebibytes=TABLE_MEBIBYTES, book=book)
                solver.forget()  # touches all of its memory
                for first in range(0, analyses, PART):
                    part = partial(measure_waits, boards[first : first + PART], solver)
                    work.plan(f"analyses {first} of {analyses}", part)
            work.do()
        results = Results(
            sizes={one.name: len(one.moves) for one in sets},
            titles={one.name: one.title for one in sets},
            sets={one.name: _standings(store, one, contenders) for one in sets},
            empty=[
                Empty(**store[f"empty {contender.title}"])
                for contender in self._on_the_empty_board(with_bitbully=with_bitbully)
            ],
            paces={
                first_ply: Pace(**store[f"labels {first_ply}"])
                for first_ply in (FIRST_PLIES if "labels" in self.parts else ())
            },
            waits=[
                (plies, seconds)
                for first in range(0, analyses if "analyses" in self.parts else 0, PART)
                for plies, seconds in store[f"analyses {first} of {analyses}"]
            ],
            book_plies=book.plies,
            book_load_ms=_load_ms(),
        )
        text = report(results, [f"{name}: {value}" for name, value in settings.items()])
        plain = json.dumps(asdict(results) | {"ratios": results.ratios()}, indent=1)
        for name, content in (("report.md", text), ("results.json", plain)):
            write_atomically(self.out / name, partial(_write, f"{content}\n".encode()))
        return plain if self.json else text

    def _bitbully(self) -> tuple[bool, str]:
        """Whether it takes part, and a word on it."""
        if self.without_bitbully or not {"sets", "empty"} & set(self.parts):
            return False, "left out"
        if not BITBULLY.is_installed:
            print(f"Installing {', '.join(BITBULLY.requirements)} ...", file=sys.stderr)
        try:
            BITBULLY.install()
        except InstallError as error:
            return False, f"cannot be installed here: {error}"
        return True, ", ".join(BITBULLY.requirements)

    def _on_the_empty_board(self, *, with_bitbully: bool) -> tuple[Contender, ...]:
        """Who solves the empty board."""
        if "empty" not in self.parts or self.quick:
            return ()
        # Its null windows; MTD(f) takes it longer on early positions.
        return (OURS, THEIRS[0]) if self.empty_beside_bitbully and with_bitbully else (OURS,)


@dataclass
class _Work:
    """Parts still to be measured."""

    store: Store
    parts: dict[str, Callable[[], Any]] = field(default_factory=dict)

    def plan(self, key: str, part: Callable[[], Any]) -> None:
        """Measure a part later, unless an earlier run did."""
        if key not in self.store:
            self.parts[key] = part

    def do(self) -> None:
        """Measure all of them."""
        with tqdm(self.parts.items(), unit="part", dynamic_ncols=True) as bar:
            for key, part in bar:
                bar.set_postfix_str(key)
                self.store.add(key, part())


def _turn(
    start: Callable[[], dict[str, Running]],
    positions: race.PositionSet,
    number: int,
    block: slice,
) -> dict[str, race.Turn]:
    return race.measure_turn(start(), positions, number, block)


def _empty_board(contender: Contender) -> dict[str, Any]:
    """A contender on the empty board."""
    rate = node_rate()
    with Running(contender) as running:
        answer = running.solve([""])
    if answer["scores"] != [1]:
        raise RuntimeError(f"{contender.title} scores the empty board {answer['scores']}, not 1")
    return asdict(Empty(contender.title, answer["seconds"], answer["nodes"], rate))


def _standings(
    store: Store, positions: race.PositionSet, contenders: tuple[Contender, ...]
) -> dict[str, race.Standing]:
    rounds: dict[int, list[dict[str, race.Turn]]] = {}
    for key, number, _ in race.turns(positions):
        rounds.setdefault(number, []).append(store[key])
    return {
        one.title: race.standing([[turn[one.title] for turn in turns] for turns in rounds.values()])
        for one in contenders
    }


def _load_ms() -> float:
    start = time.perf_counter()
    Book.load()
    return (time.perf_counter() - start) * 1000


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _write(content: bytes, stream: Any) -> None:
    stream.write(content)


def main() -> int:
    """Run the benchmark from the command line.

    Returns:
        The exit code: 0, 1 if something needed failed, 130 for Ctrl-C. Wrong flags exit with 2.
    """
    # Leaves through the context managers, so that no solver goes on alone.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    benchmark = tyro.cli(Benchmark, prog=PROGRAM, config=(tyro.conf.FlagCreatePairsOff,))
    try:
        print(benchmark.run())
    except (OtherRunError, RuntimeError, ValueError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{PROGRAM}: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
