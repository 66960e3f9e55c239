"""Tensors of the Open Inference Protocol to arrays and back.

A tensor travels raw, as little-endian bytes in row-major order beside all tensors of its message,
or typed, as numbers in its own `contents`; a message is one or the other throughout. Requests may
be either. Answers are raw, as Triton's are, whose clients read nothing else.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf.message import Message
from tritonclient.grpc import service_pb2 as wire

from fourcast_models.model_config import DATATYPE_NAMES, DATATYPES, Arrays
from fourcast_services.errors import FieldError

_CONTENTS = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
}
"""The field that carries a typed tensor's numbers. FP16 has none: it travels raw only."""

_RAW = {name: dtype.newbyteorder("<") for name, dtype in DATATYPES.items()}
_WIDEST = {"i": np.dtype(np.int64), "u": np.dtype(np.uint64)}
_MAX_DIMENSIONS = 32
_SEQUENCE_PARAMETERS = ("sequence_id", "sequence_start", "sequence_end")


def read_inputs(request: wire.ModelInferRequest) -> dict[str, npt.NDArray[Any]]:
    """The input arrays of a request by name; raw ones share the message's memory, read-only.

    Raises:
        FieldError: If a tensor's datatype, shape and content do not agree, or the request asks for
            what this server does not do.
    """
    if request.parameters:
        _refuse_parameters(request)
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise FieldError(
            "raw_input_contents",
            f"has {len(raw)} tensors for {len(request.inputs)} inputs: give all, in their order",
        )
    arrays: dict[str, npt.NDArray[Any]] = {}
    for index, tensor in enumerate(request.inputs):
        field = f"inputs[{index}]"
        if tensor.name in arrays:
            raise FieldError(f"{field}.name", f"{tensor.name[:64]!r} is there twice")
        if tensor.parameters:
            _refuse_tensor_parameters(field, tensor.parameters)
        if tensor.datatype not in DATATYPES:
            raise FieldError(
                f"{field}.datatype",
                f"{tensor.datatype[:64]!r} is not one of {', '.join(DATATYPES)}",
            )
        shape = tuple(tensor.shape)
        if len(shape) > _MAX_DIMENSIONS or min(shape, default=0) < 0:
            raise FieldError(
                f"{field}.shape",
                f"must have sizes from 0, at most {_MAX_DIMENSIONS} of them, not "
                f"{list(shape[:8])}{'...' if len(shape) > 8 else ''}",
            )
        if raw:
            # MLServer's converter puts an empty one there, which holds nothing.
            if tensor.HasField("contents") and tensor.contents.ListFields():
                raise FieldError(
                    f"{field}.contents", "stands beside raw_input_contents: a message has one kind"
                )
            arrays[tensor.name] = _read_raw(raw[index], tensor.datatype, shape, index)
        else:
            arrays[tensor.name] = _read_typed(tensor.contents, tensor.datatype, shape, field)
    return arrays


def read_wanted(
    requested: Sequence[wire.ModelInferRequest.InferRequestedOutputTensor], available: Sequence[str]
) -> list[str]:
    """The names of the outputs that a request asks for; all of them if it names none.

    Raises:
        FieldError: If the model has no such output, or one is asked for in a way that this server
            does not know.
    """
    if not requested:
        return list(available)
    for index, output in enumerate(requested):
        if output.name not in available:
            raise FieldError(
                f"outputs[{index}].name",
                f"{output.name[:64]!r} is not one of {', '.join(available)}",
            )
        _refuse_tensor_parameters(f"outputs[{index}]", output.parameters)
    return [output.name for output in requested]


def write_outputs(
    response: wire.ModelInferResponse, outputs: Arrays, wanted: Sequence[str]
) -> None:
    """Put arrays into a response, raw.

    Args:
        response: Gets the tensors.
        outputs: The arrays by name.
        wanted: Which of them, in order.
    """
    for name in wanted:
        array = outputs[name]
        response.outputs.add(name=name, datatype=DATATYPE_NAMES[array.dtype], shape=array.shape)
        response.raw_output_contents.append(array.tobytes())


