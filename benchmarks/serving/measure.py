"""One server, measured from its start to its end."""

import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving.h2load import Endpoint, Load, LoadError, check_answers, put_load
from benchmarks.serving.peers import Peer
from benchmarks.serving.processes import ServerError, ServerProcess, run_process
from benchmarks.serving.workload import UNARY_PATH, Kind, Workload

START_SECONDS = 90.0
"""How long a server may take to give its first right answer."""

SETTLE_SECONDS = 1.0
"""How long it is left alone before its memory is measured."""

WARM_UP_SHARE = 0.2
"""Warm-up before each load, as a share of the load's time."""

PROBE_REQUESTS_PER_CLIENT = 5
"""Requests that first tell how fast a server is."""

IN_FLIGHT = 16
"""Requests that wait for their answers at a time when a stream is compared with unary calls."""


class MeasurementError(Exception):
    """A server cannot be measured: it does not start, or does not answer rightly."""


@dataclass(frozen=True, slots=True)
class LoadShape:
    """A load that every server gets.

    Attributes:
        name: What the results call it.
        title: What the table calls it.
        clients: Connections, each with one request at a time.
        kind: What is asked.
    """

    name: str
    title: str
    clients: int
    kind: Kind


LOADS = (
    LoadShape("1", "1 client", 1, Kind.SINGLE),
    LoadShape("16", "16 clients", 16, Kind.SINGLE),
    LoadShape("64", "64 clients", 64, Kind.SINGLE),
    LoadShape("batch", "32 samples a request, 16 clients", 16, Kind.BATCH),
)


@dataclass(frozen=True, slots=True)
class LoadFigures:
    """What a load showed.

    Attributes:
        cpu_seconds: User and system time of the server's whole process tree, a request.
        rate: Requests per second.
        p50: Median latency in seconds.
        p99: Latency in seconds that 99 % of the requests did not exceed.
        requests: How many requests this rests on.
    """

    cpu_seconds: float
    rate: float
    p50: float
    p99: float
    requests: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one start of a server showed.

    Attributes:
        memory_bytes: Proportional set size of its idle process tree after some first requests.
        memory_sharers: Processes that are none of its own and mapped the same libraries then: each
            makes the proportional set size smaller.
        loads: Figures by the name of the load.
        unary_cpu_seconds: Its CPU a unary call of the Python client, `IN_FLIGHT` at a time.
        stream_cpu_seconds: Its CPU a message of a stream, likewise; None if it has no streams.
    """

    memory_bytes: int
    memory_sharers: int
    loads: dict[str, LoadFigures]
    unary_cpu_seconds: float | None
    stream_cpu_seconds: float | None

    @property
    def stream_share(self) -> float | None:
        """CPU of a message on a stream divided by that of a unary call."""
        if self.stream_cpu_seconds is None or self.unary_cpu_seconds is None:
            return None
        return self.stream_cpu_seconds / self.unary_cpu_seconds

    def to_json(self) -> dict[str, Any]:
        """As objects and numbers."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Measurement":
        """The other way round."""
        loads = {name: LoadFigures(**figures) for name, figures in value["loads"].items()}
        return cls(**{**value, "loads": loads})


