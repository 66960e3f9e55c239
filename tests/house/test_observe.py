"""What Prometheus scrapes and Grafana draws is what a real server exposes.

A real Prometheus reads the deployed file; only where it finds the servers is replaced, because
Docker's name server is not there.
"""

import json
import queue
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import promql_parser
import pytest
import yaml
from deploy.check import board_queries, promtool
from deploy.fetch import UnavailableError, debian_program
from prometheus_client.parser import text_string_to_metric_families
from tritonclient.grpc import InferenceServerClient, InferInput

from fourcast.connect4.v1 import connect4_pb2 as wire
from fourcast.connect4.v1 import connect4_pb2_grpc
from fourcast_models.repository import default_repository
from tests.house.waiting import wait_until
from tests.services.running import RunningServer, run_server
from tests.services.status import failure

CHECKOUT = Path(__file__).resolve().parents[2]
DEPLOY = CHECKOUT / "services" / "deploy"
GRAFANA = DEPLOY / "grafana"
BOARD: dict[str, Any] = json.loads((GRAFANA / "fourcast.json").read_text())
QUERIES = board_queries(BOARD)
COMPOSE = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]
PROMETHEUS: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text())
(JOB,) = PROMETHEUS["scrape_configs"]
(DISCOVERY,) = JOB["dns_sd_configs"]

ADDED_LABELS = {"instance", "job", "service"}
"""By Prometheus, of its own and as prometheus.yaml says."""

OTHER_METRICS = {"up"}
"""Prometheus makes it."""


@dataclass(frozen=True)
class Observed:
    """A server to which everything has happened that the board shows.

    Attributes:
        server: The server.
        metrics: "host:port" of its metrics.
    """

    server: RunningServer
    metrics: str

    def call(self) -> None:
        """One call of each kind that the board tells apart."""
        with grpc.insecure_channel(self.server.address) as channel:
            stub = connect4_pb2_grpc.Connect4ServiceStub(channel)
            stub.ChooseMove(wire.ChooseMoveRequest(position=wire.Position(moves="44")))
            bad = wire.DescribePositionRequest(position=wire.Position(moves="8"))
            failure(lambda: stub.DescribePosition(bad))
        with InferenceServerClient(self.server.address) as client:
            board = InferInput("board", [2, 2, 6, 7], "UINT8")
            board.set_data_from_numpy(np.zeros((2, 2, 6, 7), np.uint8))
            client.infer("connect4", [board])

    def flood(self) -> None:
        """More calls at once than may wait."""
        board = InferInput("board", [1024, 2, 6, 7], "UINT8")
        board.set_data_from_numpy(np.zeros((1024, 2, 6, 7), np.uint8))
        answered: queue.Queue[object] = queue.Queue()
        with InferenceServerClient(self.server.address) as client:
            for _ in range(32):
                client.async_infer(
                    "connect4", [board], lambda result, error: answered.put((result, error))
                )
            for _ in range(32):
                answered.get()

    def page(self) -> str:
        """What it exposes now."""
        with urllib.request.urlopen(f"http://{self.metrics}/metrics") as response:
            text: str = response.read().decode()
        return text


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    repository = tmp_path_factory.mktemp("models") / "repository"
    shutil.copytree(default_repository(), repository)
    damaged = repository / "connect4" / "999"
    shutil.copytree(next((repository / "connect4").glob("[0-9]*")), damaged)
    (damaged / "model.onnx").write_bytes(b"not a model")
    with run_server(repository, "--metrics-port", "0", "--max-queue", "1") as server:
        found = re.search(r"http://(127\.0\.0\.1:\d+)/metrics", server.log())
        assert found, server.log()
        running = Observed(server, found[1])
        running.call()
        while "fourcast_dropped_total{" not in running.page():
            running.flood()
        yield running


def selectors(query: str) -> list[promql_parser.VectorSelector]:
    """The metrics that a query names, each with its matchers."""
    found = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(query), visit)
    return found


def labels(query: str) -> set[str]:
    """The labels that a query groups by."""
    found: set[str] = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            found.update(node.modifier.labels)

    promql_parser.walk(promql_parser.parse(query), visit)
    return found


def exposed(page: str) -> dict[str, set[str]]:
    """The metrics of an exposition page by the names of their samples, each with its labels."""
    names: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names


def test_the_board_asks_for_metrics_that_there_are(observed: Observed) -> None:
    known = exposed(observed.page()).keys() | OTHER_METRICS
    assert {str(node.name) for _, query in QUERIES for node in selectors(query)} - known == set()


def test_the_board_shows_every_metric_of_the_server(observed: Observed) -> None:
    asked = " ".join(query for _, query in QUERIES)
    families = text_string_to_metric_families(observed.page())
    own = {family.name for family in families if family.name.startswith("fourcast_")}
    assert len(own) > 5
    # prometheus_client adds when a metric was first used.
    assert {name for name in own if name not in asked and not name.endswith("_created")} == set()


