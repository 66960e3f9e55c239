"""The solvers that are compared, each in a process of its own."""

import json
import os
import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from benchmarks.serving.peers import CHECKOUT, Environment
from benchmarks.solver.worker import Answer

TABLE_MEBIBYTES = 128
"""Memory of our transposition table. BitBully's cannot be set: it takes about 190 MiB."""

BITBULLY = Environment("solver", ("bitbully==0.0.79",))
"""Where BitBully is installed: the folder .peers/solver of the checkout."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A solver that takes part.

    Attributes:
        title: What the tables call it.
        environment: Where it runs.
        arguments: What follows the interpreter.
    """

    title: str
    environment: Environment
    arguments: tuple[str, ...]


_OURS = ("-m", "benchmarks.solver.fourcast_worker", str(TABLE_MEBIBYTES))
_HERE = Environment("here", ())

OURS = Contender("fourcast", _HERE, _OURS)
OURS_AGAIN = Contender("fourcast again (control)", _HERE, _OURS)
THEIRS = tuple(
    Contender(f"BitBully, {name}", BITBULLY, ("-m", "benchmarks.solver.bitbully_worker", method))
    for name, method in (("null window", "null-window"), ("MTD(f)", "mtdf"))
)


class Running(AbstractContextManager["Running"]):
    """A contender's process; it ends with the block."""

    def __init__(self, contender: Contender) -> None:
        """Start it.

        Raises:
            InstallError: If its environment cannot be made here.
        """
        contender.environment.install()
        self._contender = contender
        path = [str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [str(contender.environment.python), *contender.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
            # Ctrl-C is for the benchmark.
            start_new_session=True,
        )

    def solve(self, positions: Sequence[str]) -> Answer:
        """Have positions solved, with an empty table at first.

        Raises:
            RuntimeError: If the process ended instead; its own words stand on standard error.
        """
        assert self._process.stdin is not None  # PIPE above
        assert self._process.stdout is not None
        print(json.dumps(list(positions)), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._contender.title} ended; the reason stands above")
        answer: Answer = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        """The running process."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it, in the middle of a search if need be."""
        self._process.kill()
        self._process.communicate()
