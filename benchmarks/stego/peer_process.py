"""The other side of `peer_worker`: makes its environment, starts it, asks it."""

import pickle
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.serving.peers import Environment

ENVIRONMENT = Environment(
    "stego",
    (
        "stegano==3.0.0",
        "invisible-watermark==0.2.0",
        # Both ask for it; it is the second library for PNG and JPEG, too.
        "opencv-python==5.0.0.93",
        # invisible-watermark imports it whatever the method.
        "torch==2.13.0",
    ),
)
"""Where the libraries are installed: the folder .peers/stego of the checkout."""

WORKER = Path(__file__).with_name("peer_worker.py")


class PeerError(Exception):
    """A library raised something; the text says what."""


class Peers:
    """The libraries in a process of their own; a context manager that ends it."""

    def __init__(self) -> None:
        """Start the process.

        Raises:
            InstallError: If the libraries cannot be installed here.
        """
        ENVIRONMENT.install()
        self._process = subprocess.Popen(
            [str(ENVIRONMENT.python), str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C is for the benchmark; the process ends when its standard input closes.
            start_new_session=True,
        )

    def ask(self, name: str, *arguments: object) -> Any:
        """The answer of one of the worker's functions.

        Raises:
            PeerError: If it raised something.
        """
        assert self._process.stdin is not None  # PIPE above
        assert self._process.stdout is not None
        pickle.dump((name, arguments), self._process.stdin)
        self._process.stdin.flush()
        is_fine, answer = pickle.load(self._process.stdout)
        if not is_fine:
            raise PeerError(answer)
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
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
