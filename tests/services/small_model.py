"""Small real ONNX models with the tensors of `connect4`, made in milliseconds without training."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from fourcast_models.model_config import ModelConfig, TensorSpec
from fourcast_models.repository import publish

CONFIG = ModelConfig(
    name="connect4",
    inputs=(TensorSpec("board", np.dtype(np.uint8), (2, 6, 7)),),
    outputs=(
        TensorSpec("policy", np.dtype(np.float32), (7,)),
        TensorSpec("value", np.dtype(np.float32), (3,)),
    ),
    max_batch_size=64,
)


def weights(seed: int = 0, policy_name: str = "policy") -> bytes:
    """A linear network with random weights; full columns get probability 0."""
    random = np.random.default_rng(seed)

    def constant(name: str, array: npt.NDArray[np.generic]) -> onnx.TensorProto:
        return numpy_helper.from_array(array, name)

    def matrix(name: str, columns: int) -> onnx.TensorProto:
        return constant(name, random.normal(0, 0.3, (84, columns)).astype(np.float32))

    nodes = [
        helper.make_node("Cast", ["board"], ["planes"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["planes"], ["flat"], axis=1),
        # Row 0 is the top row: a stone there means a full column.
        helper.make_node("Slice", ["planes", "zero", "one", "rows"], ["top"]),
        helper.make_node("ReduceSum", ["top", "planes_and_rows"], ["full"], keepdims=0),
        helper.make_node("Sub", ["unit", "full"], ["open"]),
        helper.make_node("MatMul", ["flat", "policy_matrix"], ["logits"]),
        helper.make_node("Exp", ["logits"], ["exponentials"]),
        helper.make_node("Mul", ["exponentials", "open"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "one"], ["total"], keepdims=1),
        helper.make_node("Div", ["masked", "total"], [policy_name]),
        helper.make_node("MatMul", ["flat", "value_matrix"], ["value_logits"]),
        helper.make_node("Softmax", ["value_logits"], ["value"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("board", TensorProto.UINT8, ["N", 2, 6, 7])],
        [
            helper.make_tensor_value_info(policy_name, TensorProto.FLOAT, ["N", 7]),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, ["N", 3]),
        ],
        [
            matrix("policy_matrix", 7),
            matrix("value_matrix", 3),
            constant("unit", np.array([1], np.float32)),
            constant("zero", np.array([0])),
            constant("one", np.array([1])),
            constant("rows", np.array([2])),
            constant("planes_and_rows", np.array([1, 2])),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def golden(model: bytes, *, policy_name: str = "policy", error: float = 0.0) -> bytes:
    """A golden file for a model, by ONNX's own evaluator; `error` is added to the policy."""
    random = np.random.default_rng(1)
    boards = random.integers(0, 2, (5, 2, 6, 7), dtype=np.uint8)
    boards[:, 1] &= 1 - boards[:, 0]
    # At least one open column everywhere.
    boards[:, :, 0, 3] = 0
    outputs = ReferenceEvaluator(onnx.load_from_string(model)).run(None, {"board": boards})
    policy, value = (np.asarray(output) for output in outputs)
    arrays: dict[str, Any] = {
        "input.board": boards,
        f"output.{policy_name}": policy + np.float32(error),
        "output.value": value,
    }
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def publish_small_model(
    repository: Path, version: int = 1, *, seed: int = 0, golden_error: float = 0.0
) -> Path:
    """Publish a small `connect4`."""
    model = weights(seed)
    files = {"model.onnx": model, "golden.npz": golden(model, error=golden_error)}
    return publish(repository, CONFIG, version, files, "# A small model for tests\n")


def publish_other_model(repository: Path, name: str) -> Path:
    """Publish a model that is none for Connect-4: it has no policy."""
    outputs = (TensorSpec("guess", np.dtype(np.float32), (7,)), CONFIG.outputs[1])
    model = weights(policy_name="guess")
    files = {"model.onnx": model, "golden.npz": golden(model, policy_name="guess")}
    return publish(repository, replace(CONFIG, name=name, outputs=outputs), 1, files, "# Other\n")
