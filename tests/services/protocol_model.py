"""Small real ONNX models for tests of the Open Inference Protocol, and requests to them.

`simple` has the tensors of the model that tritonclient's own examples call.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from tritonclient.grpc import service_pb2 as wire

from fourcast_models.model_config import FREE, Batching, ModelConfig, TensorSpec, VersionPolicy
from fourcast_models.repository import publish

Array = npt.NDArray[Any]

_INT32 = np.dtype(np.int32)
_INT64 = np.dtype(np.int64)

SIMPLE = ModelConfig(
    name="simple",
    inputs=(TensorSpec("INPUT0", _INT32, (16,)), TensorSpec("INPUT1", _INT32, (16,))),
    outputs=(TensorSpec("OUTPUT0", _INT32, (16,)), TensorSpec("OUTPUT1", _INT32, (16,))),
    max_batch_size=8,
    batching=Batching(),
)
"""OUTPUT0 is the sum of the inputs and the version's offset, OUTPUT1 their difference."""

SLOW = ModelConfig(
    name="slow",
    inputs=(TensorSpec("STEPS", _INT64, (1,)),),
    outputs=(TensorSpec("DONE", _INT64, (1,)),),
    max_batch_size=64,
)
"""Gives its input back after as many steps as its largest row says, about a microsecond each."""

NEWEST = VersionPolicy(newest=1)

FOREVER = 10**15
"""Steps that nobody waits for: whoever asks for them holds a worker until the server is killed."""

_GOLDEN_STEPS = 40_000  # far over what would run in the event loop


def publish_model(
    repository: Path,
    config: ModelConfig,
    version: int,
    model: bytes,
    inputs: Mapping[str, Array],
    outputs: Mapping[str, Array],
) -> Path:
    """Publish an ONNX file with the golden inputs and outputs that are given."""
    golden: dict[str, Any] = {f"input.{name}": array for name, array in inputs.items()}
    golden |= {f"output.{name}": array for name, array in outputs.items()}
    buffer = io.BytesIO()
    np.savez(buffer, **golden)
    files = {"model.onnx": model, "golden.npz": buffer.getvalue()}
    return publish(repository, config, version, files, f"# {config.name}, for tests\n")


def simple_weights(offset: int = 0, *, config: ModelConfig = SIMPLE) -> bytes:
    """The ONNX file of `simple`, with the tensors that a config says."""
    (first, second), (total, difference) = config.inputs, config.outputs
    nodes = [
        helper.make_node("Add", [first.name, second.name], ["sum"]),
        helper.make_node("Add", ["sum", "offset"], [total.name]),
        helper.make_node("Sub", [first.name, second.name], [difference.name]),
    ]
    return onnx_file(config, nodes, [numpy_helper.from_array(np.array(offset, np.int32), "offset")])


def publish_simple(
    repository: Path, version: int = 1, *, offset: int = 0, config: ModelConfig = SIMPLE
) -> Path:
    """Publish a version of `simple`, or of another name with its tensors."""
    first = np.arange(48, dtype=np.int32).reshape(3, 16)
    second = first[:, ::-1] * 5
    return publish_model(
        repository,
        config,
        version,
        simple_weights(offset),
        {"INPUT0": first, "INPUT1": second},
        {"OUTPUT0": first + second + offset, "OUTPUT1": first - second},
    )


def named(name: str, versions: VersionPolicy = NEWEST, max_batch_size: int = 8) -> ModelConfig:
    """The config of `simple` under another name; only its newest version serves."""
    return replace(SIMPLE, name=name, versions=versions, max_batch_size=max_batch_size)


def echo_config(dtype: str) -> ModelConfig:
    """A model without a batch dimension that gives a vector of any length back."""
    spec = TensorSpec("INPUT", np.dtype(dtype), (FREE,))
    return ModelConfig(
        name=f"echo_{dtype}",
        inputs=(spec,),
        outputs=(replace(spec, name="OUTPUT"),),
        max_batch_size=0,
    )


def publish_echo(repository: Path, dtype: str) -> Path:
    config = echo_config(dtype)
    golden = np.array([0, 1, 1, 0]).astype(dtype)
    node = helper.make_node("Identity", ["INPUT"], ["OUTPUT"])
    return publish_model(
        repository, config, 1, onnx_file(config, [node]), {"INPUT": golden}, {"OUTPUT": golden}
    )