def read_outputs(response: wire.ModelInferResponse) -> dict[str, npt.NDArray[Any]]:
    """The output arrays of another server's response, by name.

    Raises:
        FieldError: If a tensor's datatype, shape and content do not agree.
    """
    raw = response.raw_output_contents
    arrays: dict[str, npt.NDArray[Any]] = {}
    for index, tensor in enumerate(response.outputs):
        field = f"outputs[{index}]"
        if tensor.datatype not in DATATYPES:
            raise FieldError(f"{field}.datatype", f"{tensor.datatype[:64]!r} is not known here")
        shape = tuple(tensor.shape)
        if raw:
            arrays[tensor.name] = _read_raw(raw[index], tensor.datatype, shape, index)
        else:
            arrays[tensor.name] = _read_typed(tensor.contents, tensor.datatype, shape, field)
    return arrays


def _read_raw(
    content: bytes, datatype: str, shape: tuple[int, ...], index: int
) -> npt.NDArray[Any]:
    dtype = _RAW[datatype]
    # Python's whole numbers: a product of huge sizes must not wrap around to the right one.
    expected = math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise FieldError(
            f"raw_input_contents[{index}]",
            f"has {len(content)} bytes, but {datatype} {list(shape)} takes {expected}",
        )
    array = _shaped(np.frombuffer(content, dtype), shape, f"inputs[{index}]")
    if datatype == "BOOL" and array.size and array.view(np.uint8).max() > 1:
        raise FieldError(f"raw_input_contents[{index}]", "has a BOOL that is neither 0 nor 1")
    return array


def _read_typed(
    contents: wire.InferTensorContents, datatype: str, shape: tuple[int, ...], field: str
) -> npt.NDArray[Any]:
    if datatype not in _CONTENTS:
        raise FieldError(f"{field}.contents", f"{datatype} travels in raw_input_contents only")
    numbers = getattr(contents, _CONTENTS[datatype])
    others = [name for name, _ in _set_fields(contents) if name != _CONTENTS[datatype]]
    expected = math.prod(shape)
    if others or len(numbers) != expected:
        raise FieldError(
            f"{field}.contents",
            f"has {len(numbers)} numbers in {_CONTENTS[datatype]}, but {datatype} {list(shape)} "
            f"takes {expected}" + (f", and others in {others[0]}" if others else ""),
        )
    dtype = DATATYPES[datatype]
    # As wide as on the wire; left to itself, numpy takes large whole numbers for floats.
    array = np.array(numbers, dtype=_WIDEST.get(dtype.kind, dtype))
    if dtype.kind in "iu" and len(numbers):
        limits = np.iinfo(dtype.name)
        if array.min() < limits.min or array.max() > limits.max:
            raise FieldError(
                f"{field}.contents",
                f"has a number outside {datatype}, {limits.min} to {limits.max}",
            )
    return _shaped(array.astype(dtype), shape, field)


def _shaped(array: npt.NDArray[Any], shape: tuple[int, ...], field: str) -> npt.NDArray[Any]:
    try:
        return array.reshape(shape)
    except ValueError:
        # The right number of elements, so a 0 stands among sizes that no array can have.
        raise FieldError(f"{field}.shape", f"{list(shape[:8])} is too large") from None


def _set_fields(message: Message) -> list[tuple[str, Any]]:
    return [(descriptor.name, value) for descriptor, value in message.ListFields()]


def _refuse_parameters(request: wire.ModelInferRequest) -> None:
    for name in _SEQUENCE_PARAMETERS:
        if name in request.parameters:
            raise FieldError(
                f"parameters[{name}]", "no model here keeps anything between requests: leave it out"
            )


def _refuse_tensor_parameters(field: str, parameters: Any) -> None:
    for name in ("shared_memory_region", "classification"):
        if name in parameters:
            raise FieldError(
                f"{field}.parameters[{name}]",
                "this server neither shares memory with its callers nor ranks outputs: send and "
                "take whole tensors",
            )
