"""Small real ONNX models with the tensors of the doodle networks, made without training."""

import io
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from fourcast_models.doodle.codec import BITMAP, CODEC_VERSION, PROBABILITIES, RASTER
from fourcast_models.model_config import ModelConfig
from fourcast_models.repository import publish

Picture = Literal["bitmap", "raster"]

CELLS = 14  # pictures are averaged down to so many pixels on a side


def weights(picture: Picture, seed: int = 0) -> bytes:
    """A linear network with random weights on the picture's 14x14 averages."""
    random = np.random.default_rng(seed)
    spec = BITMAP if picture == "bitmap" else RASTER
    channels, side = (1, *spec.dims)[-3], spec.dims[-1]
    categories = PROBABILITIES.dims[0]
    matrix = random.normal(0, 0.03, (channels * CELLS * CELLS, categories)).astype(np.float32)
    pool = side // CELLS
    nodes = [
        helper.make_node("Cast", [spec.name], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["grey", "shape"], ["planes"]),
        helper.make_node(
            "AveragePool", ["planes"], ["cells"], kernel_shape=[pool] * 2, strides=[pool] * 2
        ),
        helper.make_node("Flatten", ["cells"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "matrix"], ["logits"]),
        helper.make_node("Softmax", ["logits"], [PROBABILITIES.name], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(spec.name, TensorProto.UINT8, ["N", *spec.dims])],
        [helper.make_tensor_value_info(PROBABILITIES.name, TensorProto.FLOAT, ["N", categories])],
        [
            numpy_helper.from_array(matrix, "matrix"),
            numpy_helper.from_array(np.array([-1, channels, side, side]), "shape"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def publish_small_doodle(
    repository: Path, name: str, picture: Picture, version: int = 1, *, seed: int = 0
) -> Path:
    """Publish a small `doodle` ("bitmap") or `doodle_strokes` ("raster")."""
    spec = BITMAP if picture == "bitmap" else RASTER
    model = weights(picture, seed)
    pictures = np.random.default_rng(1).integers(0, 256, (3, *spec.dims), dtype=np.uint8)
    (answers,) = ReferenceEvaluator(onnx.load_from_string(model)).run(None, {spec.name: pictures})
    golden = io.BytesIO()
    arrays = {f"input.{spec.name}": pictures, f"output.{PROBABILITIES.name}": answers}
    np.savez(golden, **arrays)  # type: ignore[arg-type]  # its hints know no names but its own
    config = ModelConfig(
        name=name,
        inputs=(spec,),
        outputs=(PROBABILITIES,),
        max_batch_size=64,
        parameters={"codec_version": str(CODEC_VERSION)},
    )
    files = {"model.onnx": model, "golden.npz": golden.getvalue()}
    return publish(repository, config, version, files, "# A small model for tests\n")
