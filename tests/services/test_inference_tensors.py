"""Tensors on the wire: every element type, raw and typed, small and large."""

from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2 as wire
from tritonclient.grpc import service_pb2_grpc

from tests.services.protocol_model import (
    infer_request,
    is_right,
    outputs_of,
    publish_echo,
    publish_simple,
    simple_request,
)
from tests.services.running import RunningServer, run_server
from tests.services.status import failure

MEBIBYTE = 1 << 20
SMALL_INTEGERS = {
    "int8": "int_contents",
    "int16": "int_contents",
    "int32": "int_contents",
    "uint8": "uint_contents",
    "uint16": "uint_contents",
    "uint32": "uint_contents",
}
CONTENTS = SMALL_INTEGERS | {
    "int64": "int64_contents",
    "uint64": "uint64_contents",
    "float32": "fp32_contents",
    "float64": "fp64_contents",
    "bool": "bool_contents",
}
DTYPES = [*CONTENTS, "float16"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("tensors")
    publish_simple(folder)
    for dtype in DTYPES:
        publish_echo(folder, dtype)
    with run_server(folder) as running:
        yield running


@pytest.fixture(scope="module")
def stub(server: RunningServer) -> Iterator[Any]:
    unbounded = [
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", -1),
    ]
    with grpc.insecure_channel(server.address, options=unbounded) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def extremes(dtype: str) -> np.ndarray[Any, Any]:
    """Values that a wrong conversion on the way would change."""
    if dtype == "bool":
        return np.array([True, False, True])
    if dtype.startswith("float"):
        limits = np.finfo(dtype)
        return np.array([0.1, -0.0, limits.max, limits.smallest_subnormal, np.inf, np.nan], dtype)
    # A neighbour of the largest one would be the same number as a float.
    return np.array([np.iinfo(dtype).min, 1, np.iinfo(dtype).max - 1, np.iinfo(dtype).max], dtype)


def typed_request(dtype: str, values: Any) -> wire.ModelInferRequest:
    request = wire.ModelInferRequest(model_name=f"echo_{dtype}")
    datatype = dtype.upper().replace("FLOAT", "FP")
    tensor = request.inputs.add(name="INPUT", datatype=datatype, shape=[len(values)])
    getattr(tensor.contents, CONTENTS[dtype]).extend(values)
    return request


@pytest.mark.parametrize("dtype", DTYPES)
def test_raw_contents_come_back_bit_by_bit(stub: Any, dtype: str) -> None:
    array = extremes(dtype)
    response = stub.ModelInfer(infer_request(f"echo_{dtype}", {"INPUT": array}))
    (output,) = response.outputs
    assert (output.datatype, list(output.shape)) == (
        dtype.upper().replace("FLOAT", "FP"),
        [len(array)],
    )
    assert not output.HasField("contents")
    assert response.raw_output_contents == [array.tobytes()]


@pytest.mark.parametrize("dtype", CONTENTS)
def test_typed_contents_come_back_raw(stub: Any, dtype: str) -> None:
    array = extremes(dtype)
    response = stub.ModelInfer(typed_request(dtype, array.tolist()))
    assert not response.outputs[0].HasField("contents")
    assert response.raw_output_contents == [array.tobytes()]


@pytest.mark.parametrize("dtype", DTYPES)
def test_empty_tensors(stub: Any, dtype: str) -> None:
    array = np.zeros(0, dtype)
    response = stub.ModelInfer(infer_request(f"echo_{dtype}", {"INPUT": array}))
    assert list(response.outputs[0].shape) == [0]
    assert response.raw_output_contents == [b""]


def test_typed_requests_with_two_inputs(stub: Any) -> None:
    request = wire.ModelInferRequest(model_name="simple", id="typed")
    for name, numbers in (("INPUT1", range(16)), ("INPUT0", range(100, 116))):
        tensor = request.inputs.add(name=name, datatype="INT32", shape=[1, 16])
        tensor.contents.int_contents.extend(numbers)
    response = stub.ModelInfer(request)
    assert response.id == "typed"
    outputs = outputs_of(response)
    assert outputs["OUTPUT0"].tolist() == [list(range(100, 132, 2))]
    assert outputs["OUTPUT1"].tolist() == [[100] * 16]


@pytest.mark.parametrize("dtype", sorted(set(SMALL_INTEGERS) - {"int32", "uint32"}))
def test_typed_numbers_outside_their_type(stub: Any, dtype: str) -> None:
    for number in (np.iinfo(dtype).max + 1, np.iinfo(dtype).min - 1):
        if number < 0 and dtype.startswith("u"):
            continue
        error = failure(lambda number=number: stub.ModelInfer(typed_request(dtype, [0, number])))  # type: ignore[misc]  # its type cannot be inferred
        field, reason = error.field_violation()
        assert field == "inputs[0].contents"
        assert f"outside {dtype.upper()}" in reason


def test_half_precision_travels_raw_only(stub: Any) -> None:
    request = wire.ModelInferRequest(model_name="echo_float16")
    tensor = request.inputs.add(name="INPUT", datatype="FP16", shape=[2])
    tensor.contents.fp32_contents.extend([1, 2])
    field, reason = failure(lambda: stub.ModelInfer(request)).field_violation()
    assert field == "inputs[0].contents"
    assert "raw_input_contents only" in reason


@pytest.mark.parametrize("mebibytes", [5, 63])
def test_large_messages_both_ways(stub: Any, mebibytes: int) -> None:
    array = np.random.default_rng(3).random(mebibytes * MEBIBYTE // 4, np.float32)
    response = stub.ModelInfer(infer_request("echo_float32", {"INPUT": array}))
    assert response.raw_output_contents == [array.tobytes()]


def test_a_batch_is_answered_whole(stub: Any) -> None:
    first = np.arange(128).reshape(8, 16)
    request = simple_request(first, first[::-1], rows=8)
    response = stub.ModelInfer(request)
    assert outputs_of(response)["OUTPUT1"].shape == (8, 16)
    assert is_right(request, response)
    too_many = simple_request(rows=9)
    field, reason = failure(lambda: stub.ModelInfer(too_many)).field_violation()
    assert (field, "1 to 8, not [9]" in reason) == ("inputs", True)
    different = simple_request()
    different.inputs[1].shape[:] = [2, 16]
    different.raw_input_contents[1] *= 2
    assert "not [1, 2]" in failure(lambda: stub.ModelInfer(different)).field_violation()[1]
