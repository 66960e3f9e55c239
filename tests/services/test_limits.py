"""Nothing grows without bound: queues, messages and batches end where the operator says."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2 as wire
from tritonclient.grpc import service_pb2_grpc

from fourcast_models.model_config import Batching
from tests.services.protocol_model import (
    FOREVER,
    SLOW,
    answer,
    infer_request,
    is_right,
    publish_echo,
    publish_simple,
    publish_slow,
    simple_request,
    slow_request,
)
from tests.services.running import RunningServer, run_server
from tests.services.scraping import scrape
from tests.services.status import failure

MEBIBYTE = 1 << 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    publish_simple(tmp_path)
    publish_echo(tmp_path, "uint8")
    publish_echo(tmp_path, "int64")
    publish_slow(tmp_path)
    for name, batching, instances in (
        ("short", Batching(max_waiting=2), 1),
        ("long", Batching(max_waiting=9), 1),
        ("wide", None, 3),
    ):
        config = replace(SLOW, name=name, batching=batching, instances=instances)
        publish_slow(tmp_path, config=config)
    flags = ("--max-queue", "4", "--max-message-mebibytes", "1", "--metrics-port", "0")
    with run_server(tmp_path, *flags) as running:
        yield running


@pytest.fixture
def stub(server: RunningServer) -> Iterator[Any]:
    unbounded = [
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", -1),
    ]
    with grpc.insecure_channel(server.address, options=unbounded) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def fill(stub: Any, model: str, running: int, waiting: int) -> list[Any]:
    """Calls that hold all workers of a model, and those that wait behind them."""
    calls = []
    # One connection, and so in this order: each is there before the next one.
    for _ in range(running + waiting):
        calls.append(stub.ModelInfer.future(slow_request(FOREVER, model=model)))
        stub.ServerLive(wire.ServerLiveRequest())
    assert not any(call.done() for call in calls)
    return calls


@pytest.mark.parametrize(
    ("model", "running", "waiting"),
    # The command line bounds the first and the last, their own config.pbtxt the others.
    [("slow", 1, 4), ("short", 1, 2), ("long", 1, 9), ("wide", 3, 4)],
)
def test_a_full_queue_turns_callers_away(
    server: RunningServer, stub: Any, model: str, running: int, waiting: int
) -> None:
    calls = fill(stub, model, running, waiting)
    for _ in range(3):
        error = failure(lambda: stub.ModelInfer(slow_request(1, model=model)))
        assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert f"{waiting} requests for model {model!r} wait already" in error.message
        assert 0 < error.retry_seconds() < 10
    refused = next(stub.ModelStreamInfer(iter([slow_request(1, model=model, request_id="late")])))
    assert refused.error_message.startswith("RESOURCE_EXHAUSTED: ")
    assert refused.infer_response.id == "late"
    # None of those before was thrown out for it, and other models have queues of their own.
    assert not any(call.done() for call in calls)
    assert answer(stub, "simple") == ("1", 0)
    metrics = scrape(server)
    assert metrics.total("fourcast_dropped_total", model=model, reason="full") == 4
    assert metrics.total("fourcast_requests_total", model=model, code="RESOURCE_EXHAUSTED") == 3


def test_a_request_that_is_too_large(stub: Any) -> None:
    fits = np.ones(MEBIBYTE - 100, np.uint8)
    response = stub.ModelInfer(infer_request("echo_uint8", {"INPUT": fits}))
    assert response.raw_output_contents == [fits.tobytes()]
    too_large = np.ones(MEBIBYTE, np.uint8)
    error = failure(lambda: stub.ModelInfer(infer_request("echo_uint8", {"INPUT": too_large})))
    assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert f"vs. {MEBIBYTE}" in error.message
    assert answer(stub, "simple") == ("1", 0)


def test_an_answer_that_is_too_large(server: RunningServer, stub: Any) -> None:
    # One byte each as a typed number, eight as the raw one that the answer has.
    request = wire.ModelInferRequest(model_name="echo_int64")
    tensor = request.inputs.add(name="INPUT", datatype="INT64", shape=[MEBIBYTE // 4])
    tensor.contents.int64_contents.extend([1] * (MEBIBYTE // 4))
    field, reason = failure(lambda: stub.ModelInfer(request)).field_violation()
    assert field == "inputs"
    assert f"but {MEBIBYTE - 16} is the most" in reason
    # In a stream, those before and after it are answered.
    requests = [simple_request(), request, simple_request()]
    answers = list(stub.ModelStreamInfer(iter(requests)))
    assert answers[1].error_message.startswith("INVALID_ARGUMENT: inputs: the answer would have")
    assert is_right(requests[0], answers[0].infer_response)
    assert is_right(requests[2], answers[2].infer_response)
    assert "Traceback" not in server.log()
