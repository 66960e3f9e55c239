"""A server that is asked to stop loses no call, and never runs what nobody waits for."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tritonclient.grpc import service_pb2 as wire
from tritonclient.grpc import service_pb2_grpc

from tests.services.protocol_model import (
    FOREVER,
    answer,
    is_right,
    publish_simple,
    publish_slow,
    ready,
    simple_request,
    slow_request,
)
from tests.services.running import RunningServer, run_server
from tests.services.scraping import scrape
from tests.services.waiting import until, until_async

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
INFERENCE = "inference.GRPCInferenceService"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lifecycle")
    publish_simple(folder)
    publish_slow(folder)
    return folder


def logged_codes(server: RunningServer) -> dict[str, str]:
    """The status code of each call of the log, by request id."""
    entries = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    return {entry["request_id"]: entry["code"] for entry in entries if "request_id" in entry}


def watched(channel: grpc.Channel, service: str) -> Iterator[int]:
    """The states of a service, as they change."""
    request = health_pb2.HealthCheckRequest(service=service)
    for response in health_pb2_grpc.HealthStub(channel).Watch(request):
        yield response.status


async def test_stopping_under_load_loses_no_call(repository: Path) -> None:
    codes: dict[str, str] = {}

    async def call(stub: Any, caller: int) -> None:
        for number in range(1_000_000):
            request = simple_request(caller, number, request_id=f"{caller}-{number}")
            try:
                response = await stub.ModelInfer(request)
            except grpc.aio.AioRpcError as error:
                codes[request.id] = error.code().name
                break
            assert is_right(request, response)
            codes[request.id] = "OK"

    async def call_slowly(stub: Any, number: int) -> None:
        request = slow_request(200_000 + number, request_id=f"slow {number}")
        response = await stub.ModelInfer(request)
        codes[response.id] = "OK"

    async def stream(stub: Any) -> None:
        answers = stub.ModelStreamInfer()
        for number in range(20):
            await answers.write(simple_request(number, 1))
        await answers.done_writing()
        for number in range(20):
            response = (await answers.read()).infer_response
            assert is_right(simple_request(number, 1), response)

    with run_server(repository, "--log-calls", "--log-format", "json") as server:
        channels = [
            grpc.aio.insecure_channel(server.address, [("grpc.use_local_subchannel_pool", 1)])
            for _ in range(4)
        ]
        stubs = [service_pb2_grpc.GRPCInferenceServiceStub(channel) for channel in channels]
        async with asyncio.TaskGroup() as tasks:
            for caller in range(16):
                tasks.create_task(call(stubs[caller % 4], caller))
            for number in range(4):
                tasks.create_task(call_slowly(stubs[number], number))
            for stub in stubs:
                tasks.create_task(stream(stub))
            await until_async(lambda: len(codes) > 500, "some calls")
            server.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(server.wait) == 0
        for channel in channels:
            await channel.close()
        accepted = logged_codes(server)
    # Each caller met the end once, and with a code that says: try another server.
    refused = {name for name, code in codes.items() if code != "OK"}
    assert {codes[name] for name in refused} == {"UNAVAILABLE"}
    assert len(refused) == 16
    # What the server took on it answered, and its caller got the answer.
    assert not refused & accepted.keys()
    accepted.pop("", None)  # those that were turned away before anybody read their id
    assert accepted == dict.fromkeys(codes.keys() - refused, "OK")
    assert {f"slow {number}" for number in range(4)} <= accepted.keys()


def test_not_ready_comes_first_and_calls_go_on(repository: Path) -> None:
    # The delay has no end here: what is seen is seen within it.
    with (
        run_server(repository, "--shutdown-delay", "3600") as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        states = [watched(channel, service) for service in ("", INFERENCE)]
        assert [next(state) for state in states] == [SERVING] * 2
        assert stub.ServerReady(wire.ServerReadyRequest()).ready
        server.process.send_signal(signal.SIGTERM)
        assert [next(state) for state in states] == [NOT_SERVING] * 2
        assert not stub.ServerReady(wire.ServerReadyRequest()).ready
        assert not ready(stub, "simple")
        assert stub.ServerLive(wire.ServerLiveRequest()).live
        assert answer(stub, "simple") == ("1", 0)
        # New connections are welcome, too: a load balancer may not know yet.
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(server.address, options) as another:
            newcomer = service_pb2_grpc.GRPCInferenceServiceStub(another)
            assert answer(newcomer, "simple") == ("1", 0)
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 128 + signal.SIGTERM


def test_the_delay_ends(repository: Path) -> None:
    with run_server(repository, "--shutdown-delay", "0.1") as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 0


def test_health_watchers_do_not_use_up_the_grace(repository: Path) -> None:
    with (
        run_server(repository) as watched_server,
        run_server(repository) as busy_server,
        grpc.insecure_channel(watched_server.address) as watching,
        grpc.insecure_channel(busy_server.address) as busy,
    ):
        states = [watched(watching, "") for _ in range(5)]
        assert [next(state) for state in states] == [SERVING] * 5
        stub = service_pb2_grpc.GRPCInferenceServiceStub(busy)
        call = stub.ModelInfer.future(slow_request(FOREVER))
        stub.ServerLive(wire.ServerLiveRequest())
        busy_server.process.send_signal(signal.SIGTERM)
        watched_server.process.send_signal(signal.SIGTERM)
        assert watched_server.wait() == 0
        # The other one's grace, which began before, is not over yet.
        assert busy_server.process.poll() is None
        # It ends although the model would run for ever.
        assert busy_server.wait() == 0
        assert call.exception().code() is grpc.StatusCode.UNAVAILABLE
        for server in (watched_server, busy_server):
            assert "Traceback" not in server.log()


def test_an_open_stream_ends_with_a_status(repository: Path) -> None:
    with run_server(repository) as server, grpc.insecure_channel(server.address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)

        def requests() -> Iterator[wire.ModelInferRequest]:
            yield simple_request()
            until(lambda: server.process.poll() is not None, "the server to end")

        answers = stub.ModelStreamInfer(requests())
        assert is_right(simple_request(), next(answers).infer_response)
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(grpc.RpcError) as caught:
            next(answers)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert server.wait() == 0
        assert "Traceback" not in server.log()


def executions(stub: Any) -> int:
    response = stub.ModelStatistics(wire.ModelStatisticsRequest(name="slow"))
    return int(response.model_stats[0].execution_count)


def dropped(server: RunningServer) -> float:
    metrics = scrape(server)
    return sum(
        metrics.total("fourcast_dropped_total", model="slow", reason=reason)
        for reason in ("expired", "cancelled")
    )


def test_what_nobody_waits_for_never_runs(repository: Path) -> None:
    with (
        run_server(repository, "--metrics-port", "0") as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        steps = 300_000
        while True:
            before, before_dropped = executions(stub), dropped(server)
            blocking = stub.ModelInfer.future(slow_request(steps))
            # On one connection: the server has each of these when it has answered a later one.
            stub.ServerLive(wire.ServerLiveRequest())
            cancelled = [stub.ModelInfer.future(slow_request(1)) for _ in range(6)]
            stub.ServerLive(wire.ServerLiveRequest())
            for call in cancelled:
                call.cancel()
            expired = [stub.ModelInfer.future(slow_request(1), timeout=0.1) for _ in range(6)]
            for call in expired:
                assert call.exception().code() is grpc.StatusCode.DEADLINE_EXCEEDED
            stub.ServerLive(wire.ServerLiveRequest())
            if not blocking.done():
                break
            # Some may have run: on a slower machine the model has to be slower, too.
            steps *= 2
            assert steps < 100_000_000
        assert blocking.result().id == ""
        # Behind all of those in the queue, it shows that they have been passed.
        stub.ModelInfer(slow_request(1))
        assert executions(stub) == before + 2
        assert dropped(server) == before_dropped + 12
