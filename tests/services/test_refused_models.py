"""Model files are data: what would read other files or run other code never serves."""

import io
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tritonclient.grpc import service_pb2_grpc

from fourcast_models.model_config import format_config
from tests.services.protocol_model import (
    SIMPLE,
    answer,
    onnx_file,
    publish_simple,
    simple_weights,
)
from tests.services.running import command, run_server

SECRET = "secret.bin"


def refusal(repository: Path) -> str:
    """What a server that must not start says."""
    finished = subprocess.run(
        command(repository),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert "Traceback" not in finished.stderr
    return finished.stderr


def with_external_offset(location: str) -> bytes:
    """`simple`, whose offset stands in a file of its own."""
    model = onnx.load_from_string(simple_weights())
    (offset,) = model.graph.initializer
    offset.ClearField("raw_data")
    offset.ClearField("int32_data")
    offset.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "4")):
        offset.external_data.add(key=key, value=value)
    return model.SerializeToString()


@pytest.fixture
def version(tmp_path: Path) -> Path:
    """The folder of a version of `simple`, and beside and above it files with its offset, 0."""
    folder = publish_simple(tmp_path / "models")
    for place in (tmp_path, folder.parent, folder):
        (place / SECRET).write_bytes(bytes(4))
    (folder / "link.bin").symlink_to(tmp_path / SECRET)
    (folder / "folder").symlink_to(tmp_path)
    return folder


@pytest.mark.parametrize(
    "location",
    [
        "{root}/secret.bin",
        "../secret.bin",
        "../../../secret.bin",
        "./folder/../../secret.bin",
        "link.bin",
        "folder/secret.bin",
        "/proc/self/environ",
        "*/_ORT_MEM_ADDR_/*",
    ],
)
def test_data_outside_the_versions_folder(version: Path, tmp_path: Path, location: str) -> None:
    # The files are there and right: it is their place that is refused.
    model = with_external_offset(location.format(root=tmp_path))
    (version / "model.onnx").write_bytes(model)
    assert "cannot start: no version of model 'simple'" in refusal(tmp_path / "models")


def test_data_inside_the_versions_folder(version: Path) -> None:
    (version / "model.onnx").write_bytes(with_external_offset(SECRET))
    assert serves(version.parents[1])


def serves(repository: Path) -> bool:
    with run_server(repository) as server, grpc.insecure_channel(server.address) as channel:
        return answer(service_pb2_grpc.GRPCInferenceServiceStub(channel), "simple") == ("1", 0)


def test_links_of_the_operator_are_followed(version: Path, tmp_path: Path) -> None:
    # Kubernetes mounts volumes as links: whoever may write into the repository may link from it.
    (elsewhere := tmp_path / "elsewhere").mkdir()
    for file in ("model.onnx", "golden.npz"):
        (version / file).rename(elsewhere / file)
        (version / file).symlink_to(elsewhere / file)
    assert serves(version.parents[1])


def test_custom_operators(version: Path) -> None:
    nodes = [
        helper.make_node("Evil", ["INPUT0", "INPUT1"], ["OUTPUT0"], domain="com.example"),
        helper.make_node("Sub", ["INPUT0", "INPUT1"], ["OUTPUT1"]),
    ]
    opsets = [helper.make_opsetid("com.example", 1)]
    (version / "model.onnx").write_bytes(onnx_file(SIMPLE, nodes, opset_imports=opsets))
    said = refusal(version.parents[1])
    assert "Evil" in said
    assert "com.example" in said


def test_pickles_in_the_golden_file(version: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return Path.touch, (tmp_path / "trapped",)

    with np.load(version / "golden.npz") as golden:
        arrays = dict(golden)
    arrays["output.OUTPUT1"] = np.array([Trap()], dtype=object)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    (version / "golden.npz").write_bytes(buffer.getvalue())
    said = refusal(version.parents[1])
    assert f"cannot read {version / 'golden.npz'}" in said
    assert "allow_pickle=False" in said
    assert not (tmp_path / "trapped").exists()
    # The trap works where pickles are loaded.
    with np.load(version / "golden.npz", allow_pickle=True) as golden:
        golden["output.OUTPUT1"]
    assert (tmp_path / "trapped").exists()


@pytest.mark.parametrize("place", ["folder", "name"])
def test_a_model_of_another_name(version: Path, place: str) -> None:
    repository = version.parents[1]
    if place == "folder":
        (repository / "simple").rename(repository / "renamed")
        assert "'name' is 'simple' but the folder is 'renamed'" in refusal(repository)
    else:
        (repository / "simple").rename(repository / "a name")
        assert "'a name' is not a model name" in refusal(repository)


@pytest.mark.parametrize(
    ("addition", "reason"),
    [
        (
            "colour: 3",
            ':{line}:1 : Message type "inference.ModelConfig" has no field named "colour"',
        ),
        ("max_batch_size: many", ":{line}:17 : "),
        ("sequence_batching { }", ": field 'sequence_batching' is not supported"),
        ("ensemble_scheduling { }", ": field 'ensemble_scheduling' is not supported"),
        (
            "model_transaction_policy { decoupled: true }",
            ": field 'model_transaction_policy' is not supported",
        ),
        (
            "dynamic_batching { priority_levels: 2 }",
            ": field 'dynamic_batching.priority_levels' is not supported",
        ),
        (
            "dynamic_batching { default_queue_policy { timeout_action: DELAY } }",
            ": field 'dynamic_batching.default_queue_policy.timeout_action' is not supported",
        ),
        (
            'input { name: "INPUT3" data_type: TYPE_FP32 optional: true dims: 1 }',
            ": field 'input 'INPUT3', optional' is not supported",
        ),
    ],
)
def test_configs_that_ask_for_more(version: Path, addition: str, reason: str) -> None:
    file = version.parent / "config.pbtxt"
    text = format_config(replace(SIMPLE, batching=None))
    file.write_text(f"{text}{addition}\n")
    line = text.count("\n") + 1
    assert f"{file}{reason.format(line=line)}" in refusal(version.parents[1])


def test_configs_that_tune_another_server(version: Path) -> None:
    file = version.parent / "config.pbtxt"
    text = "optimization { priority: PRIORITY_MAX }\nmodel_warmup { name: 'one' batch_size: 1 }\n"
    file.write_text(file.read_text() + text)
    assert serves(version.parents[1])
