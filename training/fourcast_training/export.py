"""torch to ONNX to the model repository, the only exporter.

Nothing is published unless onnxruntime gives on the golden inputs what torch gives, or nearly that
where sums are done in integers. The version's folder gets the graph, with its origin stamped into
the file's metadata, and the golden file; the model's folder gets config.pbtxt and the card.
"""

import io
import json
import logging
import subprocess
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from torch import nn

from fourcast_models.model_config import Arrays, ModelConfig
from fourcast_models.repository import (
    GOLDEN_FILE,
    TOLERANCE_ARRAY,
    WEIGHTS_FILE,
    next_version,
    publish,
)
from fourcast_training.files import write_atomically
from fourcast_training.quantise import quantised

log = logging.getLogger(__name__)

# The exporter tells what it does with every operator, and which packages it does without.
for _chatty in ("torch.onnx", "onnxscript", "onnx_ir"):
    logging.getLogger(_chatty).setLevel(logging.ERROR)

PARITY = 1e-5
"""The largest difference allowed between torch and onnxruntime, in any output element."""

QUANTISED_PARITY = 0.03
"""The same for a network in integers: of each row the largest difference, averaged over rows."""

QUANTISED_TOLERANCE = 0.02
"""How far a network in integers may be from its golden outputs elsewhere: another processor, or a
GPU, which does the same sums in floats, may round to the next of 256 levels here and there."""

OPSET = 20

SPANISH_CARD = "README.es.md"
"""Beside the English card, in the model's folder."""


@dataclass(frozen=True)
class Graph:
    """A network as an ONNX file.

    Attributes:
        config: The model's name and tensors.
        content: Of the file.
        inputs: The golden inputs, by name.
        outputs: What it should give for them: torch's own outputs, or in integers onnxruntime's.
        tolerance: How far outputs may be from these elsewhere; None takes the repository's own.
    """

    config: ModelConfig
    content: bytes
    inputs: Arrays
    outputs: Arrays
    tolerance: float | None


@dataclass(frozen=True)
class Origin:
    """Where a model comes from; goes into the ONNX file's metadata.

    Attributes:
        codec_version: Of the code that makes its inputs.
        datasets: SHA-256 of each data split that it saw, by name.
        metrics: Its final figures.
        command: What makes it again.
    """

    codec_version: int
    datasets: Mapping[str, str]
    metrics: Mapping[str, float]
    command: str


