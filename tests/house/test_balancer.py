"""services/deploy/envoy.yaml in a real Envoy, in front of two real servers.

Only addresses are replaced: those of the replicas, which Docker would give out by name, and the
ports that Envoy listens on.
"""

import json
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from deploy.fetch import UnavailableError, program
from grpc_health.v1 import health_pb2, health_pb2_grpc

from fourcast.connect4.v1 import connect4_pb2 as wire
from fourcast.connect4.v1 import connect4_pb2_grpc
from fourcast_models.repository import default_repository
from tests.house.waiting import wait_until
from tests.services.no_openings import write_no_openings
from tests.services.running import RunningServer, run_server
from tests.services.status import failure

CHECKOUT = Path(__file__).resolve().parents[2]
CONFIG = CHECKOUT / "services" / "deploy" / "envoy.yaml"
REQUEST = wire.DescribePositionRequest(position=wire.Position(moves="44"))
DELAY = "3"
"""The --shutdown-delay of the replicas in docker-compose.yml, in seconds."""


@dataclass
class Balancer:
    address: str
    admin: str

    def ask(self, path: str) -> Any:
        """What the administration interface answers with, from JSON."""
        with urllib.request.urlopen(f"http://{self.admin}{path}") as response:
            return json.load(response)

    def hosts(self) -> list[dict[str, Any]]:
        """The replicas, as Envoy sees them."""
        (cluster,) = self.ask("/clusters?format=json")["cluster_statuses"]
        loaded: list[dict[str, Any]] = cluster["host_statuses"]
        return loaded

    def healthy(self) -> int:
        """How many replicas get calls."""
        return sum(
            host["health_status"].get("failed_active_health_check") is None
            and host["health_status"]["eds_health_status"] == "HEALTHY"
            for host in self.hosts()
        )


def configuration(replicas: list[str]) -> dict[str, Any]:
    """The file's content with other addresses."""
    loaded: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
    loaded["admin"]["address"]["socket_address"]["port_value"] = 0
    (listener,) = loaded["static_resources"]["listeners"]
    listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": 0}
    (cluster,) = loaded["static_resources"]["clusters"]
    (locality,) = cluster["load_assignment"]["endpoints"]
    (endpoint,) = locality["lb_endpoints"]
    assert endpoint["endpoint"]["address"]["socket_address"]["address"] == "replica"
    addresses = [replica.rsplit(":", 1) for replica in replicas]
    locality["lb_endpoints"] = [
        {"endpoint": {"address": {"socket_address": {"address": host, "port_value": int(port)}}}}
        for host, port in addresses
    ]
    return loaded


def _content(path: Path) -> str:
    """A file's text; empty while there is no such file."""
    return path.read_text() if path.exists() else ""


@contextmanager
def run_balancer(folder: Path, replicas: list[str]) -> Iterator[Balancer]:
    """Run Envoy until the block ends."""
    try:
        envoy = program("envoy")
    except UnavailableError as reason:
        pytest.skip(str(reason))
    config, admin = folder / "envoy.yaml", folder / "admin"
    config.write_text(yaml.safe_dump(configuration(replicas)))
    command = [envoy, "--config-path", str(config), "--admin-address-path", str(admin)]
    with (folder / "log").open("w") as log:
        # Several Envoys of one machine would share memory for hot restarts.
        process = subprocess.Popen([*command, "--disable-hot-restart"], stderr=log)
        try:
            wait_until(lambda: process.poll() is not None or _content(admin) != "")
            assert process.poll() is None, (folder / "log").read_text()
            balancer = Balancer("", admin.read_text())
            (listener,) = balancer.ask("/listeners?format=json")["listener_statuses"]
            socket = listener["local_address"]["socket_address"]
            balancer.address = f"{socket['address']}:{socket['port_value']}"
            wait_until(lambda: balancer.healthy() == len(replicas))
            yield balancer
        finally:
            process.kill()
            process.wait()


