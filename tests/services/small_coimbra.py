"""A small real ONNX model with the tensors of `coimbra`, made without training."""

import io
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from fourcast_models.model_config import ModelConfig
from fourcast_models.repository import publish
from fourcast_models.tabular.coimbra import CODEC_VERSION, FEATURES, INPUTS, PROBABILITIES


def weights(seed: int = 0) -> bytes:
    """Logistic regression with random weights on features scaled by their upper bounds."""
    random = np.random.default_rng(seed)
    highest = np.array([[feature.maximum] for feature in INPUTS])
    matrix = (random.normal(0, 2, (len(INPUTS), 2)) / highest).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", [FEATURES.name, "matrix"], ["logits"]),
            helper.make_node("Softmax", ["logits"], [PROBABILITIES.name], axis=1),
        ],
        "small",
        [helper.make_tensor_value_info(FEATURES.name, TensorProto.FLOAT, ["N", len(INPUTS)])],
        [helper.make_tensor_value_info(PROBABILITIES.name, TensorProto.FLOAT, ["N", 2])],
        [numpy_helper.from_array(matrix, "matrix")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def probabilities(model: bytes, *row: float) -> list[float]:
    """What a model says of one row, by ONNX's own evaluator."""
    features = np.array([row], dtype=np.float32)
    (answers,) = ReferenceEvaluator(onnx.load_from_string(model)).run(
        None, {FEATURES.name: features}
    )
    found: list[float] = np.asarray(answers)[0].tolist()
    return found


def publish_small_coimbra(
    repository: Path, version: int = 1, *, name: str = "coimbra", seed: int = 0
) -> Path:
    """Publish a small `coimbra`."""
    model = weights(seed)
    rows = np.array([[feature.minimum for feature in INPUTS]] * 2, dtype=np.float32)
    rows[1] = [feature.maximum for feature in INPUTS]
    answers = np.array([probabilities(model, *row) for row in rows.tolist()], dtype=np.float32)
    golden = io.BytesIO()
    arrays = {f"input.{FEATURES.name}": rows, f"output.{PROBABILITIES.name}": answers}
    np.savez(golden, **arrays)  # type: ignore[arg-type]  # its hints know no names but its own
    config = ModelConfig(
        name=name,
        inputs=(FEATURES,),
        outputs=(PROBABILITIES,),
        max_batch_size=64,
        parameters={"codec_version": str(CODEC_VERSION)},
    )
    files = {"model.onnx": model, "golden.npz": golden.getvalue()}
    return publish(repository, config, version, files, "# A small model for tests\n")