def measure(
    peer: Peer,
    workload: Workload,
    models: Path,
    *,
    seconds: float,
    log: Path,
    on_step: Callable[[str], None],
) -> Measurement:
    """Start a server, check its answers, load it, check its answers again, stop it.

    Args:
        peer: The server.
        workload: What to ask.
        models: The model repository, for servers that take one.
        seconds: How long each load lasts.
        log: Where the server's output goes.
        on_step: Told what is being done.

    Raises:
        MeasurementError: If the server does not start, or answers wrongly at any time.
    """
    port = _free_port()
    command = peer.command(port=port, weights=workload.weights, models=models.resolve())
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        run_process(command, log, environment=peer.variables, folder=Path(folder)) as server,
    ):
        try:
            on_step("starting")
            url = f"http://127.0.0.1:{port}{peer.http_path or UNARY_PATH}"
            grpc = not peer.http_path
            sizes = check(server, workload, url, grpc=grpc, patience=START_SECONDS)
            time.sleep(SETTLE_SECONDS)
            memory, sharers = server.proportional_set_size(), server.library_sharers()
            loads = {}
            for shape in LOADS:
                on_step(shape.title)
                body = workload.grpc(shape.kind) if grpc else workload.json(shape.kind)
                endpoint = Endpoint(url, body, grpc)
                loads[shape.name] = _load(server, endpoint, shape, sizes[shape.kind], seconds)
            unary = stream = None
            if peer.streams:
                on_step("stream")
                address = f"127.0.0.1:{port}"
                unary, stream = (
                    _python_client_cpu(server, workload, address, mode, seconds)
                    for mode in ("unary", "stream")
                )
            on_step("checking")
            check(server, workload, url, grpc=grpc)
        except (ServerError, LoadError) as error:
            raise MeasurementError(str(error)) from None
    return Measurement(memory, sharers, loads, unary, stream)


def check(
    server: ServerProcess, workload: Workload, url: str, *, grpc: bool, patience: float = 0.0
) -> dict[Kind, int]:
    """Compare the server's answers with onnxruntime's, in a client of its own.

    Args:
        server: The server.
        workload: What to ask.
        url: Where it answers, with the path.
        grpc: Whether it speaks the Open Inference Protocol over gRPC; otherwise JSON over HTTP.
        patience: Seconds that the server may take until its first answer.

    Returns:
        The payload of a right answer in bytes, by kind of request.

    Raises:
        MeasurementError: If an answer is wrong or missing.
        ServerError: If the server ends.
    """
    command = [sys.executable, "-m", "benchmarks.serving.check"]
    command += ["--workload", str(workload.folder), "--url", url, "--patience", str(patience)]
    if grpc:
        command.append("--grpc")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while process.poll() is None:
            server.check()
            time.sleep(0.05)
        output, errors = process.communicate()
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise MeasurementError(
            f"its answers are wrong: {errors.strip()[-600:]}; its log ends:\n{server.end_of_log()}"
        )
    return {Kind(name): size for name, size in json.loads(output).items()}


def _load(
    server: ServerProcess, endpoint: Endpoint, shape: LoadShape, answer_bytes: int, seconds: float
) -> LoadFigures:
    """Warm up and measure; the number of requests follows from how fast the server is."""

    def put(requests: float) -> Load:
        load = put_load(endpoint, clients=shape.clients, requests=max(int(requests), shape.clients))
        check_answers(load, answer_bytes)
        return load

    probe = put(PROBE_REQUESTS_PER_CLIENT * shape.clients)
    warm = put(probe.rate * seconds * WARM_UP_SHARE)
    before = server.cpu_seconds()
    load = put(warm.rate * seconds)
    cpu = server.cpu_seconds() - before
    return LoadFigures(
        cpu_seconds=cpu / load.done,
        rate=load.rate,
        p50=load.quantile(0.5),
        p99=load.quantile(0.99),
        requests=load.done,
    )


def _python_client_cpu(
    server: ServerProcess, workload: Workload, address: str, mode: str, seconds: float
) -> float:
    """The server's CPU seconds for each request of `streaming`."""
    command = [sys.executable, "-m", "benchmarks.serving.streaming"]
    command += ["--workload", str(workload.folder), "--address", address, "--mode", mode]
    command += ["--in-flight", str(IN_FLIGHT), "--seconds", str(seconds)]
    before = server.cpu_seconds()
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    cpu = server.cpu_seconds() - before
    if result.returncode:
        raise MeasurementError(f"{mode} requests fail: {result.stderr.strip()[-600:]}")
    return cpu / int(result.stdout)


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
