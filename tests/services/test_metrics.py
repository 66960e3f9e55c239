"""What Prometheus scrapes: every call is counted, and callers cannot make it grow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2 as wire
from tritonclient.grpc import service_pb2_grpc

from tests.services.protocol_model import (
    NEWEST,
    answer,
    named,
    publish_simple,
    simple_request,
)
from tests.services.running import RunningServer, command, run_server
from tests.services.scraping import metrics_url, scrape
from tests.services.status import failure
from tests.services.test_server import refused

INFER = "inference.GRPCInferenceService/ModelInfer"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    publish_simple(tmp_path, 3, config=named("simple"))
    publish_simple(tmp_path, config=named("other", NEWEST))
    with run_server(tmp_path, "--metrics-port", "0") as running:
        yield running


@pytest.fixture
def stub(server: RunningServer) -> Iterator[Any]:
    with grpc.insecure_channel(server.address) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def test_calls_are_counted_by_model_method_and_code(server: RunningServer, stub: Any) -> None:
    for _ in range(3):
        answer(stub, "simple", rows=2)
    answer(stub, "other")
    failure(lambda: stub.ModelInfer(simple_request(rows=9)))
    failure(lambda: stub.ModelInfer(simple_request(model="chess")))
    stub.ServerLive(wire.ServerLiveRequest())
    metrics, name = scrape(server), "fourcast_requests_total"
    assert metrics.total(name, model="simple", method=INFER, code="OK") == 3
    assert metrics.total(name, model="other", method=INFER, code="OK") == 1
    assert metrics.total(name, model="simple", method=INFER, code="INVALID_ARGUMENT") == 1
    assert metrics.total(name, model="", method=INFER, code="NOT_FOUND") == 1
    assert metrics.total(name, method="inference.GRPCInferenceService/ServerLive", code="OK") == 1
    assert metrics.total(name) == 7


def test_histograms(server: RunningServer, stub: Any) -> None:
    for rows in (1, 2, 2, 8):
        answer(stub, "simple", rows=rows)
    metrics = scrape(server)
    batches = "fourcast_batch_rows"
    assert metrics.total(f"{batches}_count", model="simple") == 4
    assert metrics.total(f"{batches}_sum", model="simple") == 13
    in_buckets = [
        metrics.total(f"{batches}_bucket", model="simple", le=le)
        for le in ("1.0", "2.0", "4.0", "8.0", "+Inf")
    ]
    assert in_buckets == [1, 3, 3, 4, 4]
    for name in ("fourcast_request_seconds", "fourcast_queue_seconds"):
        assert metrics.total(f"{name}_count", model="simple") == 4
        assert metrics.total(f"{name}_bucket", model="simple", le="+Inf") == 4
    # The whole takes longer than the wait for a turn, which is a part of it.
    assert (
        metrics.total("fourcast_request_seconds_sum", model="simple")
        > metrics.total("fourcast_queue_seconds_sum", model="simple")
        > 0
    )


def test_versions_and_the_provider_that_runs_them(server: RunningServer) -> None:
    metrics, name = scrape(server), "fourcast_model_version_info"
    labels = {"version": "3", "state": "READY", "provider": "CPUExecutionProvider"}
    assert metrics.total(name, model="simple", **labels) == 1
    assert metrics.total(name) == 2


def test_names_from_callers_do_not_become_labels(server: RunningServer, stub: Any) -> None:
    answer(stub, "simple")
    failure(lambda: stub.ModelInfer(simple_request(model="chess")))
    before = scrape(server).text.count("\n")
    for number in range(100):
        name = f"from-a-caller-{number}"
        requests = (
            simple_request(model=name),
            simple_request(version=name),
            simple_request(request_id=name),
        )
        for request in requests[:2]:
            assert failure(lambda r=request: stub.ModelInfer(r)).code.name == "NOT_FOUND"  # type: ignore[misc]  # its type cannot be inferred
        stub.ModelInfer(requests[2])
        list(stub.ModelStreamInfer(iter(requests)))
        stub.ModelReady(wire.ModelReadyRequest(name=name))
        failure(lambda n=name: stub.ModelConfig(wire.ModelConfigRequest(name=n)))  # type: ignore[misc]  # its type cannot be inferred
    metrics = scrape(server)
    assert "from-a-caller" not in metrics.text
    assert metrics.labels("fourcast_requests_total", "model") <= {"", "simple", "other"}
    # A label for each method and each code, and not one for each call.
    assert metrics.text.count("\n") - before < 150


def test_requests_of_a_stream_are_measured(server: RunningServer, stub: Any) -> None:
    requests = [simple_request(np.full(16, number), 1) for number in range(50)]
    assert len(list(stub.ModelStreamInfer(iter(requests)))) == 50
    metrics = scrape(server)
    assert metrics.total("fourcast_batch_rows_sum", model="simple") == 50
    assert metrics.total("fourcast_queue_seconds_count", model="simple") == 50
    stream = "inference.GRPCInferenceService/ModelStreamInfer"
    assert metrics.total("fourcast_requests_total", method=stream, code="OK") == 1


def test_only_this_computer_can_scrape(server: RunningServer) -> None:
    url = urlsplit(metrics_url(server))
    assert url.hostname == "127.0.0.1"
    assert url.port is not None
    assert listening_addresses(url.port) == {"0100007F"}


def listening_addresses(port: int) -> set[str]:
    """The local addresses, as the kernel writes them, on which somebody listens on a port."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, number = local.partition(":")
            if state == "0A" and int(number, 16) == port:
                found.add(address)
    return found


def test_there_are_none_unless_asked_for(tmp_path: Path) -> None:
    publish_simple(tmp_path)
    with run_server(tmp_path) as server:
        assert "metrics" not in server.log()


def test_a_taken_metrics_port_is_an_error(server: RunningServer, tmp_path: Path) -> None:
    port = str(urlsplit(metrics_url(server)).port)
    finished = refused(*command(tmp_path, "--metrics-port", port))
    assert finished.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in finished.stderr
