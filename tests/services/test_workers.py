"""Several workers on one port: they share the work, and what happens to one is mended."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2 as wire
from tritonclient.grpc import service_pb2_grpc

from tests.services.protocol_model import (
    FOREVER,
    answer,
    index,
    is_right,
    named,
    publish_simple,
    publish_slow,
    ready,
    simple_request,
    slow_request,
)
from tests.services.running import RunningServer, command, run_server
from tests.services.scraping import scrape
from tests.services.waiting import until

WORKERS = 2
FLAGS = ("--workers", str(WORKERS), "--log-calls", "--log-format", "json")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workers")
    publish_simple(folder)
    publish_slow(folder)
    return folder


@dataclass(frozen=True)
class Connection:
    """A connection, and the worker at its other end."""

    stub: Any
    worker: str


class Callers:
    """Connections to a server, enough of them to reach every worker."""

    def __init__(self, server: RunningServer, stack: ExitStack) -> None:
        self._server = server
        self._stack = stack
        self._count = 0

    def connect(self) -> Connection:
        self._count += 1
        name = f"connection {self._count}"
        # Without a pool of its own it would share the connection of the channel before.
        options = [("grpc.use_local_subchannel_pool", 1)]
        channel = self._stack.enter_context(grpc.insecure_channel(self._server.address, options))
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        stub.ServerLive(wire.ServerLiveRequest(), metadata=[("x-request-id", name)], timeout=60)
        return Connection(stub, until(lambda: self._worker(name), f"the log of {name}"))

    def one_a_worker(self) -> list[Connection]:
        """A connection to each worker; one that starts gets none until it listens."""
        found: dict[str, Connection] = {}

        def all_are_reached() -> bool:
            connection = self.connect()
            found[connection.worker] = connection
            return len(found) == WORKERS

        until(all_are_reached, "the kernel to choose every worker")
        return [found[number] for number in sorted(found)]

    def _worker(self, name: str) -> str:
        """The number of the worker that has logged a call; "" as long as none has."""
        for entry in log_entries(self._server):
            if entry.get("request_id") == name:
                return str(entry["worker"])
        return ""


@contextmanager
def workers(repository: Path, *flags: str) -> Iterator[tuple[RunningServer, Callers]]:
    with run_server(repository, *FLAGS, *flags) as server, ExitStack() as stack:
        yield server, Callers(server, stack)


@pytest.fixture(scope="module")
def healthy(repository: Path) -> Iterator[tuple[RunningServer, Callers]]:
    """Workers that no test harms."""
    with workers(repository, "--metrics-port", "0") as running:
        yield running


def log_entries(server: RunningServer) -> list[dict[str, Any]]:
    # The last line may still be under way.
    lines = server.log().split("\n")[:-1]
    return [json.loads(line) for line in lines if line.startswith("{")]


def processes(server: RunningServer) -> dict[int, str]:
    """The running child processes of a server and their command lines."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    found = {}
    for number in map(int, children.read_text().split()):
        if is_running(number):
            found[number] = Path(f"/proc/{number}/cmdline").read_text().replace("\0", " ")
    return found


def worker_processes(server: RunningServer) -> list[int]:
    return [number for number, line in processes(server).items() if "spawn_main" in line]


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    # One that has ended and that nobody has asked about is still listed.
    return state != "Z"


def inferences(stub: Any) -> int:
    response = stub.ModelStatistics(wire.ModelStatisticsRequest(name="simple"))
    return int(response.model_stats[0].inference_count)


def test_every_worker_serves(healthy: tuple[RunningServer, Callers]) -> None:
    server, callers = healthy
    assert len(worker_processes(server)) == WORKERS
    for connection in callers.one_a_worker():
        assert answer(connection.stub, "simple") == ("1", 0)


def test_statistics_and_metrics_are_sums(healthy: tuple[RunningServer, Callers]) -> None:
    server, callers = healthy
    one, two = callers.one_a_worker()
    statistics = inferences(one.stub)
    metrics = scrape(server)
    for connection, count in ((one, 3), (two, 4)):
        for _ in range(count):
            answer(connection.stub, "simple")
    assert inferences(one.stub) == inferences(two.stub) == statistics + 7
    after = scrape(server)
    for name, labels in (
        ("fourcast_requests_total", {"model": "simple", "code": "OK"}),
        ("fourcast_request_seconds_count", {"model": "simple"}),
        ("fourcast_queue_seconds_count", {"model": "simple"}),
        ("fourcast_batch_rows_sum", {"model": "simple"}),
    ):
        assert after.total(name, **labels) == metrics.total(name, **labels) + 7, name
    # Not a sum: a version that both workers serve is one version.
    assert after.total("fourcast_model_version_info", model="simple", state="READY") == 1


