"""What becomes of the answers of a server that runs the models, right and wrong ones."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from tritonclient.grpc import service_pb2, service_pb2_grpc

from fourcast_services import calls
from fourcast_services.calls import Call, DeadlineError
from fourcast_services.engine.errors import InputError, UnknownModelError, UnknownVersionError
from fourcast_services.errors import BackendError
from fourcast_services.overload import QueueFullError
from fourcast_services.remote import MAX_SECONDS, RETRY_SECONDS, RemoteBackend

BOARDS = np.zeros((2, 2, 6, 7), np.uint8)

Context = grpc.aio.ServicerContext[Any, Any]
Answer = Callable[[Context], Awaitable[Any]]


@dataclass
class Backend(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]  # no hints
    """A server that answers as a test wants; it counts its calls."""

    answer: Answer
    requests: list[service_pb2.ModelInferRequest] = field(default_factory=list)

    async def ModelInfer(  # noqa: N802 - the protocol's name
        self, request: service_pb2.ModelInferRequest, context: Context
    ) -> Any:
        self.requests.append(request)
        return await self.answer(context)


@pytest.fixture
async def ask() -> AsyncIterator[Callable[[Answer], Awaitable[tuple[RemoteBackend, Backend]]]]:
    """Starts servers that answer in some way, and gives a client of each."""
    stops: list[Callable[[], Awaitable[Any]]] = []

    async def start(answer: Answer) -> tuple[RemoteBackend, Backend]:
        server = grpc.aio.server()
        backend = Backend(answer)
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(backend, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        remote = RemoteBackend(f"grpc://127.0.0.1:{port}")
        stops.extend((remote.close, lambda: server.stop(None)))
        return remote, backend

    yield start
    for stop in stops:
        await stop()


def aborting(code: grpc.StatusCode, text: str = "so it is", delay: float | None = None) -> Answer:
    """Ends every call with a status, which names a delay if there is one."""

    async def answer(context: Context) -> None:
        status = status_pb2.Status(code=code.value[0], message=text)
        if delay is not None:
            packed = AnyMessage()
            duration = Duration()
            duration.FromNanoseconds(round(delay * 1e9))
            packed.Pack(error_details_pb2.RetryInfo(retry_delay=duration))
            status.details.append(packed)
        await context.abort(code, text, rpc_status.to_status(status).trailing_metadata)

    return answer


@pytest.mark.parametrize(
    ("code", "version", "error", "words"),
    [
        ("NOT_FOUND", "", UnknownModelError, "so it is"),
        ("NOT_FOUND", "3", UnknownVersionError, "so it is"),
        ("INVALID_ARGUMENT", "", InputError, "so it is"),
        ("RESOURCE_EXHAUSTED", "", QueueFullError, "so it is"),
        ("UNAVAILABLE", "", BackendError, "cannot be reached"),
        ("INTERNAL", "", BackendError, "INTERNAL"),
        ("UNKNOWN", "", BackendError, "UNKNOWN"),
        ("UNIMPLEMENTED", "", BackendError, "UNIMPLEMENTED"),
        ("UNAUTHENTICATED", "", BackendError, "UNAUTHENTICATED"),
        ("PERMISSION_DENIED", "", BackendError, "PERMISSION_DENIED"),
        ("CANCELLED", "", BackendError, "CANCELLED"),
        # A deadline that this call did not set.
        ("DEADLINE_EXCEEDED", "", BackendError, "gave no answer"),
    ],
)
async def test_status_becomes_an_exception_and_nothing_is_tried_twice(
    ask: Any, code: str, version: str, error: type[Exception], words: str
) -> None:
    remote, backend = await ask(aborting(grpc.StatusCode[code]))
    with pytest.raises(error, match=words) as caught:
        await remote.infer("m", {"board": BOARDS}, version)
    # What a server says when it fails may be a traceback.
    assert ("so it is" in str(caught.value)) == (words == "so it is")
    assert len(backend.requests) == 1


@pytest.mark.parametrize(("delay", "seconds"), [(2.5, 2.5), (None, RETRY_SECONDS)])
async def test_busy_backend_says_when_to_try_again(
    ask: Any, delay: float | None, seconds: float
) -> None:
    remote, _ = await ask(aborting(grpc.StatusCode.RESOURCE_EXHAUSTED, delay=delay))
    with pytest.raises(QueueFullError) as caught:
        await remote.infer("m", {"board": BOARDS})
    assert caught.value.retry_after == pytest.approx(seconds)


async def test_details_that_contradict_their_status_say_nothing(ask: Any) -> None:
    async def answer(context: Context) -> None:
        status = status_pb2.Status(code=code_pb2.INTERNAL, message="another")
        await context.abort(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "full",
            rpc_status.to_status(status).trailing_metadata,
        )

    remote, _ = await ask(answer)
    with pytest.raises(QueueFullError) as caught:
        await remote.infer("m", {"board": BOARDS})
    assert caught.value.retry_after == RETRY_SECONDS


async def test_request_carries_tensors_deadline_and_id(ask: Any) -> None:
    remaining = []

    async def answer(context: Context) -> service_pb2.ModelInferResponse:
        remaining.append(context.time_remaining())
        response = service_pb2.ModelInferResponse(model_version="7")
        response.outputs.add(name="y", datatype="INT16", shape=[2])
        response.raw_output_contents.append(np.array([-1, 258], "<i2").tobytes())
        return response

    remote, backend = await ask(answer)
    calls.begin(Call(deadline=None, request_id="r-1"))
    # Another byte order and a view that is not contiguous: neither must show on the wire.
    half = np.arange(12, dtype=">f4").reshape(3, 4)[:, ::2]
    inference = await remote.infer("m", {"a": half, "b": np.array([True, False])}, "7")
    assert inference.version == "7"
    assert inference.outputs["y"].tolist() == [-1, 258]
    (request,) = backend.requests
    assert (request.model_name, request.model_version, request.id) == ("m", "7", "r-1")
    assert [(tensor.name, tensor.datatype, list(tensor.shape)) for tensor in request.inputs] == [
        ("a", "FP32", [3, 2]),
        ("b", "BOOL", [2]),
    ]
    assert request.raw_input_contents[0] == half.astype("<f4").tobytes()
    assert request.raw_input_contents[1] == b"\1\0"
    assert calls.current().model == "m"
    calls.begin(Call(deadline=time.monotonic() + MAX_SECONDS / 2))
    await remote.infer("m", {"a": half}, "7")
    # On the wire gRPC rounds a timeout up, by up to a hundredth.
    for seconds, limit in zip(remaining, (MAX_SECONDS, MAX_SECONDS / 2), strict=True):
        assert 0 < seconds <= 1.01 * limit


async def test_deadline_ends_the_wait(ask: Any) -> None:
    gone = asyncio.Event()

    async def answer(_: Context) -> None:
        try:
            await asyncio.sleep(MAX_SECONDS)
        finally:
            gone.set()

    remote, backend = await ask(answer)
    calls.begin(Call(deadline=time.monotonic() + 0.2))
    with pytest.raises(DeadlineError):
        await remote.infer("m", {"board": BOARDS})
    await asyncio.wait_for(gone.wait(), 60)
    # Now it is over before it begins.
    with pytest.raises(DeadlineError):
        await remote.infer("m", {"board": BOARDS})
    assert len(backend.requests) == 1


async def test_cancelled_call_is_cancelled_there_too(ask: Any) -> None:
    begun, gone = asyncio.Event(), asyncio.Event()

    async def answer(_: Context) -> None:
        begun.set()
        try:
            await asyncio.sleep(MAX_SECONDS)
        finally:
            gone.set()

    remote, _ = await ask(answer)
    task = asyncio.create_task(remote.infer("m", {"board": BOARDS}))
    await asyncio.wait_for(begun.wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(gone.wait(), 60)


RIGHT = {"name": "y", "datatype": "FP32", "shape": [2]}
BYTES = bytes(8)
MISFITS: dict[str, tuple[str, list[dict[str, Any]], list[bytes]]] = {
    "too few bytes": ("1", [RIGHT], [BYTES[1:]]),
    "another shape": ("1", [RIGHT | {"shape": [3]}], [BYTES]),
    "negative sizes": ("1", [RIGHT | {"shape": [-1, -2]}], [BYTES]),
    "sizes beyond 64 bits": ("1", [RIGHT | {"shape": [1 << 40, 1 << 40]}], [BYTES]),
    "an unknown datatype": ("1", [RIGHT | {"datatype": "BYTES"}], [BYTES]),
    "no contents": ("1", [RIGHT], []),
    "more outputs than contents": ("1", [RIGHT, RIGHT | {"name": "z"}], [BYTES]),
    "more contents than outputs": ("1", [RIGHT], [BYTES, BYTES]),
    "another version": ("2", [RIGHT], [BYTES]),
}
"""Answers to a call of version 1: the version that ran, the outputs, their contents."""


@pytest.mark.parametrize("what", MISFITS)
async def test_answers_that_do_not_fit(ask: Any, what: str) -> None:
    version, outputs, contents = MISFITS[what]

    async def answer(_: Context) -> service_pb2.ModelInferResponse:
        response = service_pb2.ModelInferResponse(model_version=version)
        for output in outputs:
            response.outputs.add(**output)
        response.raw_output_contents.extend(contents)
        return response

    remote, _ = await ask(answer)
    with pytest.raises(BackendError, match="does not fit"):
        await remote.infer("m", {"board": BOARDS}, "1")