@dataclass
class Scene:
    """Two servers behind a balancer, and a caller with one connection to it."""

    servers: list[RunningServer]
    balancer: Balancer
    channel: grpc.Channel

    @property
    def stub(self) -> connect4_pb2_grpc.Connect4ServiceStub:
        return connect4_pb2_grpc.Connect4ServiceStub(self.channel)

    def calls(self) -> list[int]:
        """How many calls each server has taken."""
        stats = [{stat["name"]: stat for stat in host["stats"]} for host in self.balancer.hosts()]
        return [int(named["rq_total"].get("value", 0)) for named in stats]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        # Without openings a search can take long.
        book = str(write_no_openings(tmp_path))
        flags = ("--shutdown-delay", DELAY, "--opening-book", book)
        servers = [stack.enter_context(run_server(default_repository(), *flags)) for _ in range(2)]
        addresses = [server.address for server in servers]
        balancer = stack.enter_context(run_balancer(tmp_path, addresses))
        channel = stack.enter_context(grpc.insecure_channel(balancer.address))
        yield Scene(servers, balancer, channel)


@dataclass
class Load:
    """Callers that ask without a pause, and what came of it."""

    answered: int = 0
    failed: list[str] = field(default_factory=list)


@contextmanager
def load(scene: Scene, callers: int = 4) -> Iterator[Load]:
    """Call the balancer from several threads until the block ends."""
    result, ended, lock = Load(), threading.Event(), threading.Lock()

    def call() -> None:
        while not ended.is_set():
            try:
                scene.stub.DescribePosition(REQUEST, timeout=30)
            except grpc.RpcError as error:
                with lock:
                    result.failed.append(str(error))
            else:
                with lock:
                    result.answered += 1

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield result
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_calls_of_one_connection_go_to_both_replicas(scene: Scene) -> None:
    before = scene.calls()
    for _ in range(64):
        scene.stub.DescribePosition(REQUEST)
    taken = [after - count for count, after in zip(before, scene.calls(), strict=True)]
    assert sum(taken) == 64
    assert min(taken) > 0


def test_no_call_is_lost_when_a_replica_stops(scene: Scene) -> None:
    with load(scene) as result:
        wait_until(lambda: result.answered > 100)
        scene.servers[0].process.terminate()
        assert scene.servers[0].wait() == 0
        count = result.answered
        wait_until(lambda: result.answered > count + 100 and scene.balancer.healthy() == 1)
    assert result.failed == []


def test_no_call_is_lost_when_a_replica_dies(scene: Scene) -> None:
    with load(scene) as result:
        wait_until(lambda: result.answered > 100)
        scene.servers[0].process.kill()
        scene.servers[0].wait()
        count = result.answered
        wait_until(lambda: result.answered > count + 100 and scene.balancer.healthy() == 1)
    assert result.failed == []


def test_without_a_replica_a_call_fails_at_once(scene: Scene) -> None:
    for server in scene.servers:
        server.process.kill()
    wait_until(lambda: scene.balancer.healthy() == 0)
    error = failure(lambda: scene.stub.DescribePosition(REQUEST, timeout=60))
    assert error.code is grpc.StatusCode.UNAVAILABLE


def test_deadline_and_details_come_through(scene: Scene) -> None:
    bad = wire.DescribePositionRequest(position=wire.Position(moves="8"))
    error = failure(lambda: scene.stub.DescribePosition(bad))
    assert error.field_violation()[0] == "position.moves"
    # The server would search for a minute.
    hard = wire.AnalyzeRequest(position=wire.Position(moves="4455"))
    error = failure(lambda: scene.stub.Analyze(hard, timeout=1))
    assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_stream_stays_open_while_it_is_silent(scene: Scene) -> None:
    watch = health_pb2_grpc.HealthStub(scene.channel).Watch(health_pb2.HealthCheckRequest())
    serving = health_pb2.HealthCheckResponse.SERVING
    assert next(watch).status == serving
    # The replica that answers turns not-ready at once, and ends the stream only after its delay.
    for server in scene.servers:
        server.process.terminate()
    assert next(watch).status != serving