def publish_slow(repository: Path, version: int = 1, *, config: ModelConfig = SLOW) -> Path:
    """Publish a model that takes as long as its caller wishes, and never runs in the event loop."""

    def scalar(name: str, value: npt.ArrayLike) -> onnx.TensorProto:
        return numpy_helper.from_array(np.array(value), name)

    def info(name: str, element_type: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, element_type, [])

    step = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["go_on"]),
            helper.make_node("Add", ["before", "one"], ["after"]),
        ],
        "step",
        [
            info("index", TensorProto.INT64),
            info("going", TensorProto.BOOL),
            info("before", TensorProto.INT64),
        ],
        [info("go_on", TensorProto.BOOL), info("after", TensorProto.INT64)],
        [scalar("one", 1)],
    )
    nodes = [
        helper.make_node("ReduceMax", ["STEPS"], ["most"], keepdims=0),
        helper.make_node("Loop", ["most", "yes", "zero"], ["count"], body=step),
        # The count is never negative; this way the loop is needed for the answer.
        helper.make_node("Min", ["count", "zero"], ["nothing"]),
        helper.make_node("Add", ["STEPS", "nothing"], ["DONE"]),
    ]
    model = onnx_file(config, nodes, [scalar("yes", True), scalar("zero", 0)])
    golden = np.array([[_GOLDEN_STEPS], [1]])
    return publish_model(repository, config, version, model, {"STEPS": golden}, {"DONE": golden})


def infer_request(
    model: str,
    inputs: Mapping[str, Array],
    *,
    version: str = "",
    request_id: str = "",
) -> wire.ModelInferRequest:
    """A request with raw contents."""
    request = wire.ModelInferRequest(model_name=model, model_version=version, id=request_id)
    for name, array in inputs.items():
        datatype = array.dtype.name.upper().replace("FLOAT", "FP")
        request.inputs.add(name=name, datatype=datatype, shape=array.shape)
        request.raw_input_contents.append(array.tobytes())
    return request


def simple_request(
    first: npt.ArrayLike = 3,
    second: npt.ArrayLike = 2,
    *,
    rows: int = 1,
    model: str = "simple",
    version: str = "",
    request_id: str = "",
) -> wire.ModelInferRequest:
    """A request to `simple`; what is given is spread over [rows, 16]."""
    inputs = {
        name: np.broadcast_to(np.asarray(value, np.int32), (rows, 16))
        for name, value in (("INPUT0", first), ("INPUT1", second))
    }
    return infer_request(model, inputs, version=version, request_id=request_id)


def slow_request(steps: int, *, model: str = "slow", request_id: str = "") -> Any:
    return infer_request(model, {"STEPS": np.array([[steps]])}, request_id=request_id)


def outputs_of(response: wire.ModelInferResponse) -> dict[str, Array]:
    """The arrays of a raw answer by name."""
    return {
        tensor.name: np.frombuffer(content, tensor.datatype.lower().replace("fp", "float")).reshape(
            tensor.shape
        )
        for tensor, content in zip(response.outputs, response.raw_output_contents, strict=True)
    }


def is_right(
    request: wire.ModelInferRequest, response: wire.ModelInferResponse, offset: int = 0
) -> bool:
    """Whether a response is what `simple` must answer to a request, both raw."""
    first, second = (
        np.frombuffer(content, np.int32).reshape(-1, 16) for content in request.raw_input_contents
    )
    outputs = outputs_of(response)
    return (
        response.id == request.id
        and outputs.keys() == {"OUTPUT0", "OUTPUT1"}
        and np.array_equal(outputs["OUTPUT0"], first + second + offset)
        and np.array_equal(outputs["OUTPUT1"], first - second)
    )


def index(stub: Any, model: str) -> dict[str, tuple[str, str]]:
    """State and reason of each version of a model."""
    response = stub.RepositoryIndex(wire.RepositoryIndexRequest())
    return {m.version: (m.state, m.reason) for m in response.models if m.name == model}


def ready(stub: Any, model: str, version: str = "") -> bool:
    return bool(stub.ModelReady(wire.ModelReadyRequest(name=model, version=version)).ready)


def answer(stub: Any, model: str, version: str = "", rows: int = 1) -> tuple[str, int]:
    """The version that answers, and its offset; whatever else it says must be right."""
    request = simple_request(np.arange(16), 7, rows=rows, model=model, version=version)
    response = stub.ModelInfer(request)
    offset = int(outputs_of(response)["OUTPUT0"][0, 0]) - 7
    assert is_right(request, response, offset)
    return response.model_version, offset


def onnx_file(
    config: ModelConfig,
    nodes: Sequence[onnx.NodeProto],
    constants: Sequence[onnx.TensorProto] = (),
    opset_imports: Sequence[onnx.OperatorSetIdProto] = (),
) -> bytes:
    """An ONNX file that computes a config's outputs from its inputs."""

    def infos(tensors: Sequence[TensorSpec]) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(
                tensor.name,
                helper.np_dtype_to_tensor_dtype(tensor.dtype),
                [None if size == FREE else size for size in config.shape(tensor)],
            )
            for tensor in tensors
        ]

    graph = helper.make_graph(
        nodes, config.name, infos(config.inputs), infos(config.outputs), constants
    )
    opsets = [helper.make_opsetid("", 17), *opset_imports]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
