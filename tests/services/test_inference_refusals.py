"""Requests that are refused: a status, and details that name the field."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2 as wire
from tritonclient.grpc import service_pb2_grpc

from tests.services.protocol_model import (
    infer_request,
    publish_echo,
    publish_simple,
    simple_request,
)
from tests.services.running import RunningServer, run_server
from tests.services.status import failure

LONG = 100_000
NO_MODELS = ["", "chess", "../simple", "simple/1", "/etc/passwd", "simple\0", ".", "..", "x" * LONG]
NO_VERSIONS = ["2", "01", "1 ", "../1", "-1", "1/", "9" * LONG]

Change = Callable[[Any], None]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("refusals")
    publish_simple(folder)
    publish_echo(folder, "bool")
    with run_server(folder) as running:
        yield running


@pytest.fixture(scope="module")
def stub(server: RunningServer) -> Iterator[Any]:
    with grpc.insecure_channel(server.address) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def with_datatype(datatype: str) -> Change:
    def change(request: Any) -> None:
        request.inputs[0].datatype = datatype

    return change


def with_shape(*shape: int, raw: bytes | None = None) -> Change:
    def change(request: Any) -> None:
        request.inputs[1].shape[:] = shape
        if raw is not None:
            request.raw_input_contents[1] = raw

    return change


def with_raw(*contents: bytes) -> Change:
    def change(request: Any) -> None:
        request.raw_input_contents[:] = contents

    return change


def with_both(request: Any) -> None:
    request.inputs[1].contents.int_contents.extend(range(16))


def with_typed(**contents: Any) -> Change:
    """Typed throughout, and the first input's numbers in the fields that are given."""

    def change(request: Any) -> None:
        del request.raw_input_contents[:]
        request.inputs[1].contents.int_contents.extend(range(16))
        for field, numbers in contents.items():
            getattr(request.inputs[0].contents, field).extend(numbers)

    return change


def with_name(name: str) -> Change:
    def change(request: Any) -> None:
        request.inputs[1].name = name

    return change


def with_many_inputs(request: Any) -> None:
    for number in range(2000):
        request.inputs.add(name=f"MORE{number}", datatype="INT32", shape=[0])
        request.raw_input_contents.append(b"")


def without_inputs(count: int) -> Change:
    def change(request: Any) -> None:
        del request.inputs[-count:]
        del request.raw_input_contents[-count:]

    return change


def with_output(name: str, *parameters: str) -> Change:
    def change(request: Any) -> None:
        output = request.outputs.add(name=name)
        for parameter in parameters:
            output.parameters[parameter].int64_param = 1

    return change


def with_parameter(name: str) -> Change:
    def change(request: Any) -> None:
        request.parameters[name].int64_param = 1

    return change


def with_shared_input(request: Any) -> None:
    request.inputs[1].parameters["shared_memory_region"].string_param = "region"


