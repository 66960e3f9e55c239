"""A hundred thousand broken messages: clean status codes, no growth, and right answers after them.

Their seed makes them the same ones every time.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2 as wire
from tritonclient.grpc import service_pb2_grpc

from tests.services.protocol_model import (
    answer,
    infer_request,
    is_right,
    publish_echo,
    publish_simple,
    simple_request,
)
from tests.services.running import RunningServer, run_server

SEED = 20261121
MESSAGES = 100_000
WARM_UP = MESSAGES // 4
CALLERS = 64
GROWTH_MEBIBYTES = 6
SERVICE = "/inference.GRPCInferenceService"
CLEAN = {"OK", "INVALID_ARGUMENT", "NOT_FOUND"}

DATATYPES = ["BOOL", "UINT8", "INT64", "FP16", "FP32", "FP64", "BYTES", "BF16", "", "int32", "\0"]
SIZES = [0, 1, 2, 15, 16, 17, -1, -16, 2**31, 2**32, 2**60 + 1, 2**62, 2**63 - 1, -(2**63)]
NAMES = [
    "",
    "simple",
    "echo_bool",
    "echo_float16",
    "chess",
    "INPUT",
    "INPUT0",
    "OUTPUT1",
    ".",
    "..",
    "../simple",
    "simple/1",
    "simple/1/model.onnx",
    "/etc/passwd",
    "file:///etc/passwd",
    "C:\\Windows",
    "simple\0",
    "%2e%2e/simple",
    "${HOME}",
    "\u202esimple",
    "\U0001f600" * 20,
    "x" * 5000,
]
VERSIONS = ["", "1", "2", "0", "-1", "01", "1.0", "latest", "../1", "9" * 400]
PARAMETERS = ["sequence_id", "shared_memory_region", "classification", "priority", "x" * 300]
CONTENTS = [field.name for field in wire.InferTensorContents.DESCRIPTOR.fields]
NAMED = [
    ("ModelReady", "name"),
    ("ModelMetadata", "name"),
    ("ModelConfig", "name"),
    ("ModelStatistics", "name"),
    ("RepositoryIndex", "repository_name"),
    ("RepositoryModelLoad", "model_name"),
    ("RepositoryModelUnload", "model_name"),
]


class Fuzz:
    """Messages for the methods of the protocol, most of them wrong in one way or several."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        boolean = infer_request("echo_bool", {"INPUT": np.array([True, False])})
        half = infer_request("echo_float16", {"INPUT": np.arange(5, dtype=np.float16)})
        typed = wire.ModelInferRequest(model_name="simple", id="typed")
        for name in ("INPUT0", "INPUT1"):
            tensor = typed.inputs.add(name=name, datatype="INT32", shape=[1, 16])
            tensor.contents.int_contents.extend(range(16))
        self._valid = [simple_request(), simple_request(rows=8), boolean, half, typed]

    def messages(self, count: int) -> Iterator[tuple[str, bytes]]:
        """Methods and what to send them."""
        for _ in range(count):
            yield self._random.choices(
                (self._changed, self._damaged, self._noise, self._about_a_name), (60, 20, 10, 10)
            )[0]()

    def _request(self) -> wire.ModelInferRequest:
        request = wire.ModelInferRequest()
        request.CopyFrom(self._random.choice(self._valid))
        return request

    def _changed(self) -> tuple[str, bytes]:
        """A message of the right form with wrong values."""
        request = self._request()
        for _ in range(self._random.randint(1, 3)):
            self._random.choice(
                (
                    self._change_name,
                    self._change_tensor,
                    self._change_raw,
                    self._change_contents,
                    self._change_parameters,
                )
            )(request)
        return "ModelInfer", request.SerializeToString()

    def _damaged(self) -> tuple[str, bytes]:
        """A right message with some bytes changed, lost or doubled."""
        content = bytearray(self._request().SerializeToString())
        for _ in range(self._random.randint(1, 4)):
            start = self._random.randrange(len(content) + 1)
            end = start + self._random.randint(0, 8)
            content[start:end] = self._random.choice(
                (b"", self._random.randbytes(end - start), content[start:end] * 2, b"\xff" * 10)
            )
        return "ModelInfer", bytes(content)

    def _noise(self) -> tuple[str, bytes]:
        method = self._random.choice(["ModelInfer", *(method for method, _ in NAMED[:5])])
        return method, self._random.randbytes(self._random.randint(0, 200))

    def _about_a_name(self) -> tuple[str, bytes]:
        method, field = self._random.choice(NAMED)
        name = self._random.choice(NAMES)
        if method.startswith("RepositoryModel") and name in ("simple", "echo_bool", "echo_float16"):
            name = "chess"  # the models must stay
        request = getattr(wire, f"{method}Request")(**{field: name})
        if "version" in request.DESCRIPTOR.fields_by_name:
            request.version = self._random.choice(VERSIONS)
        return method, request.SerializeToString()

    def _change_name(self, request: Any) -> None:
        match self._random.randrange(4):
            case 0:
                request.model_name = self._random.choice(NAMES)
            case 1:
                request.model_version = self._random.choice(VERSIONS)
            case 2:
                request.id = self._random.choice(NAMES)
            case _:
                request.outputs.add(name=self._random.choice(NAMES))

    def _change_tensor(self, request: Any) -> None:
        if not request.inputs or self._random.random() < 0.1:
            request.inputs.add(name=self._random.choice(NAMES), datatype="INT32", shape=[1])
        tensor = self._random.choice(request.inputs)
        match self._random.randrange(3):
            case 0:
                tensor.name = self._random.choice(NAMES)
            case 1:
                tensor.datatype = self._random.choice(DATATYPES)
            case _:
                dimensions = self._random.choice([0, 1, 2, 2, 3, 32, 33, 200])
                tensor.shape[:] = self._random.choices(SIZES, k=dimensions)

    def _change_raw(self, request: Any) -> None:
        if not request.raw_input_contents or self._random.random() < 0.3:
            request.raw_input_contents.append(self._random.randbytes(64))
            return
        index = self._random.randrange(len(request.raw_input_contents))
        content = request.raw_input_contents[index]
        request.raw_input_contents[index] = self._random.choice(
            (b"", content[:-1], content * 2, self._random.randbytes(len(content)))
        )

    def _change_contents(self, request: Any) -> None:
        if not request.inputs:
            return
        tensor = self._random.choice(request.inputs)
        field = self._random.choice(CONTENTS)
        numbers: list[Any] = [0, 1] * self._random.randint(0, 20)
        if field == "bytes_contents":
            numbers = [bytes([number]) for number in numbers]
        getattr(tensor.contents, field).extend(numbers)

    def _change_parameters(self, request: Any) -> None:
        owner = self._random.choice([request, *request.inputs, *request.outputs])
        parameter = owner.parameters[self._random.choice(PARAMETERS)]
        match self._random.randrange(4):
            case 0:
                parameter.bool_param = True
            case 1:
                parameter.int64_param = self._random.choice(SIZES)
            case 2:
                parameter.string_param = self._random.choice(NAMES)
            case _:
                parameter.SetInParent()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    publish_simple(tmp_path)
    publish_echo(tmp_path, "bool")
    publish_echo(tmp_path, "float16")
    with run_server(tmp_path) as running:
        yield running


