"""ModelStreamInfer: order, errors, many requests at once, and callers that misbehave."""

import asyncio
import queue
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from tritonclient.grpc import service_pb2 as wire
from tritonclient.grpc import service_pb2_grpc

from fourcast_models.model_config import Batching
from fourcast_services.inference_stream import WINDOW_BYTES, WINDOW_REQUESTS
from tests.services.protocol_model import (
    SIMPLE,
    SLOW,
    infer_request,
    is_right,
    outputs_of,
    publish_echo,
    publish_simple,
    publish_slow,
    simple_request,
    slow_request,
)
from tests.services.running import RunningServer, run_server
from tests.services.status import failure
from tests.services.waiting import until

MEBIBYTE = 1 << 20
PATIENT = replace(
    SIMPLE, name="patient", max_batch_size=WINDOW_REQUESTS, batching=Batching(delay=600)
)
"""Runs as soon as a batch is full, and nobody waits long enough for one that is not."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("streams")
    publish_simple(folder)
    publish_simple(folder, config=PATIENT)
    publish_slow(folder, config=replace(SLOW, instances=4))
    publish_echo(folder, "uint8")
    with run_server(folder) as running:
        yield running


@pytest.fixture
async def stub(server: RunningServer) -> AsyncIterator[Any]:
    options = [("grpc.max_receive_message_length", -1)]
    async with grpc.aio.insecure_channel(server.address, options) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


async def executions(stub: Any, model: str) -> int:
    response = await stub.ModelStatistics(wire.ModelStatisticsRequest(name=model))
    return int(response.model_stats[0].execution_count)


def resident_bytes(server: RunningServer) -> int:
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096


def random_requests(seed: int, count: int) -> list[wire.ModelInferRequest]:
    random = np.random.default_rng(seed)
    requests = []
    for index in range(count):
        rows = int(random.integers(1, 9))
        first, second = random.integers(-(2**30), 2**30, (2, rows, 16))
        requests.append(simple_request(first, second, rows=rows, request_id=f"{seed}-{index}"))
    return requests


def triton_inputs(module: Any, number: int) -> list[Any]:
    inputs = [module.InferInput(name, [1, 16], "INT32") for name in ("INPUT0", "INPUT1")]
    for tensor in inputs:
        tensor.set_data_from_numpy(np.full((1, 16), number, np.int32))
    return inputs


def test_tritonclient_stream(server: RunningServer) -> None:
    answers: queue.Queue[tuple[Any, Any]] = queue.Queue()
    with triton.InferenceServerClient(server.address) as client:
        client.start_stream(lambda result, error: answers.put((result, error)))
        for number in range(100):
            model = "chess" if number == 50 else "simple"
            client.async_stream_infer(model, triton_inputs(triton, number), request_id=str(number))
        for number in range(100):
            result, error = answers.get(timeout=60)
            if number == 50:
                assert error.message().startswith("NOT_FOUND: no model 'chess'")
                continue
            assert error is None
            assert result.get_response().id == str(number)
            assert (result.as_numpy("OUTPUT0") == 2 * number).all()
        client.stop_stream()
    assert answers.empty()


async def test_tritonclient_asyncio_stream(server: RunningServer) -> None:
    async def requests() -> AsyncIterator[dict[str, Any]]:
        for number in range(100):
            inputs = triton_inputs(triton_aio, number)
            yield {"model_name": "simple", "inputs": inputs, "request_id": str(number)}

    answered = []
    async with triton_aio.InferenceServerClient(server.address) as client:
        async for result, error in client.stream_infer(requests()):
            assert error is None
            assert (result.as_numpy("OUTPUT0") == 2 * int(result.get_response().id)).all()
            answered.append(result.get_response().id)
    assert answered == [str(number) for number in range(100)]


async def test_answers_come_in_the_order_of_the_requests(stub: Any) -> None:
    # The first takes longest, and four run side by side.
    steps = [300_000, 100_000, 30_000, 10, 1]
    answers = stub.ModelStreamInfer(
        slow_request(count, request_id=str(index)) for index, count in enumerate(steps)
    )
    given = [answer.infer_response async for answer in answers]
    assert [answer.id for answer in given] == ["0", "1", "2", "3", "4"]
    assert [int(outputs_of(answer)["DONE"].item()) for answer in given] == steps


async def test_an_error_has_its_requests_id_and_the_stream_goes_on(stub: Any) -> None:
    requests = random_requests(0, 6)
    requests[1].model_name = "chess"
    requests[2].inputs[0].datatype = "FP32"
    requests[3].model_version = "9"
    requests[4].raw_input_contents.pop()
    wrong = ("NOT_FOUND", "INVALID_ARGUMENT", "NOT_FOUND", "INVALID_ARGUMENT")
    answers = [answer async for answer in stub.ModelStreamInfer(iter(requests))]
    assert [answer.infer_response.id for answer in answers] == [r.id for r in requests]
    for request, answer, code in zip(requests, answers, ("", *wrong, ""), strict=True):
        if code:
            assert answer.error_message.startswith(f"{code}: "), answer
            assert not answer.infer_response.outputs
        else:
            assert is_right(request, answer.infer_response)


async def test_a_streams_requests_go_together(stub: Any) -> None:
    # This model runs only full batches: all of these must be under way at the same time.
    requests = [
        simple_request(number, 1, model="patient", request_id=str(number))
        for number in range(WINDOW_REQUESTS)
    ]
    answers = [answer.infer_response async for answer in stub.ModelStreamInfer(iter(requests))]
    for request, answer in zip(requests, answers, strict=True):
        assert is_right(request, answer)
    response = await stub.ModelStatistics(wire.ModelStatisticsRequest(name="patient"))
    (batch,) = response.model_stats[0].batch_stats
    assert (batch.batch_size, batch.compute_infer.count) == (WINDOW_REQUESTS, 1)


async def test_batches_form_without_delay(stub: Any) -> None:
    requests = [simple_request(number, 1) for number in range(2000)]
    answers = stub.ModelStreamInfer(iter(requests))
    for request in requests:
        assert is_right(request, (await answers.read()).infer_response)
    response = await stub.ModelStatistics(wire.ModelStatisticsRequest(name="simple"))
    assert max(batch.batch_size for batch in response.model_stats[0].batch_stats) > 1


async def test_many_callers_never_get_each_others_answers(server: RunningServer) -> None:
    async def one_by_one(stub: Any, seed: int) -> None:
        for request in random_requests(seed, 100):
            assert is_right(request, await stub.ModelInfer(request))

    async def in_a_stream(stub: Any, seed: int) -> None:
        requests = random_requests(seed, 300)
        answers = stub.ModelStreamInfer(iter(requests))
        for request in requests:
            assert is_right(request, (await answers.read()).infer_response)
        assert await answers.read() is grpc.aio.EOF

    async with (
        grpc.aio.insecure_channel(server.address) as one,
        # Channels with the same arguments would share a connection.
        grpc.aio.insecure_channel(server.address, [("grpc.primary_user_agent", "two")]) as two,
    ):
        stubs = [service_pb2_grpc.GRPCInferenceServiceStub(channel) for channel in (one, two)]
        await asyncio.gather(
            *(one_by_one(stubs[seed % 2], seed) for seed in range(1, 17)),
            *(in_a_stream(stubs[seed % 2], seed) for seed in range(17, 29)),
        )


@pytest.mark.parametrize(
    ("kibibytes", "under_way"),
    # Enough small ones fill the window; two of the large ones are more than it takes.
    [(512, WINDOW_REQUESTS), (WINDOW_BYTES * 5 // 8 // 1024, 1)],
)
async def test_a_caller_that_does_not_read_holds_up_nobody(
    server: RunningServer, stub: Any, kibibytes: int, under_way: int
) -> None:
    content = np.arange(kibibytes * 1024).astype(np.uint8)
    request = infer_request("echo_uint8", {"INPUT": content})
    count = 24 * under_way
    before, memory = await executions(stub, "echo_uint8"), resident_bytes(server)
    stubborn = stub.ModelStreamInfer()

    async def send() -> None:
        for _ in range(count):
            await stubborn.write(request)
        await stubborn.done_writing()

    sending = asyncio.create_task(send())
    ran, still = 0, 0
    while still < 20:
        # Others are served meanwhile, in streams of the same connection too.
        others = random_requests(5, 3)
        assert is_right(others[0], await stub.ModelInfer(others[0]))
        answers = [answer.infer_response async for answer in stub.ModelStreamInfer(iter(others))]
        assert all(is_right(*pair) for pair in zip(others, answers, strict=True))
        now = await executions(stub, "echo_uint8") - before
        ran, still = now, still + 1 if now == ran else 0
        await asyncio.sleep(0.02)
    # The server no longer reads from it, and so holds no more than what is under way.
    # It is no longer read from: the server holds what is under way, gRPC some more on both sides.
    assert under_way <= ran < count // 2
    assert not sending.done()
    assert resident_bytes(server) - memory < 160 * MEBIBYTE < 2 * count * len(content)
    for _ in range(count):
        response = (await stubborn.read()).infer_response
        assert response.raw_output_contents[0] == content.tobytes()
    assert await stubborn.read() is grpc.aio.EOF
    await sending


async def test_a_caller_that_sends_no_more_gets_all_its_answers(stub: Any) -> None:
    requests = random_requests(9, 5 * WINDOW_REQUESTS)
    call = stub.ModelStreamInfer()
    writing = asyncio.create_task(_write(call, requests))
    await asyncio.sleep(0)
    answers = [(await call.read()).infer_response for _ in requests]
    await writing
    assert all(is_right(*pair) for pair in zip(requests, answers, strict=True))
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is grpc.StatusCode.OK


async def _write(call: Any, requests: list[wire.ModelInferRequest]) -> None:
    for request in requests:
        await call.write(request)
    await call.done_writing()


async def test_bytes_that_are_no_message_end_the_stream(server: RunningServer) -> None:
    # Often: the answer before may still be on its way, and then gRPC refuses to end the call.
    for _ in range(200):
        async with grpc.aio.insecure_channel(server.address) as channel:
            method: Any = channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")
            call = method()
            good = simple_request()
            await call.write(good.SerializeToString())
            answer = wire.ModelStreamInferResponse.FromString(await call.read())
            assert is_right(good, answer.infer_response)
            await call.write(b"\xff\xff\xff")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call.read()
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert "not a request of this method" in str(caught.value.details())


async def test_cancelled_stream_drops_what_waits(stub: Any) -> None:
    before = await executions(stub, "patient")
    call = stub.ModelStreamInfer()
    for _ in range(WINDOW_REQUESTS // 2):
        await call.write(simple_request(model="patient"))
    # On the same connection, so that those are there when this is answered.
    await stub.ServerLive(wire.ServerLiveRequest())
    call.cancel()
    # The next batch is full of others.
    requests = [simple_request(n, model="patient") for n in range(WINDOW_REQUESTS)]
    answers = [answer.infer_response async for answer in stub.ModelStreamInfer(iter(requests))]
    assert all(is_right(*pair) for pair in zip(requests, answers, strict=True))
    assert await executions(stub, "patient") == before + 1


def test_max_streams(tmp_path: Path) -> None:
    publish_simple(tmp_path)
    with (
        run_server(tmp_path, "--max-streams", "2") as other,
        grpc.insecure_channel(other.address) as channel,
    ):
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        to_send: list[queue.SimpleQueue[Any]] = [queue.SimpleQueue(), queue.SimpleQueue()]
        open_streams = [stub.ModelStreamInfer(iter(source.get, None)) for source in to_send]
        for source, stream in zip(to_send, open_streams, strict=True):
            source.put(simple_request())
            assert next(stream).infer_response.outputs
        error = failure(lambda: next(stub.ModelStreamInfer(iter([simple_request()]))))
        assert "2 streams are open" in error.message
        assert error.retry_seconds() > 0
        to_send[0].put(None)
        assert list(open_streams[0]) == []
        # One has ended, so there is room again.
        assert next(stub.ModelStreamInfer(iter([simple_request()]))).infer_response.outputs
        to_send[1].put(None)


def test_streams_of_a_caller_that_was_killed_end(tmp_path: Path) -> None:
    publish_simple(tmp_path)
    publish_slow(tmp_path)
    caller = textwrap.dedent(
        """
        import sys, threading
        import grpc
        from tritonclient.grpc import service_pb2_grpc
        from tests.services.protocol_model import simple_request

        channel = grpc.insecure_channel(sys.argv[1])
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)

        def requests():
            yield simple_request()
            threading.Event().wait()

        streams = [stub.ModelStreamInfer(requests()) for _ in range(3)]
        for stream in streams:
            next(stream)
        print("open", flush=True)
        threading.Event().wait()
        """
    )
    with (
        run_server(tmp_path, "--max-streams", "3") as server,
        grpc.insecure_channel(server.address) as channel,
        subprocess.Popen(
            [sys.executable, "-c", caller, server.address],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        ) as process,
    ):
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)

        def one_more() -> str:
            try:
                answer = next(stub.ModelStreamInfer(iter([simple_request()])))
            except grpc.RpcError as error:
                return str(error.code().name)
            return "right" if is_right(simple_request(), answer.infer_response) else "wrong"

        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "open\n"
            assert one_more() == "RESOURCE_EXHAUSTED"
            # Unary calls have nothing to do with it.
            assert is_right(simple_request(), stub.ModelInfer(simple_request()))
        finally:
            process.kill()
        until(lambda: one_more() == "right", "the streams of the killed caller to end")
