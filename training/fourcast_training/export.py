"""torch to ONNX to the model repository, the only exporter.

Nothing is published unless onnxruntime gives on the golden inputs what torch gives. The version's
folder gets the graph, with its origin stamped into the file's metadata, and the golden file; the
model's folder gets config.pbtxt and the card.
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
from fourcast_models.repository import GOLDEN_FILE, WEIGHTS_FILE, next_version, publish
from fourcast_training.files import write_atomically

log = logging.getLogger(__name__)

# The exporter tells what it does with every operator, and which packages it does without.
for _chatty in ("torch.onnx", "onnxscript", "onnx_ir"):
    logging.getLogger(_chatty).setLevel(logging.ERROR)

PARITY = 1e-5
"""The largest difference allowed between torch and onnxruntime, in any output element."""

OPSET = 20

SPANISH_CARD = "README.es.md"
"""Beside the English card, in the model's folder."""

_LARGE_WEIGHT = 1024
"""Elements from which a weight is worth being kept as float16."""


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
    network: nn.Module,
    config: ModelConfig,
    golden_inputs: Arrays,
    origin: Origin,
    card: Callable[[int], str],
    repository: Path,
    *,
    spanish: Callable[[int], str] | None = None,
    half_weights: bool = False,
) -> Path:
    """Publish a network as the next version of a model.

    Args:
        network: In evaluation mode on the CPU; takes the inputs in order, gives a tuple of outputs.
        config: The model's name and tensors; the first dimension of every tensor is the batch.
        golden_inputs: One array for every input, at least two rows.
        origin: Stamped into the file.
        card: The text of the model's README.md, given the version.
        repository: Where to publish.
        spanish: The text of SPANISH_CARD, given the version; None writes none.
        half_weights: Keep large weights as float16, which halves the file. They are rounded in
            ``network`` too; sums are done in float32 as before.

    Returns:
        The version's folder.

    Raises:
        RuntimeError: If onnxruntime's outputs differ from torch's by more than PARITY.
    """
    if half_weights:
        _round_weights(network)
    with torch.inference_mode():
        tensors = [torch.from_numpy(golden_inputs[spec.name]) for spec in config.inputs]
        outputs = [tensor.numpy() for tensor in network(*tensors)]
    golden_outputs = dict(zip((spec.name for spec in config.outputs), outputs, strict=True))
    version = next_version(repository, config.name)
    graph = _graph(network, config, tensors, origin, version, half_weights=half_weights)
    _check_parity(graph, golden_inputs, golden_outputs)
    golden = io.BytesIO()
    np.savez_compressed(
        golden,
        allow_pickle=False,
        **{f"input.{name}": array for name, array in golden_inputs.items()},
        **{f"output.{name}": array for name, array in golden_outputs.items()},
    )
    files = {WEIGHTS_FILE: graph, GOLDEN_FILE: golden.getvalue()}
    folder = publish(repository, config, version, files, card(version))
    if spanish is not None:
        text = spanish(version).encode()
        write_atomically(folder.parent / SPANISH_CARD, lambda stream: stream.write(text))
    log.info("published %s (%d kB)", folder, len(graph) // 1000)
    return folder


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


def _graph(
    network: nn.Module,
    config: ModelConfig,
    tensors: list[torch.Tensor],
    origin: Origin,
    version: int,
    *,
    half_weights: bool,
) -> bytes:
    """The ONNX file: every tensor with a free first dimension, and the origin in the metadata."""
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
    if half_weights:
        _store_as_half(model.graph)
    onnx.helper.set_model_props(
        model,
        {
            "model": config.name,
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


@torch.no_grad()
def _round_weights(network: nn.Module) -> None:
    """Give every large weight the nearest value that float16 has."""
    for parameter in network.parameters():
        if parameter.numel() >= _LARGE_WEIGHT:
            parameter.copy_(parameter.half())


def _store_as_half(graph: onnx.GraphProto) -> None:
    """Keep large float32 weights as float16 and widen them when the model is loaded."""
    casts = []
    for weight in graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if weight.data_type != onnx.TensorProto.FLOAT or values.size < _LARGE_WEIGHT:
            continue
        name = weight.name
        half = values.astype(np.float16)
        weight.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}_half"))
        casts.append(
            onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _check_parity(graph: bytes, inputs: Arrays, outputs: Arrays) -> None:
    """Compare onnxruntime with torch, the whole batch at once and its first row alone."""
    for rows in (slice(None), slice(0, 1)):
        actual = run_onnx(graph, {name: array[rows] for name, array in inputs.items()})
        for name, expected in outputs.items():
            difference = float(np.abs(actual[name] - expected[rows]).max())
            if not difference <= PARITY:
                raise RuntimeError(
                    f"onnxruntime and torch differ by {difference:.2e} in {name!r} (allowed: "
                    f"{PARITY:.0e}): nothing was published"
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