def resident_mebibytes(server: RunningServer) -> float:
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the server has ended")


async def send(server: RunningServer, messages: Iterator[tuple[str, bytes]]) -> Counter[str]:
    """The status codes that messages get, every eleventh by a stream of its own."""
    codes: Counter[str] = Counter()

    async def call(channel: grpc.aio.Channel) -> None:
        methods: dict[str, Any] = {}
        for number, (method, content) in enumerate(messages):
            if method not in methods:
                methods[method] = channel.unary_unary(f"{SERVICE}/{method}")
            try:
                if method == "ModelInfer" and number % 11 == 0:
                    stream: Any = channel.stream_stream(f"{SERVICE}/ModelStreamInfer")
                    async for answered in stream(iter([content])):
                        error = wire.ModelStreamInferResponse.FromString(answered).error_message
                        codes[error.partition(":")[0] or "OK"] += 1
                else:
                    await methods[method](content)
                    codes["OK"] += 1
            except grpc.aio.AioRpcError as error:
                codes[error.code().name] += 1

    options = [("grpc.use_local_subchannel_pool", 1)]
    async with (
        grpc.aio.insecure_channel(server.address, options) as one,
        grpc.aio.insecure_channel(server.address, options) as two,
    ):
        await asyncio.gather(*(call((one, two)[caller % 2]) for caller in range(CALLERS)))
    return codes


async def test_broken_messages(server: RunningServer) -> None:
    fuzz = Fuzz(SEED)
    codes = await send(server, fuzz.messages(WARM_UP))
    before = resident_mebibytes(server)
    codes += await send(server, fuzz.messages(MESSAGES - WARM_UP))
    growth = resident_mebibytes(server) - before
    assert codes.keys() == CLEAN, codes
    # A stream gives one answer to its message, or one status.
    assert codes.total() == MESSAGES
    # Neither are all of them right, nor do all fail at the first check.
    assert min(codes.values()) > MESSAGES // 50, codes
    assert growth < GROWTH_MEBIBYTES, codes
    assert "Traceback" not in server.log()
    with grpc.insecure_channel(server.address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        assert answer(stub, "simple", rows=8) == ("1", 0)
        assert is_right(simple_request(5, 6), stub.ModelInfer(simple_request(5, 6)))


def test_the_messages_are_the_same_ones_every_time() -> None:
    first, second = (list(Fuzz(SEED).messages(200)) for _ in range(2))
    assert [method for method, _ in first] == [method for method, _ in second]
    assert len({content for _, content in first}) > 150
