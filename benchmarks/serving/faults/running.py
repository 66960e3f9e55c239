"""A `fourcast-serve` for one fault."""

import re
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.serving.h2load import Endpoint
from benchmarks.serving.processes import ServerError, ServerProcess, run_process
from benchmarks.serving.workload import UNARY_PATH, Kind, Workload

START_SECONDS = 60.0

_LISTENING = re.compile(r"fourcast-serve: listening on (\S+)")
_METRICS = re.compile(r"metrics on (http://\S+)")


@dataclass(frozen=True, slots=True)
class RunningFourcast:
    """A server that answers.

    Attributes:
        process: The server.
        address: "host:port" of gRPC.
        metrics_url: Where it tells Prometheus about itself.
    """

    process: ServerProcess
    address: str
    metrics_url: str

    @property
    def url(self) -> str:
        """Where it answers ModelInfer."""
        return f"http://{self.address}{UNARY_PATH}"

    def endpoint(self, workload: Workload) -> Endpoint:
        """Requests about one position."""
        return Endpoint(self.url, workload.grpc(Kind.SINGLE), grpc=True)

    def calls_by_code(self) -> dict[str, int]:
        """How many ModelInfer calls have ended with each status code, by the server's metrics."""
        with urllib.request.urlopen(self.metrics_url, timeout=10) as response:
            text = response.read().decode()
        codes: dict[str, int] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "fourcast_requests_total" and UNARY_PATH.endswith(
                    sample.labels["method"]
                ):
                    code = sample.labels["code"]
                    codes[code] = codes.get(code, 0) + int(sample.value)
        return codes


@contextmanager
def run_fourcast(models: Path, log: Path, *flags: str) -> Iterator[RunningFourcast]:
    """Run a server on a free port of this machine for as long as the block runs.

    Args:
        models: The model repository.
        log: Where its output goes.
        flags: Beside those for the repository, the port and the metrics.

    Raises:
        ServerError: If it does not answer within `START_SECONDS`.
    """
    command = [sys.executable, "-m", "fourcast_services", "--models", str(models.resolve())]
    command += ["--port", "0", "--metrics-port", "0", *flags]
    with run_process(command, log) as process:
        end = time.monotonic() + START_SECONDS
        while not (listening := _LISTENING.search(log.read_text())):
            process.check()
            if time.monotonic() > end:
                raise ServerError(f"fourcast does not answer:\n{process.end_of_log()}")
            time.sleep(0.05)
        metrics = _METRICS.search(log.read_text())
        assert metrics is not None  # it says so before it answers
        yield RunningFourcast(process, listening[1], metrics[1])
