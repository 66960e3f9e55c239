"""A server and all its descendants: started, measured through /proc, stopped.

Linux only. Times are what the kernel counts in clock ticks, a hundredth of a second each.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 20.0
"""How long a server may take to end after SIGTERM before it is killed."""

ORPHAN_SECONDS = 5.0
"""How long its descendants may take then."""

LOG_LINES = 15
"""Lines of a server's log that an error shows."""

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# From <sys/prctl.h>.
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
# Found before any fork: a child must not wait for the loader's lock.
_prctl = ctypes.CDLL(None).prctl


class ServerError(Exception):
    """A server does not start, or ended by itself; the text shows the end of its log."""


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running server.

    Attributes:
        process: The first process; orphans among its descendants become its children, so that
            none is lost from the count.
        log: Where its standard output and error go.
    """

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def pid(self) -> int:
        """The first process."""
        return self.process.pid

    def cpu_seconds(self) -> float:
        """User and system time of the tree since it started, ended processes included.

        A process counts itself and those of its children that have ended and were waited for.

        Raises:
            ServerError: If the server has ended.
        """
        self.check()
        return sum(map(_cpu_seconds, _tree(self.pid)))

    def proportional_set_size(self) -> int:
        """Memory of the tree in bytes; a page that n processes share counts one n-th in each.

        Raises:
            ServerError: If the server has ended.
        """
        self.check()
        return sum(_proportional_set_size(pid) for pid in _tree(self.pid))

    def library_sharers(self) -> int:
        """How many processes beside the tree map a library of site-packages that the tree maps.

        Raises:
            ServerError: If the server has ended.
        """
        self.check()
        # Before the tree: what starts in between is then in none of the two.
        others = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        tree = _tree(self.pid)
        own = set().union(*map(_site_libraries, tree))
        return sum(pid not in tree and not own.isdisjoint(_site_libraries(pid)) for pid in others)

    def check(self) -> None:
        """Refuse to measure a server that has ended.

        Raises:
            ServerError: If it has.
        """
        if self.process.poll() is not None:
            raise ServerError(
                f"it ended with exit status {self.process.returncode}; its log ends:\n"
                f"{self.end_of_log()}"
            )

    def end_of_log(self) -> str:
        """The last lines that the server wrote."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(line[:500] for line in lines[-LOG_LINES:])


@contextmanager
def run_process(
    command: Sequence[str | Path],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[ServerProcess]:
    """Run a server for as long as the block runs; nothing of it is left afterwards.

    Args:
        command: The program and its arguments.
        log: Where its output goes; overwritten.
        environment: Variables beside those of this process.
        folder: Its working directory.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            # Ctrl-C is for the benchmark, which then stops its server.
            start_new_session=True,
            preexec_fn=_adopt_orphans,  # noqa: PLW1509  # it makes two system calls, no more
        )
    try:
        yield ServerProcess(process, log)
    finally:
        _stop(process)


def _adopt_orphans() -> None:
    """In the child before it becomes the server: keep its tree together, and end with us."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask the tree to end, wait, and kill what is left of it."""
    members = _tree(process.pid)
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            members = _tree(process.pid)
            process.kill()
            process.wait()
    patience = time.monotonic() + ORPHAN_SECONDS
    while orphans := [pid for pid, started in members.items() if _is_same(pid, started)]:
        if time.monotonic() > patience:
            for pid in orphans:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _tree(root: int) -> dict[int, int]:
    """The processes from `root` downwards, each with the tick at which it started."""
    children: dict[int, list[int]] = {}
    started = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
            started[int(entry.name)] = int(fields[19])
    tree = {}
    pending = [root]
    while pending:
        pid = pending.pop()
        if pid in started:
            tree[pid] = started[pid]
        pending += children.get(pid, [])
    return tree


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third, the state, on; None if the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field, the name in parentheses, may itself hold spaces and parentheses.
    return text.rpartition(")")[2].split()


def _is_same(pid: int, started: int) -> bool:
    """Whether a process still runs that started at that tick; a zombie does not."""
    fields = _stat(pid)
    return fields is not None and int(fields[19]) == started and fields[0] != "Z"


def _cpu_seconds(pid: int) -> float:
    fields = _stat(pid)
    # utime, stime, cutime and cstime: fields 14 to 17 of proc(5).
    return sum(map(int, fields[11:15])) / _TICKS_PER_SECOND if fields else 0.0


def _site_libraries(pid: int) -> set[str]:
    """The shared libraries of Python packages that a process has in memory."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    except OSError:
        # It is gone, or belongs to another user.
        return set()
    return {line[line.index("/") :] for line in lines if "/site-packages/" in line}


def _proportional_set_size(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