def export(
    graph: Graph,
    origin: Origin,
    card: Callable[[int], str],
    repository: Path,
    *,
    spanish: Callable[[int], str] | None = None,
) -> Path:
    """Publish a network as the next version of its model.

    Args:
        graph: The network.
        origin: Stamped into the file.
        card: The text of the model's README.md, given the version.
        repository: Where to publish.
        spanish: The text of SPANISH_CARD, given the version; None writes none.

    Returns:
        The version's folder.
    """
    version = next_version(repository, graph.config.name)
    weights = _stamped(graph, origin, version)
    tolerance = {} if graph.tolerance is None else {TOLERANCE_ARRAY: np.float64(graph.tolerance)}
    golden = io.BytesIO()
    np.savez_compressed(
        golden,
        allow_pickle=False,
        **{f"input.{name}": array for name, array in graph.inputs.items()},
        **{f"output.{name}": array for name, array in graph.outputs.items()},
        **tolerance,
    )
    files = {WEIGHTS_FILE: weights, GOLDEN_FILE: golden.getvalue()}
    folder = publish(repository, graph.config, version, files, card(version))
    if spanish is not None:
        text = spanish(version).encode()
        write_atomically(folder.parent / SPANISH_CARD, lambda stream: stream.write(text))
    log.info("published %s (%d kB)", folder, len(weights) // 1000)
    return folder


def to_onnx(
    network: nn.Module,
    config: ModelConfig,
    golden_inputs: Arrays,
    calibration: Arrays | None = None,
) -> Graph:
    """A network as an ONNX file whose tensors all have a free first dimension.

    Args:
        network: In evaluation mode on the CPU; takes the inputs in order, gives a tuple of outputs.
        config: The model's name and tensors; the first dimension of every tensor is the batch.
        golden_inputs: One array for every input, at least two rows: onnxruntime must give for them
            what torch gives, wherever the model is served.
        calibration: Some hundred inputs like those to come, and sums are done in integers, see
            `quantise`; None keeps float32.

    Raises:
        RuntimeError: If onnxruntime's outputs differ from torch's by more than PARITY, or those in
            integers by more than QUANTISED_PARITY.
    """
    tensors = [torch.from_numpy(golden_inputs[spec.name]) for spec in config.inputs]
    with torch.inference_mode():
        outputs = [tensor.numpy() for tensor in network(*tensors)]
    expected = dict(zip((spec.name for spec in config.outputs), outputs, strict=True))
    content = _graph(network, config, tensors)
    _check_parity(content, golden_inputs, expected)
    if calibration is None:
        return Graph(config, content, golden_inputs, expected, None)
    content = quantised(content, calibration)
    actual = run_onnx(content, golden_inputs)
    _check_quantised(actual, expected)
    return Graph(config, content, golden_inputs, actual, QUANTISED_TOLERANCE)


def run_onnx(model: Path | bytes, inputs: Arrays) -> dict[str, npt.NDArray[Any]]:
    """The outputs of an ONNX model by name, on the CPU, for inputs by name."""
    return open_onnx(model)(inputs)


def open_onnx(
    model: Path | bytes, threads: int = 0
) -> Callable[[Arrays], dict[str, npt.NDArray[Any]]]:
    """An ONNX model as a function of inputs by name, on the CPU.

    Args:
        model: A file or its bytes.
        threads: That one call may use; 0 is one for each core.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, dict(inputs)), strict=True))


def stamp_of(model: Path) -> dict[str, str]:
    """The metadata that `export` stamped into an ONNX file."""
    return {entry.key: entry.value for entry in onnx.load(model).metadata_props}


def _graph(network: nn.Module, config: ModelConfig, tensors: list[torch.Tensor]) -> bytes:
    """The ONNX file that torch makes."""
    batch = torch.export.Dim("batch")
    with warnings.catch_warnings():
        # torch's own code warns about torch's own code.
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.onnx.export(
            network,
            tuple(tensors),
            input_names=[spec.name for spec in config.inputs],
            output_names=[spec.name for spec in config.outputs],
            dynamic_shapes=tuple({0: batch} for _ in tensors),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:  # what torch returns when it writes to a file itself
        raise RuntimeError("torch.onnx.export returned no program")
    model = program.model_proto
    for node in model.graph.node:
        # Where in this source, and where on this disk, each operator came from: as large as a small
        # model's weights, and nobody's business.
        node.ClearField("metadata_props")
    return bytes(model.SerializeToString())


def _stamped(graph: Graph, origin: Origin, version: int) -> bytes:
    """The ONNX file with its origin in the metadata."""
    model = onnx.load_model_from_string(graph.content)
    onnx.helper.set_model_props(
        model,
        {
            "model": graph.config.name,
            "version": str(version),
            "codec_version": str(origin.codec_version),
            "commit": _commit(),
            "datasets": json.dumps(dict(origin.datasets)),
            "metrics": json.dumps(dict(origin.metrics)),
            "command": origin.command,
        },
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _check_parity(content: bytes, inputs: Arrays, outputs: Arrays) -> None:
    """Compare onnxruntime with torch, the whole batch at once and its first row alone."""
    for rows in (slice(None), slice(0, 1)):
        actual = run_onnx(content, {name: array[rows] for name, array in inputs.items()})
        for name, expected in outputs.items():
            difference = float(np.abs(actual[name] - expected[rows]).max())
            if not difference <= PARITY:
                raise RuntimeError(
                    f"onnxruntime and torch differ by {difference:.2e} in {name!r} (allowed: "
                    f"{PARITY:.0e}): nothing was published"
                )


def _check_quantised(actual: Arrays, expected: Arrays) -> None:
    """Compare a network in integers with torch."""
    for name, wanted in expected.items():
        each = np.abs(actual[name] - wanted).reshape(len(wanted), -1).max(axis=1)
        difference = float(each.mean())
        if not difference <= QUANTISED_PARITY:
            raise RuntimeError(
                f"in integers {name!r} differs by {difference:.3f} from torch's (allowed: "
                f"{QUANTISED_PARITY}): more calibration inputs, or no integers"
            )


def _commit() -> str:
    """The commit of this checkout, with "+changes" if files differ from it; "" outside of one."""
    git = ("git", "-C", str(Path(__file__).parent))
    try:
        commit = subprocess.run(
            (*git, "rev-parse", "HEAD"), capture_output=True, text=True, check=True
        ).stdout.strip()
        changes = subprocess.run(
            (*git, "status", "--porcelain"), capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return commit + ("+changes" if changes else "")
