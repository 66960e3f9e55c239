"""The command `python -m benchmarks.serving`: flags, progress and exit codes."""

import json
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import tyro
from tqdm import tqdm

from benchmarks.serving import chart
from benchmarks.serving.h2load import LoadError, find_program
from benchmarks.serving.measure import MeasurementError
from benchmarks.serving.peers import (
    CHECKOUT,
    CONTROL,
    MINIMAL,
    InstallError,
    Peer,
    peers_hash,
    read_peers,
)
from benchmarks.serving.report import machine, report
from benchmarks.serving.rounds import (
    NoisyMachineError,
    OtherRunError,
    Plan,
    Progress,
    Round,
    Store,
    run_rounds,
)
from benchmarks.serving.workload import WorkloadError, make_workload

PROGRAM = "python -m benchmarks.serving"

ALL = "all"

QUICK_SECONDS = 0.3


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Measure fourcast beside other model servers that serve the same network.

    Every server runs alone, in turn, between two copies of a minimal grpc.aio server, whose
    agreement says whether the machine is quiet enough. h2load puts the load on it; its answers are
    compared with onnxruntime's before and after. Prints tables and what became of the targets, and
    writes results.json, report.md and cpu_per_request.png.

    A run that was stopped goes on where it was when the same command is given again.

    Example: python -m benchmarks.serving --peers fourcast,kserve --rounds 1
    """

    peers: Annotated[str, tyro.conf.arg(metavar="NAME,...")] = ALL
    """Which servers to measure, by their names in benchmarks/serving/peers.toml."""

    rounds: Annotated[int, tyro.conf.arg(metavar="N")] = 3
    """How often every server is measured; the figures are medians."""

    seconds: Annotated[float, tyro.conf.arg(metavar="S")] = 3.0
    """How long each load lasts."""

    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """The positions that are asked about follow from this number."""

    models: Annotated[Path, tyro.conf.arg(metavar="DIR")] = CHECKOUT / "models" / "repository"
    """The model repository with the model connect4."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = CHECKOUT / "runs" / "serving"
    """Where everything is written."""

    fresh: tyro.conf.FlagCreatePairsOff[bool] = False
    """Discard what an earlier run left in that folder."""

    quick: tyro.conf.FlagCreatePairsOff[bool] = False
    """One very short round, none thrown away: shows that all works; its figures mean nothing."""

    def __post_init__(self) -> None:
        """Refuse what cannot be measured.

        Raises:
            ValueError: If a flag's value is wrong; the text names the flag.
        """
        if self.rounds < 1:
            raise ValueError(f"--rounds is {self.rounds}, but must be at least 1")
        if self.seconds <= 0:
            raise ValueError(f"--seconds is {self.seconds:g}, but must be more than 0")
        known = _choices(read_peers())
        if unknown := [name for name in self._listed if name not in known]:
            raise ValueError(f"--peers: there is no {unknown[0]!r}; choose from {', '.join(known)}")

    @property
    def _listed(self) -> list[str]:
        return [] if self.peers == ALL else [name.strip() for name in self.peers.split(",")]

    def names(self, peers: dict[str, Peer]) -> list[str]:
        """The servers to measure between the two copies of the minimal one."""
        return [
            name
            for name in _choices(peers)
            if name != MINIMAL and (self.peers == ALL or name in self._listed)
        ]

    def run(self) -> str:
        """Measure.

        Returns:
            The report.

        Raises:
            LoadError: If h2load is not installed.
            WorkloadError: If the repository has no model connect4.
            OtherRunError: If the folder holds a run with other settings.
            MeasurementError: If the minimal server cannot be measured.
            NoisyMachineError: If rounds are thrown away again and again.
        """
        find_program()
        if self.fresh:
            shutil.rmtree(self.out, ignore_errors=True)
        peers = read_peers()
        names = self.names(peers)
        workload = make_workload(self.models, self.seed, self.out / "requests")
        rounds = 1 if self.quick else self.rounds
        seconds = QUICK_SECONDS if self.quick else self.seconds
        settings = {
            "peers": names,
            "rounds": rounds,
            "seconds": seconds,
            "seed": self.seed,
            "weights_sha256": workload.weights_sha256,
            "positions_sha256": workload.positions_sha256,
            "peers_sha256": peers_hash(),
            "machine": machine(),
        }
        store = Store(self.out, settings)
        versions = _install([peers[name] for name in names], store)
        logs = self.out / "logs"
        logs.mkdir(exist_ok=True)
        plan = Plan(
            peers=peers,
            names=names,
            workload=workload,
            models=self.models,
            rounds=rounds,
            seconds=seconds,
            strict=not self.quick,
            logs=logs,
        )
        counted = _run_with_progress(plan, store)
        thrown_away = sum(len(list(store.attempts(number + 1))) for number in range(rounds))
        thrown_away -= len(counted)
        text = report(counted, peers, names, workload, store.failures, thrown_away)
        results = settings | {
            "thrown_away": thrown_away,
            "versions": versions,
            "failures": store.failures,
            "records": store.records,
        }
        (self.out / "results.json").write_text(json.dumps(results, indent=1))
        (self.out / "report.md").write_text(text + "\n")
        chart.draw(counted, peers, [MINIMAL, *names], self.out / "cpu_per_request.png")
        return text


def _choices(peers: dict[str, Peer]) -> list[str]:
    return [name for name in peers if name != CONTROL]


def _install(peers: list[Peer], store: Store) -> dict[str, dict[str, str]]:
    """Make the environments that are missing.

    Returns:
        The packages by environment.
    """
    environments = {peer.environment.name: peer.environment for peer in peers}
    versions = {}
    for name, environment in environments.items():
        if not environment.is_installed:
            print(f"Installing {', '.join(environment.requirements)} ...", file=sys.stderr)
        try:
            environment.install()
        except InstallError as error:
            for peer in peers:
                if peer.environment is environment:
                    store.add(0, 0, peer.name, error=f"cannot be installed here: {error}")
        else:
            versions[name] = environment.versions()
    return versions


def _run_with_progress(plan: Plan, store: Store) -> list[Round]:
    with tqdm(total=plan.steps, unit="server", dynamic_ncols=True) as bar:
        total = plan.steps

        def extend(steps: int) -> None:
            nonlocal total
            total += steps
            bar.total = total

        progress = Progress(
            on_step=bar.set_postfix_str,
            on_server=bar.update,
            on_thrown_away=extend,
        )
        return run_rounds(plan, store, progress)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    # An exception, so that the server that runs is stopped on the way out.
    sys.exit(128 + number)


def main() -> int:
    """Run the benchmark from the command line.

    Returns:
        The exit code: 0, 1 if something needed failed, 130 for Ctrl-C. Wrong flags exit with 2.
    """
    signal.signal(signal.SIGTERM, _leave)
    benchmark = tyro.cli(Benchmark, prog=PROGRAM)
    try:
        print(benchmark.run())
    except (
        LoadError,
        MeasurementError,
        NoisyMachineError,
        OtherRunError,
        WorkloadError,
    ) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{PROGRAM}: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
