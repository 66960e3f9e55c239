"""config.pbtxt: read, checked and written."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fourcast_models.model_config import (
    FREE,
    Batching,
    ConfigError,
    ModelConfig,
    TensorSpec,
    VersionPolicy,
    format_config,
    read_config,
)

CONFIG = ModelConfig(
    name="twice",
    inputs=(TensorSpec("x", np.dtype(np.int64), (2, FREE)),),
    outputs=(TensorSpec("y", np.dtype(np.float16), (2, FREE)),),
    max_batch_size=8,
    parameters={"codec": "1", "note": 'quotes " and\nlines'},
)
MODEL = (
    'name: "twice" backend: "onnxruntime" max_batch_size: 8 '
    'input { name: "x" data_type: TYPE_FP32 dims: 2 } '
    'output { name: "y" data_type: TYPE_FP32 dims: 2 } '
)


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        replace(CONFIG, max_batch_size=0, parameters={}, name="a.b-c_d"),
        replace(CONFIG, batching=Batching()),
        replace(CONFIG, batching=Batching(delay=0.0025, max_waiting=7), instances=3),
        replace(CONFIG, versions=VersionPolicy(newest=2)),
        replace(CONFIG, versions=VersionPolicy(only=(3, 5))),
    ],
)
def test_config_survives_its_file(tmp_path: Path, config: ModelConfig) -> None:
    path = tmp_path / "config.pbtxt"
    path.write_text(format_config(config))
    assert read_config(path) == config


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float32", "float64"])
def test_element_types_survive(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "config.pbtxt"
    spec = TensorSpec("x", np.dtype(dtype), ())
    path.write_text(format_config(replace(CONFIG, inputs=(spec,))))
    assert read_config(path).inputs == (spec,)


def test_shape_has_the_batch_dimension_first() -> None:
    assert CONFIG.shape(CONFIG.inputs[0]) == (FREE, 2, FREE)
    assert replace(CONFIG, max_batch_size=0).shape(CONFIG.inputs[0]) == (2, FREE)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('name: "twice"\ncolour: 3\n', ':2:1 : .*no field named "colour"'),
        ('max_batch_size: "many"', ":1:17 .*integer"),
        ('input { name: "x" shape: 3 }', ':1:19 .*no field named "shape"'),
        ("name: ", ":1:7"),
        ('name: "twice"', "field 'backend' is '', not 'onnxruntime'"),
        ('backend: "python"', "field 'backend' is 'python'"),
        ('backend: "onnxruntime" max_batch_size: -1', "'max_batch_size' is negative"),
        ('backend: "onnxruntime"', "field 'input' needs tensors"),
        (
            'backend: "onnxruntime" input { name: "x" data_type: TYPE_STRING }',
            "input 'x' has data_type TYPE_STRING",
        ),
        (
            'backend: "onnxruntime" input { name: "x" data_type: TYPE_FP32 dims: 0 }',
            r"input 'x' has dims \[0\]",
        ),
        (
            'backend: "onnxruntime" input { name: "x" data_type: TYPE_FP32 } '
            'input { name: "x" data_type: TYPE_FP32 }',
            "field 'input' needs tensors, each of its own name",
        ),
        (MODEL + "sequence_batching { }", "'sequence_batching' is not supported"),
        (MODEL + "ensemble_scheduling { }", "'ensemble_scheduling' is not supported"),
        (
            MODEL + "model_transaction_policy { decoupled: true }",
            "'model_transaction_policy' is not supported",
        ),
        (
            MODEL + "dynamic_batching { priority_levels: 2 }",
            "'dynamic_batching.priority_levels' is not supported",
        ),
        (
            MODEL + "dynamic_batching { default_queue_policy { timeout_action: DELAY } }",
            "'dynamic_batching.default_queue_policy.timeout_action' is not supported",
        ),
        (
            MODEL.replace("dims: 2", "dims: 2 reshape { shape: 4 }", 1),
            "'input 'x', reshape' is not supported",
        ),
        (
            MODEL.replace("max_batch_size: 8", "") + "dynamic_batching { }",
            "'dynamic_batching' needs a 'max_batch_size'",
        ),
        (
            MODEL + "version_policy { specific { } }",
            "'version_policy.specific.versions' needs whole numbers",
        ),
    ],
)
def test_wrong_config_names_file_and_field(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "config.pbtxt"
    path.write_text(text)
    with pytest.raises(ConfigError, match=reason) as caught:
        read_config(path)
    assert str(caught.value).startswith(str(path))


def test_fields_of_another_server_s_speed_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "config.pbtxt"
    path.write_text(
        MODEL
        + "optimization { priority: PRIORITY_MAX } dynamic_batching { preferred_batch_size: 4 } "
        "instance_group { count: 2 kind: KIND_CPU }"
    )
    config = read_config(path)
    assert config.batching == Batching()
    assert config.instances == 2


@pytest.mark.parametrize(
    ("policy", "candidates"),
    [
        (VersionPolicy(), (10, 9, 2)),
        (VersionPolicy(newest=1), (10, 9, 2)),
        (VersionPolicy(only=(2, 9, 77)), (9, 2)),
    ],
)
def test_candidates_are_the_newest_first(
    policy: VersionPolicy, candidates: tuple[int, ...]
) -> None:
    assert policy.candidates([2, 10, 9]) == candidates


def test_the_newest_alone_is_triton_s_default(tmp_path: Path) -> None:
    path = tmp_path / "config.pbtxt"
    path.write_text(MODEL)
    assert read_config(path).versions == VersionPolicy(newest=1)
