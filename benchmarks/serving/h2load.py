"""Load from h2load, nghttp2's generator: a client in C, which costs less than any server here."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "h2load"

GRPC_HEADERS = ("content-type: application/grpc", "te: trailers")
JSON_HEADERS = ("content-type: application/json",)

STALL_SECONDS = 120.0
"""A load that takes longer than was planned by this much has a server that hangs."""

_REQUESTS = re.compile(r"requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded")
_DATA_BYTES = re.compile(r"\((\d+)\) data")
_FINISHED = re.compile(r"finished in ([\d.]+)(us|ms|s|m|h)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class LoadError(Exception):
    """h2load is missing or failed, or the server answered some of the requests wrongly."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is asked of a server, again and again.

    Attributes:
        url: The address with the path.
        body: The file with the request's body: a gRPC frame, or JSON.
        grpc: Whether it is gRPC over HTTP/2; otherwise HTTP/1.1.
    """

    url: str
    body: Path
    grpc: bool


@dataclass(frozen=True, slots=True)
class Load:
    """What came of some requests.

    Attributes:
        started: How many were sent.
        done: How many were answered.
        succeeded: How many of those with HTTP status 200.
        seconds: From the first connection to the last answer.
        data_bytes: Payload of all answers together.
        latencies: Seconds from each request to the end of its answer, ascending.
    """

    started: int
    done: int
    succeeded: int
    seconds: float
    data_bytes: int
    latencies: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.done / self.seconds

    def quantile(self, share: float) -> float:
        """The latency in seconds that a share (0 to 1) of the requests did not exceed."""
        rank = min(len(self.latencies) - 1, int(share * len(self.latencies)))
        return self.latencies[rank]


def find_program() -> str:
    """The path of h2load.

    Raises:
        LoadError: If it is not installed.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise LoadError(
            "h2load is not installed: `apt-get install nghttp2-client` on Debian and Ubuntu, "
            "`brew install nghttp2` on macOS"
        )
    return program


def put_load(endpoint: Endpoint, *, clients: int, requests: int) -> Load:
    """Send requests in a closed loop: each client has a connection and one request at a time.

    Args:
        endpoint: What to ask.
        clients: How many connections, at least 1.
        requests: How many requests by all clients together, at least one each.

    Raises:
        LoadError: If h2load fails, or any request is not answered with HTTP status 200.
    """
    load = run_program(endpoint, [f"--clients={clients}", f"--requests={requests}"])
    if load.succeeded != requests:
        raise LoadError(f"{load.succeeded} of {requests} requests succeeded")
    return load


def run_program(endpoint: Endpoint, flags: Sequence[str], seconds: float = 0.0) -> Load:
    """Run h2load, whatever becomes of the requests.

    Args:
        endpoint: What to ask.
        flags: How often, and by how many clients.
        seconds: How long that should take at most.

    Raises:
        LoadError: If h2load fails or hangs.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "requests.tsv"
        command = [
            find_program(),
            *([] if endpoint.grpc else ["--h1"]),
            *flags,
            f"--data={endpoint.body}",
            f"--log-file={log}",
            *(f"--header={header}" for header in (GRPC_HEADERS if endpoint.grpc else JSON_HEADERS)),
            endpoint.url,
        ]
        try:
            result = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds + STALL_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise LoadError("the server leaves requests unanswered: h2load hangs") from None
        if result.returncode:
            raise LoadError(f"h2load failed: {(result.stderr or result.stdout).strip()[-500:]}")
        return _parse(result.stdout, log.read_text())


def check_answers(load: Load, answer_bytes: int) -> None:
    """Make sure that the answers are as long as a right one.

    h2load counts HTTP status alone, which is 200 for a gRPC error, too; but an error has no
    payload.

    Args:
        load: What h2load counted.
        answer_bytes: The payload of one right answer to the same request.

    Raises:
        LoadError: If the total differs.
    """
    if load.data_bytes != load.done * answer_bytes:
        raise LoadError(
            f"{load.done} answers have {load.data_bytes} bytes, not {answer_bytes} each as the "
            "right answer has: some are errors, or wrong"
        )


def _parse(output: str, log: str) -> Load:
    requests, data, finished = (
        pattern.search(output) for pattern in (_REQUESTS, _DATA_BYTES, _FINISHED)
    )
    if not (requests and data and finished):
        raise LoadError(f"h2load's output is not understood:\n{output[-1000:]}")
    # Start in microseconds, status (-1 if there is none), and microseconds that it took.
    rows = [line.split("\t") for line in log.splitlines()]
    return Load(
        started=int(requests[2]),
        done=int(requests[3]),
        succeeded=int(requests[4]),
        seconds=float(finished[1]) * _SECONDS[finished[2]],
        data_bytes=int(data[1]),
        latencies=tuple(sorted(int(row[2]) / 1e6 for row in rows if row[1] != "-1")),
    )
