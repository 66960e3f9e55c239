"""The command `python -m benchmarks.stego`: flags, progress and exit codes."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro
from tqdm import tqdm

from benchmarks.serving.peers import CHECKOUT, InstallError
from benchmarks.stego import chart
from benchmarks.stego.changes import Change, changes
from benchmarks.stego.footprint import Footprint, footprint
from benchmarks.stego.measure import Record, measure
from benchmarks.stego.methods import Method, other_methods, own_methods
from benchmarks.stego.networks import descriptions, published_networks
from benchmarks.stego.peer_process import ENVIRONMENT, Peers
from benchmarks.stego.pictures import PHOTOGRAPHS, QUARTERS, Pictures, load_pictures
from benchmarks.stego.rejections import Rejections
from benchmarks.stego.report import report
from benchmarks.stego.results import Results, Summary
from benchmarks.stego.steganalysis import detect
from benchmarks.stego.store import OtherRunError, Store
from benchmarks.stego.verdicts import LARGEST_SIDE, REVEALS
from fourcast_models.repository import RepositoryError, default_repository
from fourcast_models.stego.codec import PROFILES
from fourcast_training.files import write_atomically

PROGRAM = "python -m benchmarks.stego"

PHOTOS = CHECKOUT.parent / "shared" / "data" / "photos"

OWN = ("capacity", "robust", "robust-short")
"""What is measured on all sets of pictures."""

QUICK_PICTURES, QUICK_REVEALS, QUICK_SIDE = 2, 45, 512
TIMES, QUICK_TIMES = 30, 5

PART = 100
"""Reveals between two records."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Hide random texts that fill the pictures, and see what comes back after every change.

    Prints tables and what became of the targets, and writes report.md and exact.png. Beside
    fourcast stand a textbook method and, in an environment of their own, other people's. A run that
    was stopped goes on where it was when the same command is given again.

    Example: python -m benchmarks.stego --quick

    Example: python -m benchmarks.stego --pictures ~/holiday
    """

    pictures: Annotated[
        Path | None,
        tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: ../shared/data/photos)"),
    ] = None
    """A folder of photographs, of which only the test split is measured on: in the folder that the
    networks were trained with, what they did not see. Textures where there is none."""

    models: Annotated[
        Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: of this checkout)")
    ] = None
    """The model repository with the networks."""

    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """Texts, noise and damage follow from this number."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = CHECKOUT / "runs" / "stego-benchmark"
    """Where everything is written."""

    fresh: bool = False
    """Discard what an earlier run left in that folder."""

    without_peers: bool = False
    """Leave other people's libraries out, and with them OpenCV's files."""

    most: Annotated[int, tyro.conf.arg(metavar="N")] = 320
    """Pictures of each set at most."""

    quick: bool = False
    """A few pictures of each set: shows that all works; its figures mean little."""

    def __post_init__(self) -> None:
        """Refuse what cannot be measured.

        Raises:
            ValueError: If a flag's value is wrong; the text names the flag.
        """
        if self.most < 1:
            raise ValueError(f"--most is {self.most}, but must be at least 1")
        if self.seed < 0:
            raise ValueError(f"--seed is {self.seed}, but must be at least 0")

    def run(self) -> str:
        """Measure.

        Returns:
            The report.

        Raises:
            ValueError: If the pictures cannot be used.
            RepositoryError: If a network is missing.
            OtherRunError: If the folder holds a run with other settings.
            RuntimeError: If a child process failed.
        """
        models = self.models or default_repository()
        networks = published_networks(models)
        folder = self.pictures or (PHOTOS if PHOTOS.is_dir() else None)
        most = min(QUICK_PICTURES, self.most) if self.quick else self.most
        pictures = load_pictures(folder, most=most, seed=self.seed)
        with ExitStack() as stack:
            peers, note = self._start_peers(stack)
            settings = self._settings(models, folder, pictures, note)
            store = Store(self.out, settings, fresh=self.fresh)
            methods = own_methods(networks) | (other_methods(peers) if peers else {})
            table = changes(peers)
            with tqdm(total=0, unit="part", dynamic_ncols=True) as bar:
                work = _Work(store, bar)
                self._plan_pictures(work, methods, table, pictures)
                self._plan_curves(work, methods, pictures)
                reveals = QUICK_REVEALS if self.quick else REVEALS
                rejections = Rejections(networks, pictures.sets[PHOTOGRAPHS], self.seed)
                for start in range(0, reveals, PART):
                    stop = min(start + PART, reveals)
                    work.plan(f"reveals {start} to {stop}", partial(rejections.count, start, stop))
                side = QUICK_SIDE if self.quick else LARGEST_SIDE
                often = QUICK_TIMES if self.quick else TIMES
                for profile in PROFILES:
                    for length, times in ((256, often), (side, 1)):
                        shown = folder if length == 256 else None
                        part = partial(footprint, models, profile, length, times, shown)
                        work.plan(f"footprint {profile} {length}", part)
                work.do()
            results = _collect(store, methods, pictures, rejections, reveals, side)
        lines = [f"{name}: {value}" for name, value in settings.items() if name != "networks"]
        text = report(results, pictures, methods, table, [*settings["networks"], "", *lines])
        write_atomically(self.out / "report.md", lambda stream: stream.write(f"{text}\n".encode()))
        chart.draw(results, methods, table, self.out / "exact.png")
        return text

    def _start_peers(self, stack: ExitStack) -> tuple[Peers | None, str]:
        """Other people's libraries, and a word on them."""
        if self.without_peers:
            return None, "left out"
        if not ENVIRONMENT.is_installed:
            print(f"Installing {', '.join(ENVIRONMENT.requirements)} ...", file=sys.stderr)
        try:
            peers = stack.enter_context(Peers())
        except InstallError as error:
            return None, f"cannot be installed here: {error}"
        return peers, ", ".join(ENVIRONMENT.requirements)

    def _settings(
        self, models: Path, folder: Path | None, pictures: Pictures, note: str
    ) -> dict[str, Any]:
        """What the figures follow from."""
        hashes = {name: split.sha256 for name, split in pictures.sets.items()}
        return {
            "networks": descriptions(models),
            "pictures": str(folder) if folder else "textures",
            "seed": self.seed,
            "quick": self.quick,
            "most": self.most,
            "other people's libraries": note,
            "sha256 of the pictures": hashes,
        }

    def _plan_pictures(
        self,
        work: "_Work",
        methods: Mapping[str, Method],
        table: Mapping[str, Change],
        pictures: Pictures,
    ) -> None:
        core = {name: change for name, change in table.items() if change.is_core}
        for kind, split in pictures.sets.items():
            made = table if kind in (PHOTOGRAPHS, QUARTERS) else core
            for key in methods if kind == PHOTOGRAPHS else OWN:
                for name, cover in zip(split.names, split.pictures, strict=True):
                    part = partial(measure, methods[key], name, cover, made, self.seed)
                    work.plan(f"{kind} {key} {name}", part)

    def _plan_curves(
        self, work: "_Work", methods: Mapping[str, Method], pictures: Pictures
    ) -> None:
        test = pictures.sets[PHOTOGRAPHS]
        for key, method in methods.items():

            def area(method: Method = method) -> float | None:
                try:
                    return detect(method, pictures.training, test, self.seed)
                except ValueError:
                    return None

            work.plan(f"detector {key}", area)


