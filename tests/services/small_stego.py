"""The classical lattice codes of the two profiles as small ONNX models, made without training.

The networks of `fourcast-train stego` begin as these; here numpy makes them in milliseconds.
"""

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from fourcast_models.model_config import ModelConfig, TensorSpec
from fourcast_models.repository import publish
from fourcast_models.stego.codec import (
    CODEC_VERSION,
    IMAGE,
    PROFILES,
    ROBUST,
    STEGO,
    STRENGTH,
    TILE,
    Profile,
)

Matrix = npt.NDArray[np.float64]
Inputs = dict[TensorSpec, npt.NDArray[Any]]

LUMA = np.array([0.299, 0.587, 0.114])
SHARPNESS = 4.0


def publish_small_stego(repository: Path) -> Path:
    """Publish the encoder and the decoder of both profiles."""
    random = np.random.default_rng(3)
    tiles = random.integers(0, 256, (2, *IMAGE.dims), dtype=np.uint8)
    for profile in PROFILES.values():
        message = random.integers(0, 3, (2, *profile.grid), dtype=np.uint8)
        strength = np.ones((2, *STRENGTH.dims), dtype=np.float32)
        inputs: Inputs = {IMAGE: tiles, profile.message: message, STRENGTH: strength}
        _publish(repository, profile.encoder, encoder(profile), inputs, STEGO)
        _publish(
            repository, profile.decoder, decoder(profile), {IMAGE: tiles}, profile.probabilities
        )
    return repository


def encoder(profile: Profile) -> bytes:
    """Coefficients moved to, or most of the way to, the nearest point of their bits."""
    _, synthesis = _transform(profile)
    constants = {
        "keep": np.array(2, np.uint8),
        "one": np.array(1, np.uint8),
        "half": np.array(0.5),
        "amount": np.array(0.8 if profile is ROBUST else 1.0),
        "per_tile": np.array([-1, 1, 1, 1]),
        "least": np.array(0.0),
        "most": np.array(1.0),
        "synthesis": synthesis * _step(profile) / 255,
        "white": np.array(255.0),
        "grid": np.array([-1, *profile.grid[:2], 3, profile.block, profile.block]),
        "whole": np.array([-1, *IMAGE.dims]),
    }
    nodes = [
        *_units(),
        helper.make_node("Equal", ["message", "one"], ["is_one"]),
        helper.make_node("Cast", ["is_one"], ["ones"], to=TensorProto.DOUBLE),
        helper.make_node("Mul", ["ones", "half"], ["offset"]),
        helper.make_node("Sub", ["units", "offset"], ["shifted"]),
        helper.make_node("Round", ["shifted"], ["nearest"]),
        helper.make_node("Sub", ["nearest", "shifted"], ["missing"]),
        helper.make_node("Equal", ["message", "keep"], ["is_kept"]),
        helper.make_node("Not", ["is_kept"], ["is_changed"]),
        helper.make_node("Cast", ["is_changed"], ["changed"], to=TensorProto.DOUBLE),
        helper.make_node("Cast", ["strength"], ["exact_strength"], to=TensorProto.DOUBLE),
        helper.make_node("Reshape", ["exact_strength", "per_tile"], ["strengths"]),
        helper.make_node("Mul", ["strengths", "amount"], ["amounts"]),
        helper.make_node("Clip", ["amounts", "least", "most"], ["clipped"]),
        helper.make_node("Mul", ["missing", "changed"], ["wanted"]),
        helper.make_node("Mul", ["wanted", "clipped"], ["moved"]),
        helper.make_node("MatMul", ["moved", "synthesis"], ["flat_change"]),
        helper.make_node("Reshape", ["flat_change", "grid"], ["block_change"]),
        helper.make_node("Transpose", ["block_change"], ["rows"], perm=[0, 1, 4, 2, 5, 3]),
        helper.make_node("Reshape", ["rows", "whole"], ["change"]),
        helper.make_node("Div", ["pixels", "white"], ["cover"]),
        helper.make_node("Add", ["cover", "change"], ["sum"]),
        helper.make_node("Cast", ["sum"], [STEGO.name], to=TensorProto.FLOAT),
    ]
    return _model(profile, nodes, constants, (IMAGE, profile.message, STRENGTH), STEGO)


