"""A model's version changed again and again while it is used."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import grpc
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2, service_pb2

from benchmarks.serving.faults.running import run_fourcast
from benchmarks.serving.h2load import Endpoint, run_program
from benchmarks.serving.measure import MeasurementError, check
from benchmarks.serving.workload import MODEL, UNARY_PATH, Kind, Workload
from fourcast_models.repository import CONFIG_FILE

FIRST_VERSION = 100
"""Three digits from the first to the last: answers hold the version, and stay equally long."""

MOST_SWAPS = 899

CLIENTS = 16

REQUESTS_A_PIECE = 1000
"""Requests after which the load looks whether it is to go on."""

SWAP_SECONDS = 60.0
"""How long a new version may take until it serves."""

POLL_SECONDS = 0.05

MEMORY_SWAPS = 10
"""Memory at the beginning and at the end is a median over so many swaps each."""


@dataclass(slots=True)
class Swaps:
    """What the swaps showed.

    Attributes:
        requests: How many were sent meanwhile.
        failed: How many of them were not answered rightly.
        memory_bytes: Proportional set size of the server, before the first swap and after each.
    """

    requests: int = 0
    failed: int = 0
    memory_bytes: list[int] = field(default_factory=list)

    @property
    def growth_per_swap(self) -> float:
        """Bytes that memory grew by with each swap, after the first `MEMORY_SWAPS`."""
        sizes = self.memory_bytes[MEMORY_SWAPS:] or self.memory_bytes
        half = min(MEMORY_SWAPS, len(sizes) // 2) or 1
        steps = max(len(sizes) - half, 1)
        return (median(sizes[-half:]) - median(sizes[:half])) / steps


def measure_swaps(
    workload: Workload,
    folder: Path,
    count: int,
    on_swap: Callable[[], object],
) -> Swaps:
    """Publish a version, wait until it serves, publish the next one, under load all the time.

    Args:
        workload: What to ask.
        folder: Where the model repository of this measurement, and the log, are written.
        count: How many new versions, at most `MOST_SWAPS`.
        on_swap: Called after each.

    Raises:
        ServerError: If the server does not start, or ends.
        MeasurementError: If a version does not come to serve.
    """
    source = workload.weights.parent
    models = folder / "models"
    shutil.rmtree(models, ignore_errors=True)
    home = models / MODEL
    shutil.copytree(source, home / str(FIRST_VERSION))
    config = text_format.Parse(
        (source.parent / CONFIG_FILE).read_text(), model_config_pb2.ModelConfig()
    )
    config.version_policy.latest.num_versions = 1
    (home / CONFIG_FILE).write_text(text_format.MessageToString(config))
    swaps = Swaps()
    with run_fourcast(models, folder / "swaps.log", "--watch") as server:
        size = check(server.process, workload, server.url, grpc=True)[Kind.SINGLE]
        with (
            _load(server.endpoint(workload), size, swaps),
            grpc.insecure_channel(server.address) as channel,
        ):
            serves = _version_asker(channel, workload, swaps)
            swaps.memory_bytes.append(server.process.proportional_set_size())
            for version in range(FIRST_VERSION + 1, FIRST_VERSION + count + 1):
                _publish(source, home, version)
                end = time.monotonic() + SWAP_SECONDS
                while serves() != str(version):
                    server.process.check()
                    if time.monotonic() > end:
                        raise MeasurementError(
                            f"version {version} does not serve after {SWAP_SECONDS:g} s:\n"
                            f"{server.process.end_of_log()}"
                        )
                    time.sleep(POLL_SECONDS)
                swaps.memory_bytes.append(server.process.proportional_set_size())
                on_swap()
        check(server.process, workload, server.url, grpc=True)
    return swaps


def _publish(source: Path, home: Path, version: int) -> None:
    """Copy a version's folder under another number; it appears there all at once."""
    beside = home / f".{version}"
    shutil.copytree(source, beside)
    beside.rename(home / str(version))


@contextmanager
def _load(endpoint: Endpoint, answer_bytes: int, swaps: Swaps) -> Iterator[None]:
    """Keep a server busy for as long as the block runs, and count."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            load = run_program(endpoint, [f"--clients={CLIENTS}", f"--requests={REQUESTS_A_PIECE}"])
            swaps.requests += REQUESTS_A_PIECE
            swaps.failed += REQUESTS_A_PIECE - load.data_bytes // answer_bytes

    with ThreadPoolExecutor(1) as executor:
        working = executor.submit(work)
        try:
            yield
        finally:
            stop.set()
        working.result()


def _version_asker(channel: grpc.Channel, workload: Workload, swaps: Swaps) -> Callable[[], str]:
    """A function that asks which version answers; "" if none does, which is a failed request."""
    method: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(UNARY_PATH)
    request = workload.message(Kind.SINGLE)

    def ask() -> str:
        swaps.requests += 1
        try:
            reply = service_pb2.ModelInferResponse.FromString(method(request, timeout=SWAP_SECONDS))
        except grpc.RpcError:
            swaps.failed += 1
            return ""
        version: str = reply.model_version
        return version

    return ask
