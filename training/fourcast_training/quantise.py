"""A network's sums in eight-bit integers: a third of the file, less than half of the time.

Static quantisation (Jacob et al., Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference, 2018) by onnxruntime's own tool. Weights get a scale for each
output channel, what flows between layers one for each tensor, from its range on real inputs.
"""

import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from fourcast_models.model_config import Arrays

_QUANTISED = ["Conv", "Relu", "Add"]
"""Where the time is spent."""

_LAST = "Gemm"
"""This layer and what comes after it stay as they are: little work, and they decide."""

_CALIBRATION_BATCH = 32


class _Inputs(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Inputs in batches, as the tool asks for them."""

    def __init__(self, arrays: Arrays) -> None:
        self._batches = _batches(arrays)

    def get_next(self) -> dict[str, npt.NDArray[Any]] | None:
        """The next batch, None after the last."""
        return next(self._batches, None)


def quantised(graph: bytes, calibration: Arrays) -> bytes:
    """The same network in integers.

    Weights have seven bits: processors without integer dot products add two products in sixteen
    bits, which eight would overflow.

    Args:
        graph: An ONNX file of float32 weights.
        calibration: Some hundred real inputs; activations beyond their range are clipped.

    Returns:
        An ONNX file with the same inputs and outputs.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tool's own code warns about the tool's own code
        written = Path(folder) / "quantised.onnx"
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)  # it recommends steps that this graph does not need
        try:
            model = onnx.load_model_from_string(graph)
            quantize_static(
                model,
                written,
                _Inputs(calibration),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=_QUANTISED,
                nodes_to_exclude=_after(model.graph, _LAST) + _grouped(model.graph),
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
        finally:
            logging.disable(before)
        return written.read_bytes()


def _after(graph: onnx.GraphProto, kind: str) -> list[str]:
    """The names of all nodes that read, directly or not, what a node of a kind gives."""
    found, tensors = [], set[str]()
    for node in graph.node:  # ONNX keeps them in an order in which they can be run
        if tensors.intersection(node.input):
            found.append(node.name)
            tensors.update(node.output)
        elif node.op_type == kind:
            tensors.update(node.output)
    return found


def _grouped(graph: onnx.GraphProto) -> list[str]:
    """The names of convolutions in groups: they count on exact planes, and have few sums."""
    return [
        node.name
        for node in graph.node
        if node.op_type == "Conv" and any(a.name == "group" and a.i > 1 for a in node.attribute)
    ]


def _batches(arrays: Mapping[str, npt.NDArray[Any]]) -> Iterator[dict[str, npt.NDArray[Any]]]:
    rows = len(next(iter(arrays.values())))
    for start in range(0, rows, _CALIBRATION_BATCH):
        yield {name: array[start : start + _CALIBRATION_BATCH] for name, array in arrays.items()}