WRONG: dict[str, tuple[Change, str, str]] = {
    "unknown datatype": (
        with_datatype("INT33"),
        "inputs[0].datatype",
        "'INT33' is not one of BOOL",
    ),
    "another datatype": (with_datatype("FP32"), "inputs", "'INPUT0' must be int32"),
    "text": (with_datatype("BYTES"), "inputs[0].datatype", "'BYTES' is not one of"),
    "another size": (
        with_shape(1, 15),
        "raw_input_contents[1]",
        "64 bytes, but INT32 [1, 15] takes 60",
    ),
    "no batch dimension": (with_shape(16), "inputs", "'INPUT1' must be int32 [-1, 16]"),
    "other rows": (with_shape(2, 8), "inputs", "'INPUT1' must be int32 [-1, 16]"),
    "negative sizes": (with_shape(-1, -16), "inputs[1].shape", "sizes from 0"),
    "the most negative size": (with_shape(1, -(2**63)), "inputs[1].shape", "sizes from 0"),
    # In 64 bits, the first makes 16 elements and the second 64 bytes.
    "elements overflow": (with_shape(2**60 + 1, 16), "raw_input_contents[1]", "has 64 bytes"),
    "bytes overflow": (with_shape(2**58 + 1, 16), "raw_input_contents[1]", "has 64 bytes"),
    "33 dimensions": (with_shape(*[1] * 32, 16), "inputs[1].shape", "at most 32"),
    "100,000 dimensions": (with_shape(*[1] * 100_000), "inputs[1].shape", "at most 32"),
    "huge but empty": (with_shape(0, 2**62, raw=b""), "inputs[1].shape", "is too large"),
    "rows differ": (with_shape(0, 16, raw=b""), "inputs", "1 to 8, not [0, 1]"),
    "raw contents missing": (with_raw(b"\0" * 64), "raw_input_contents", "1 tensors for 2 inputs"),
    "raw contents left over": (
        with_raw(*[b"\0" * 64] * 3),
        "raw_input_contents",
        "3 tensors for 2 inputs",
    ),
    "raw too short": (with_raw(b"\0" * 64, b"\0" * 63), "raw_input_contents[1]", "has 63 bytes"),
    "raw is empty": (with_raw(b"\0" * 64, b""), "raw_input_contents[1]", "has 0 bytes"),
    "raw and typed": (with_both, "inputs[1].contents", "beside raw_input_contents"),
    "too few numbers": (with_typed(int_contents=range(15)), "inputs[0].contents", "has 15 numbers"),
    "numbers of another type": (
        with_typed(fp32_contents=range(16)),
        "inputs[0].contents",
        "others in fp32_contents",
    ),
    "typed text": (
        with_typed(bytes_contents=[b"a"]),
        "inputs[0].contents",
        "others in bytes_contents",
    ),
    "numbers of two types": (
        with_typed(int_contents=range(16), fp32_contents=[1]),
        "inputs[0].contents",
        "others in fp32_contents",
    ),
    "an input twice": (with_name("INPUT0"), "inputs[1].name", "'INPUT0' is there twice"),
    "unknown input": (with_name("INPUT2"), "inputs", "not ['INPUT0', 'INPUT2']"),
    "a long name": (with_name("x" * LONG), "inputs", f"not ['INPUT0', '{'x' * 64}']"),
    "many inputs": (with_many_inputs, "inputs", "not ['INPUT0', 'INPUT1', 'MORE0']"),
    "an input missing": (without_inputs(1), "inputs", "not ['INPUT0']"),
    "no input": (without_inputs(2), "inputs", "takes ['INPUT0', 'INPUT1'], not []"),
    "unknown output": (with_output("OUTPUT2"), "outputs[0].name", "not one of OUTPUT0, OUTPUT1"),
    "sequence": (with_parameter("sequence_id"), "parameters[sequence_id]", "leave it out"),
    "sequence start": (
        with_parameter("sequence_start"),
        "parameters[sequence_start]",
        "leave it out",
    ),
    "sequence end": (with_parameter("sequence_end"), "parameters[sequence_end]", "leave it out"),
    "shared input": (
        with_shared_input,
        "inputs[1].parameters[shared_memory_region]",
        "whole tensors",
    ),
    "shared output": (
        with_output("OUTPUT0", "shared_memory_region"),
        "outputs[0].parameters[shared_memory_region]",
        "whole tensors",
    ),
    "ranking": (
        with_output("OUTPUT0", "classification"),
        "outputs[0].parameters[classification]",
        "whole tensors",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_refused_with_the_name_of_the_field(stub: Any, case: str) -> None:
    change, field, reason = WRONG[case]
    request = simple_request()
    change(request)
    error = failure(lambda: stub.ModelInfer(request))
    violation, description = error.field_violation()
    assert violation == field
    assert reason in description
    # Metadata has a limit of its own: a long request must not make a long answer.
    assert len(error.message) < 500


def test_bool_is_0_or_1(stub: Any) -> None:
    request = infer_request("echo_bool", {"INPUT": np.array([True, False])})
    request.raw_input_contents[0] = b"\1\2"
    field, reason = failure(lambda: stub.ModelInfer(request)).field_violation()
    assert field == "raw_input_contents[0]"
    assert "neither 0 nor 1" in reason


@pytest.mark.parametrize("model", NO_MODELS, ids=lambda name: repr(name[:12]))
@pytest.mark.parametrize("method", ["ModelInfer", "ModelMetadata", "ModelConfig", "Load", "Unload"])
def test_names_are_never_paths(stub: Any, model: str, method: str) -> None:
    calls: dict[str, Callable[[], Any]] = {
        "ModelInfer": lambda: stub.ModelInfer(simple_request(model=model)),
        "ModelMetadata": lambda: stub.ModelMetadata(wire.ModelMetadataRequest(name=model)),
        "ModelConfig": lambda: stub.ModelConfig(wire.ModelConfigRequest(name=model)),
        "Load": lambda: stub.RepositoryModelLoad(wire.RepositoryModelLoadRequest(model_name=model)),
        "Unload": lambda: stub.RepositoryModelUnload(
            wire.RepositoryModelUnloadRequest(model_name=model)
        ),
    }
    error = failure(calls[method])
    assert error.code is grpc.StatusCode.NOT_FOUND
    assert len(error.message) < 500
    assert not stub.ModelReady(wire.ModelReadyRequest(name=model)).ready


@pytest.mark.parametrize("version", NO_VERSIONS, ids=lambda name: repr(name[:12]))
def test_unknown_versions(stub: Any, version: str) -> None:
    error = failure(lambda: stub.ModelInfer(simple_request(version=version)))
    assert error.code is grpc.StatusCode.NOT_FOUND
    assert "it serves 1" in error.message
    assert len(error.message) < 500


def test_bytes_that_are_no_message(server: RunningServer) -> None:
    with grpc.insecure_channel(server.address) as channel:
        call: Any = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        error = failure(lambda: call(b"\xff\xff\xff"))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "not a request of this method" in error.message