def test_a_taken_port_is_an_error(healthy: tuple[RunningServer, Callers], repository: Path) -> None:
    port = healthy[0].address.rpartition(":")[2]
    # Neither of two servers may share the port of the other, with one worker or several.
    for flags in (("--workers", "2"), ()):
        finished = refused(repository, "--port", port, *flags)
        assert finished.returncode == 1
        assert f"cannot listen on 127.0.0.1:{port}" in finished.stderr
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert refused(repository, "--port", port, "--workers", "2").returncode == 1


def test_workers_that_cannot_start_are_not_started_again(tmp_path: Path) -> None:
    (publish_simple(tmp_path) / "model.onnx").write_bytes(b"")
    finished = refused(tmp_path, "--workers", "2")
    assert finished.returncode == 1
    assert "no version of model 'simple'" in finished.stderr
    assert "could not start" in finished.stderr


def refused(repository: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """A server that must not start."""
    finished = subprocess.run(
        command(repository, *flags),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.stdout == ""
    assert "Traceback" not in finished.stderr
    return finished


def test_a_killed_worker_takes_only_its_calls_along(repository: Path) -> None:
    with workers(repository) as (server, callers):
        before = worker_processes(server)
        connections = callers.one_a_worker() + [callers.connect() for _ in range(6)]
        victim = before[0]
        calls = [c.stub.ModelInfer.future(slow_request(300_000)) for c in connections]
        for connection in connections:
            # On the same connection: its call is there when this is answered.
            connection.stub.ServerLive(wire.ServerLiveRequest())
        assert not any(call.done() for call in calls)
        os.kill(victim, signal.SIGKILL)
        codes = [call.exception() and call.exception().code() for call in calls]
        (death,) = until(lambda: [e for e in log_entries(server) if "has died" in e["message"]])
        assert f"(process {victim})" in death["message"]
        assert "signal 9" in death["message"]
        number = death["message"].split()[1]
        for connection, code in zip(connections, codes, strict=True):
            lost = connection.worker == number
            assert code == (grpc.StatusCode.UNAVAILABLE if lost else None), connection
        until(lambda: len(worker_processes(server)) == WORKERS, "another worker")
        assert victim not in worker_processes(server)
        # New connections reach both, the new one under the number of the old one.
        for connection in callers.one_a_worker():
            assert answer(connection.stub, "simple") == ("1", 0)
        # So do the connections of before, since gRPC connects again.
        for connection in connections:
            assert is_right(
                simple_request(),
                connection.stub.ModelInfer(simple_request(), wait_for_ready=True, timeout=60),
            )
        assert server.process.poll() is None


def test_unloading_concerns_every_worker_and_later_ones(repository: Path) -> None:
    with workers(repository) as (server, callers):
        before = worker_processes(server)
        one, two = callers.one_a_worker()
        one.stub.RepositoryModelUnload(wire.RepositoryModelUnloadRequest(model_name="simple"))
        assert not ready(one.stub, "simple")
        assert not ready(two.stub, "simple")
        os.kill(before[0], signal.SIGKILL)
        until(lambda: len(set(worker_processes(server)) - set(before)) == 1, "another worker")
        for connection in callers.one_a_worker():
            assert not ready(connection.stub, "simple")
            assert ready(connection.stub, "slow")
        survivor = callers.connect()
        survivor.stub.RepositoryModelLoad(wire.RepositoryModelLoadRequest(model_name="simple"))
        for connection in callers.one_a_worker():
            assert answer(connection.stub, "simple") == ("1", 0)


def test_loading_takes_in_a_version_on_every_worker(tmp_path: Path) -> None:
    publish_simple(tmp_path, 1, offset=1, config=named("simple"))
    with workers(tmp_path) as (_, callers):
        one, two = callers.one_a_worker()
        publish_simple(tmp_path, 2, offset=2, config=named("simple"))
        two.stub.RepositoryModelLoad(wire.RepositoryModelLoadRequest(model_name="simple"))
        assert answer(one.stub, "simple") == answer(two.stub, "simple") == ("2", 2)
        assert index(one.stub, "simple") == {"2": ("READY", "")}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_with_0(repository: Path, number: signal.Signals) -> None:
    with workers(repository) as (server, _):
        before = processes(server)
        server.process.send_signal(number)
        assert server.wait() == 0
        until(lambda: not any(map(is_running, before)), "all processes to end")
        assert "Traceback" not in server.log()


def test_a_second_signal_ends_all_at_once(repository: Path) -> None:
    with workers(repository) as (server, callers):
        before = processes(server)
        call = callers.connect().stub.ModelInfer.future(slow_request(FOREVER))
        server.process.send_signal(signal.SIGTERM)
        until(lambda: "stopping" in server.log())
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 128 + signal.SIGTERM
        until(lambda: not any(map(is_running, before)), "the workers to end")
        assert call.exception().code() is grpc.StatusCode.UNAVAILABLE


def test_workers_end_with_their_supervisor(repository: Path) -> None:
    with workers(repository) as (server, _):
        before = processes(server)
        assert len(before) >= WORKERS
        server.process.kill()
        until(lambda: not any(map(is_running, before)), "the workers to end")