def test_prometheus_finds_no_fault_in_the_names(observed: Observed) -> None:
    try:
        command = [promtool(), "check", "metrics"]
    except UnavailableError as reason:
        pytest.skip(str(reason))
    for page, status in ((observed.page(), 0), ("# TYPE camelCase counter\ncamelCase 1\n", 3)):
        result = subprocess.run(command, input=page, capture_output=True, text=True, check=False)
        assert result.returncode == status, result.stderr


@pytest.mark.parametrize(("title", "query"), QUERIES)
def test_the_board_asks_for_labels_that_there_are(
    observed: Observed, title: str, query: str
) -> None:
    known = exposed(observed.page())
    there = set().union(*(known.get(str(node.name), set()) for node in selectors(query)))
    matched = {matcher.name for node in selectors(query) for matcher in node.matchers.matchers}
    assert (labels(query) | matched) - there - ADDED_LABELS == set(), title


def test_what_nothing_exposes_is_found(observed: Observed) -> None:
    query = 'sum by (methods) (rate(fourcast_requests_totals{models="a"}[1m]))'
    (node,) = selectors(query)
    assert node.name not in exposed(observed.page())
    assert [matcher.name for matcher in node.matchers.matchers] == ["models"]
    assert labels(query) == {"methods"}


def test_prometheus_looks_for_every_container_that_has_metrics() -> None:
    exposing = {
        name for name, item in COMPOSE.items() if "--metrics-port" in item.get("command", [])
    }
    assert set(DISCOVERY["names"]) == exposing
    ports = {
        COMPOSE[name]["command"][COMPOSE[name]["command"].index("--metrics-port") + 1]
        for name in exposing
    }
    assert ports == {str(DISCOVERY["port"])}


def test_grafana_finds_prometheus_and_the_board() -> None:
    (source,) = yaml.safe_load((GRAFANA / "datasource.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((GRAFANA / "dashboards.yaml").read_text())["providers"]
    address = urllib.parse.urlsplit(source["url"])
    assert address.hostname in COMPOSE
    assert COMPOSE[address.hostname]["ports"] == [f"127.0.0.1:{address.port}:{address.port}"]
    assert source["jsonData"]["timeInterval"] == PROMETHEUS["global"]["scrape_interval"]
    assert {panel["datasource"]["uid"] for panel in BOARD["panels"]} == {source["uid"]}
    mounts = dict(volume.split(":")[:2] for volume in COMPOSE["grafana"]["volumes"])
    inside = mounts["./services/deploy/grafana/fourcast.json"]
    assert Path(inside).parent == Path(provider["options"]["path"])
    home = COMPOSE["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == inside


@contextmanager
def run_prometheus(folder: Path, target: str) -> Iterator[str]:
    """Run Prometheus with the deployed file, and one server, until the block ends.

    Yields:
        Its address.
    """
    try:
        prometheus = debian_program("prometheus", "prometheus")
    except UnavailableError as reason:
        pytest.skip(str(reason))
    job = {name: value for name, value in JOB.items() if name != "dns_sd_configs"}
    job["static_configs"] = [{"targets": [target]}]
    config = PROMETHEUS | {"global": {"scrape_interval": "200ms"}, "scrape_configs": [job]}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    command = [prometheus, f"--config.file={folder / 'prometheus.yaml'}"]
    command += [f"--storage.tsdb.path={folder / 'data'}", "--web.listen-address=127.0.0.1:0"]
    log = folder / "log"
    with log.open("w") as file:
        process = subprocess.Popen(command, stderr=file)
        try:
            # It listens before it answers: until it is ready, with 503.
            wait_until(lambda: process.poll() is not None or "Server is ready" in log.read_text())
            found = re.search(r"Listening on.* address=(127\.0\.0\.1:\d+)", log.read_text())
            assert found, log.read_text()
            yield found[1]
        finally:
            process.kill()
            process.wait()


def test_prometheus_answers_every_query_of_the_board(tmp_path: Path, observed: Observed) -> None:
    with run_prometheus(tmp_path, observed.metrics) as address:

        def result(query: str) -> list[Any]:
            parameters = urllib.parse.urlencode({"query": query})
            url = f"http://{address}/api/v1/query?{parameters}"
            with urllib.request.urlopen(url) as response:
                found: list[Any] = json.load(response)["data"]["result"]
            return found

        def count() -> float:
            found = result("sum(fourcast_requests_total)")
            return float(found[0]["value"][1]) if found else 0

        wait_until(lambda: count() > 0)
        before = count()
        observed.call()
        wait_until(lambda: count() > before)
        assert [title for title, query in QUERIES if not result(query)] == []