class _Work:
    """Parts still to be measured."""

    def __init__(self, store: Store, bar: "tqdm[Any]") -> None:
        self._store = store
        self._bar = bar
        self._parts: list[tuple[str, Callable[[], Any]]] = []

    def plan(self, key: str, part: Callable[[], Any]) -> None:
        """Measure a part later, unless an earlier run did."""
        if key not in self._store:
            self._parts.append((key, part))

    def do(self) -> None:
        """Measure all of them."""
        self._bar.reset(total=len(self._parts))
        for key, part in self._parts:
            self._bar.set_postfix_str(key[:40])
            result = part()
            is_record = isinstance(result, Record | Footprint)
            self._store.add(key, asdict(result) if is_record else result)
            self._bar.update()


def _collect(
    store: Store,
    methods: Mapping[str, Method],
    pictures: Pictures,
    rejections: Rejections,
    reveals: int,
    side: int,
) -> Results:
    summaries = {
        (kind, key): Summary([Record(**store[f"{kind} {key} {name}"]) for name in split.names])
        for kind, split in pictures.sets.items()
        for key in (methods if kind == PHOTOGRAPHS else OWN)
    }
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in rejections.kinds}
    for start in range(0, reveals, PART):
        for kind, part in store[f"reveals {start} to {min(start + PART, reveals)}"].items():
            counts[kind].update(part)
    quick, large = (
        {profile: Footprint(**store[f"footprint {profile} {length}"]) for profile in PROFILES}
        for length in (256, side)
    )
    return Results(
        summaries=summaries,
        rejections=counts,
        curves={key: store[f"detector {key}"] for key in methods},
        quick=quick,
        large=large,
        large_side=side,
    )


def main() -> int:
    """Run the benchmark from the command line.

    Returns:
        The exit code: 0, 1 if something needed failed, 130 for Ctrl-C. Wrong flags exit with 2.
    """
    benchmark = tyro.cli(Benchmark, prog=PROGRAM, config=(tyro.conf.FlagCreatePairsOff,))
    try:
        print(benchmark.run())
    except (OtherRunError, RepositoryError, RuntimeError, ValueError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{PROGRAM}: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