def decoder(profile: Profile) -> bytes:
    """How near coefficients are to the points of either bit."""
    constants = {"turn": np.array(2 * math.pi), "sharpness": np.array(-SHARPNESS)}
    nodes = [
        *_units(),
        helper.make_node("Round", ["units"], ["whole_units"]),
        helper.make_node("Sub", ["units", "whole_units"], ["place"]),
        helper.make_node("Mul", ["place", "turn"], ["exact_angle"]),
        helper.make_node("Cast", ["exact_angle"], ["angle"], to=TensorProto.FLOAT),
        helper.make_node("Cos", ["angle"], ["cosine"]),
        helper.make_node("Cast", ["sharpness"], ["slope"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["cosine", "slope"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], [profile.probabilities.name]),
    ]
    return _model(profile, nodes, constants, (IMAGE,), profile.probabilities)


def _units() -> list[onnx.NodeProto]:
    """Where on its lattice each coefficient is: "units" of "image"."""
    return [
        helper.make_node("Cast", [IMAGE.name], ["pixels"], to=TensorProto.DOUBLE),
        helper.make_node("Reshape", ["pixels", "blocks"], ["parted"]),
        helper.make_node("Transpose", ["parted"], ["together"], perm=[0, 1, 3, 5, 2, 4]),
        helper.make_node("Reshape", ["together", "flat"], ["flat_blocks"]),
        helper.make_node("MatMul", ["flat_blocks", "analysis"], ["coefficients"]),
        helper.make_node("Add", ["coefficients", "shift"], ["units"]),
    ]


def _model(
    profile: Profile,
    nodes: list[onnx.NodeProto],
    constants: dict[str, npt.NDArray[np.generic]],
    inputs: tuple[TensorSpec, ...],
    output: TensorSpec,
) -> bytes:
    analysis, _ = _transform(profile)
    side, block = TILE // profile.block, profile.block
    golden = (math.sqrt(5) - 1) / 2
    constants |= {
        "blocks": np.array([-1, side, block, side, block, 3]),
        "flat": np.array([-1, side, side, 3 * block * block]),
        "analysis": analysis.T / _step(profile),
        "shift": np.array([golden * (i + 1) % 1 * 0.4 + 0.05 for i in range(profile.carriers)]),
    }
    graph = helper.make_graph(
        nodes,
        "lattice",
        [_value(spec) for spec in inputs],
        [_value(output)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _value(spec: TensorSpec) -> onnx.ValueInfoProto:
    kind = helper.np_dtype_to_tensor_dtype(spec.dtype)
    return helper.make_tensor_value_info(spec.name, kind, ["N", *spec.dims])


def _step(profile: Profile) -> float:
    return 30.0 if profile is ROBUST else 4.5


def _transform(profile: Profile) -> tuple[Matrix, Matrix]:
    """Pixels of a block, [3 * block * block], to its coefficients and back: both [C, that]."""
    block = profile.block
    waves = np.cos(np.pi * np.outer(np.arange(block), np.arange(block) + 0.5) / block)
    waves *= np.sqrt(2 / block)
    waves[0] /= np.sqrt(2)
    luma = LUMA / np.linalg.norm(LUMA)
    red, blue = np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
    red -= red @ luma * luma
    red /= np.linalg.norm(red)
    blue -= blue @ luma * luma + blue @ red * red
    blue /= np.linalg.norm(blue)
    if profile is ROBUST:
        carriers = [(LUMA, *f) for f in ((0, 1), (1, 0), (0, 2), (1, 1), (2, 0), (2, 1))]
    else:
        carriers = [(c, i, j) for c in (red, blue) for i in (2, 3) for j in range(4)]
        carriers.append((LUMA, 3, 3))
    analysis = np.stack(
        [np.einsum("c,i,j->cij", c, waves[i], waves[j]).ravel() for c, i, j in carriers]
    )
    return analysis, np.linalg.pinv(analysis).T


def _publish(
    repository: Path,
    name: str,
    model: bytes,
    inputs: Inputs,
    output: TensorSpec,
) -> None:
    arrays = {spec.name: array for spec, array in inputs.items()}
    (answer,) = ReferenceEvaluator(onnx.load_from_string(model)).run(None, arrays)
    golden = io.BytesIO()
    files = {f"input.{key}": array for key, array in arrays.items()}
    files[f"output.{output.name}"] = np.asarray(answer)
    np.savez(golden, **files)  # type: ignore[arg-type]  # its hints know no names but its own
    config = ModelConfig(
        name=name,
        inputs=tuple(inputs),
        outputs=(output,),
        max_batch_size=64,
        parameters={"codec_version": str(CODEC_VERSION)},
    )
    contents = {"model.onnx": model, "golden.npz": golden.getvalue()}
    publish(repository, config, 1, contents, "# A small model for tests\n")
