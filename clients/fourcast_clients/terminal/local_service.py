"""A service of one's own: started as a child process, stopped on every way out."""

import os
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from types import TracebackType
from typing import Self

READY_LINE = "fourcast-serve: listening on "
"""What the service prints on standard output, followed by HOST:PORT, once it listens."""

ANY_PORT = "0"
"""Lets the system choose a free one."""

START_SECONDS = 60.0
"""How long a cold start may take: imports, models and their warm-up on a busy machine."""

MESSAGE_MEBIBYTES = "512"
"""What one call may send either way: a picture of 8,192 x 8,192 pixels as PNG, and more."""

STOP_SECONDS = 5.0
"""How long the service may take to finish its calls before it is killed."""

LOG_LINES = 12
"""Lines of the log that an error message shows."""


class LocalServiceError(Exception):
    """The local service did not start, or stopped by itself. The text shows the end of its log."""


class LocalService:
    """A fourcast service on a free port of this machine; a context manager.

    A service that has stopped by itself can be started again with `revive`. It leaves as soon as
    its standard input closes, and its log goes to a file without a name, so nothing stays behind
    even if this process is killed.

    Attributes:
        server: ``HOST:PORT`` where it listens.
    """

    def __init__(self) -> None:
        """Start the service and wait until it listens.

        Raises:
            LocalServiceError: If it does not.
        """
        self._reviving = threading.Lock()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # `stop` closes it
        self._process = self._spawn(ANY_PORT)
        try:
            self.server = self._wait_for_address()
        except BaseException:
            self.stop()
            raise

    @property
    def process_id(self) -> int:
        """The service's process."""
        return self._process.pid

    def revive(self) -> None:
        """Start the service again at the same address if it has stopped by itself.

        Several threads may ask for it; one starts it, and the others wait.

        Raises:
            LocalServiceError: If it does not start.
        """
        with self._reviving:
            if self._process.poll() is not None:
                self._close_pipes()
                self._process = self._spawn(self.server.rpartition(":")[2])
                self._wait_for_address()

    def stop(self) -> None:
        """Stop the service. A second call does nothing."""
        self._close_pipes()
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def __enter__(self) -> Self:
        """The running service."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    def _spawn(self, port: str) -> subprocess.Popen[bytes]:
        flags = ["--port", port, "--max-message-mebibytes", MESSAGE_MEBIBYTES]
        return subprocess.Popen(
            [sys.executable, "-m", "fourcast_services", *flags, "--exit-with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            # Ctrl-C in the terminal is for the command, which then stops the service itself.
            start_new_session=True,
        )

    def _close_pipes(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _wait_for_address(self) -> str:
        """The address that the service prints once it listens."""
        output = self._process.stdout
        assert output is not None  # stdout=PIPE above
        deadline = time.monotonic() + START_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0:
                if not selector.select(left):
                    break
                line = output.readline().decode(errors="replace")
                if line.startswith(READY_LINE):
                    return line.removeprefix(READY_LINE).strip()
                if not line:
                    self._process.wait(STOP_SECONDS)
                    raise LocalServiceError(self._start_failure())
        raise LocalServiceError(
            f"the local service did not start within {START_SECONDS:g} s.{self._log_tail()}"
        )

    def _start_failure(self) -> str:
        if "No module named" in self._log_text():
            return (
                "without --server this needs the service on this machine, which is not installed. "
                "Install it with: pip install 'fourcast[serve]'\n"
                "or give the address of a running one: --server HOST:PORT"
            )
        return f"the local service could not start.{self._log_tail()}"

    def _log_text(self) -> str:
        # At a place of its own: the service writes at the position that the two share.
        descriptor = self._log.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode(errors="replace")

    def _log_tail(self) -> str:
        lines = self._log_text().splitlines()[-LOG_LINES:]
        return (
            "\n".join([" The end of its log:", *(f"  {line}" for line in lines)]) if lines else ""
        )
