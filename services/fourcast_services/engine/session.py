"""One version of a model: opened, checked against its config and golden file, ready to run."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from fourcast_models.model_config import DATATYPE_NAMES, FREE, Arrays, ModelConfig, TensorSpec
from fourcast_models.repository import Golden
from fourcast_services.device import Device
from fourcast_services.engine.providers import (
    CPU_PROVIDER,
    CUDA_PROVIDER,
    check_provider,
    choose_providers,
)

TOLERANCES = {CPU_PROVIDER: 1e-4, CUDA_PROVIDER: 1e-3}
"""How far an output may be from its golden value: absolute up to 1, relative above.

A GPU adds in another order, and its convolutions may take another algorithm at each size.
"""

_ONNX_TYPES = {"float": "FP32", "double": "FP64", "float16": "FP16"}
"""ONNX's names of element types where the protocol has another but for its case."""

_TIMED_RUNS = 3


class SessionError(Exception):
    """A version's files are not what its config and golden file promise."""


class Session:
    """An open ONNX file whose tensors are those of the config.

    Attributes:
        provider: The onnxruntime provider that runs it.
        metadata: What the file says about itself, as it was exported.
    """

    def __init__(self, weights: Path, config: ModelConfig, device: Device) -> None:
        """Open a version and compare its tensors with the config.

        Args:
            weights: The ONNX file.
            config: What config.pbtxt says about the model.
            device: What to run on.

        Raises:
            SessionError: If the file cannot be opened or its tensors differ from the config.
            DeviceError: If the device cannot serve.
        """
        options = onnxruntime.SessionOptions()
        # Small models: threads would cost more than they win, and spinning ones starve the rest.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        providers = choose_providers(device)
        try:
            self._session = onnxruntime.InferenceSession(weights, options, providers=providers)
        except Exception as error:
            # onnxruntime's errors share no narrower base.
            raise SessionError(f"cannot open {weights}: {error}") from error
        self.provider: str = self._session.get_providers()[0]
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        check_provider(device, providers, self.provider)
        _check_tensors("input", config, config.inputs, self._session.get_inputs())
        _check_tensors("output", config, config.outputs, self._session.get_outputs())
        self._outputs = [tensor.name for tensor in config.outputs]

    def run(self, inputs: Arrays) -> Arrays:
        """The outputs by name for inputs that fit the config."""
        return dict(zip(self._outputs, self._session.run(self._outputs, dict(inputs)), strict=True))


def replay(session: Session, golden: Golden, config: ModelConfig) -> float:
    """Warm a session up and compare it with its golden outputs.

    A model with a batch dimension runs its first golden row alone and then all rows together, so
    that the two sizes that serving meets are warm, and no row's answer leans on its neighbours.

    Returns:
        How long the smallest request takes, in seconds: the best of a few runs.

    Raises:
        SessionError: If an output has another shape or type than the golden one, or any value is
            further from it than `TOLERANCES` allows, or the golden file if that allows more.
    """
    tolerance = max(TOLERANCES[session.provider], golden.tolerance)
    smallest = _first_row(golden.inputs) if config.max_batch_size else golden.inputs
    if config.max_batch_size:
        _compare(session, smallest, _first_row(golden.outputs), tolerance)
    _compare(session, golden.inputs, golden.outputs, tolerance)
    return min(_seconds(session, smallest) for _ in range(_TIMED_RUNS))


def _seconds(session: Session, inputs: Arrays) -> float:
    start = time.perf_counter()
    session.run(inputs)
    return time.perf_counter() - start


def _first_row(arrays: Arrays) -> Arrays:
    return {name: array[:1] for name, array in arrays.items()}


def _compare(session: Session, inputs: Arrays, outputs: Arrays, tolerance: float) -> None:
    try:
        actual = session.run(inputs)
    except Exception as error:
        # onnxruntime's errors share no narrower base.
        raise SessionError(f"cannot run the golden inputs: {error}") from error
    for name, expected in outputs.items():
        got = actual[name]
        if got.shape != expected.shape or got.dtype != expected.dtype:
            raise SessionError(
                f"output {name!r} is {got.dtype} {list(got.shape)}, "
                f"golden {expected.dtype} {list(expected.shape)}"
            )
        if np.issubdtype(expected.dtype, np.inexact):
            scale = np.maximum(1, np.abs(expected))
            far = ~(np.abs(got - expected) <= tolerance * scale)
        else:
            far = got != expected
        if far.any():
            raise SessionError(
                f"output {name!r} differs from its golden values in {int(far.sum())} of {far.size}"
            )


def _check_tensors(
    kind: str,
    config: ModelConfig,
    specs: Sequence[TensorSpec],
    nodes: Sequence[onnxruntime.NodeArg],
) -> None:
    """Compare the tensors of one kind, "input" or "output", with the ONNX file's."""
    by_name = {node.name: node for node in nodes}
    if by_name.keys() != {spec.name for spec in specs}:
        raise SessionError(
            f"the ONNX file has the {kind}s {sorted(by_name)}, config.pbtxt "
            f"{sorted(spec.name for spec in specs)}"
        )
    for spec in specs:
        node = by_name[spec.name]
        onnx_type = node.type.removeprefix("tensor(").removesuffix(")")
        datatype = _ONNX_TYPES.get(onnx_type, onnx_type.upper())
        if datatype != DATATYPE_NAMES[spec.dtype]:
            raise SessionError(
                f"{kind} {spec.name!r} is {datatype} in the ONNX file, "
                f"{DATATYPE_NAMES[spec.dtype]} in config.pbtxt"
            )
        # Symbolic sizes come as text, unnamed ones as None.
        sizes = tuple(size if isinstance(size, int) else FREE for size in node.shape)
        if sizes != config.shape(spec):
            raise SessionError(
                f"{kind} {spec.name!r} is {list(sizes)} in the ONNX file, "
                f"{list(config.shape(spec))} in config.pbtxt ({FREE}: any size)"
            )
