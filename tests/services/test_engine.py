"""The engine serves only versions that are what their config and golden file promise."""

import io
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from fourcast_models.model_config import TensorSpec, format_config
from fourcast_services.device import Device, DeviceError
from fourcast_services.engine import (
    Engine,
    InputError,
    ModelRefusedError,
    UnknownModelError,
    UnknownVersionError,
)
from tests.services.small_model import CONFIG, golden, publish_small_model, weights

BOARDS = np.zeros((3, 2, 6, 7), np.uint8)


async def load(repository: Path, device: Device = Device.CPU) -> Engine:
    engine = Engine(repository, device, max_waiting=16)
    await engine.start()
    return engine


async def test_newest_version_answers_by_default(tmp_path: Path) -> None:
    for version in (9, 10):
        publish_small_model(tmp_path, version, seed=version)
    engine = await load(tmp_path)
    newest = await engine.infer("connect4", {"board": BOARDS})
    assert newest.version == "10"
    assert newest.outputs["policy"].shape == (3, 7)
    assert newest.outputs["value"].dtype == np.float32
    named = await engine.infer("connect4", {"board": BOARDS}, "10")
    assert np.array_equal(named.outputs["policy"], newest.outputs["policy"])
    older = await engine.infer("connect4", {"board": BOARDS}, "9")
    assert older.version == "9"


async def test_golden_mismatch_leaves_the_older_version_serving(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish_small_model(tmp_path, 1)
    publish_small_model(tmp_path, 2, golden_error=3e-4)
    engine = await load(tmp_path)
    assert (await engine.infer("connect4", {"board": BOARDS})).version == "1"
    assert "refused version 2 of model 'connect4': output 'policy' differs" in caplog.text
    with pytest.raises(UnknownVersionError):
        await engine.infer("connect4", {"board": BOARDS}, "2")


async def test_golden_may_differ_within_the_tolerance(tmp_path: Path) -> None:
    publish_small_model(tmp_path, 1, golden_error=5e-5)
    engine = await load(tmp_path)
    assert (await engine.infer("connect4", {"board": BOARDS})).version == "1"


@pytest.mark.parametrize(("error", "is_served"), [(0.015, True), (0.03, False)])
async def test_a_golden_file_may_allow_more(tmp_path: Path, error: float, is_served: bool) -> None:
    folder = publish_small_model(tmp_path, 1, golden_error=error)
    with np.load(folder / "golden.npz") as archive:
        arrays = dict(archive)
    np.savez(folder / "golden.npz", allow_pickle=False, **arrays, tolerance=np.float64(0.02))
    refused = pytest.raises(ModelRefusedError, match="differs from its golden")
    with nullcontext() if is_served else refused:
        await load(tmp_path)


async def test_no_version_left_is_an_error(tmp_path: Path) -> None:
    publish_small_model(tmp_path, 1, golden_error=1)
    with pytest.raises(ModelRefusedError, match=r"no version of model 'connect4'.*differs"):
        await load(tmp_path)


async def test_nan_in_the_golden_file_is_refused(tmp_path: Path) -> None:
    publish_small_model(tmp_path, 1, golden_error=float("nan"))
    with pytest.raises(ModelRefusedError, match="'policy' differs from its golden values in 7"):
        await load(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("model.onnx", b"", "cannot open"),
        ("model.onnx", b"not an ONNX file", "cannot open"),
        ("model.onnx", weights(policy_name="move"), "has the outputs"),
        ("golden.npz", b"", "cannot read"),
        ("golden.npz", b"PK\x03\x04 cut short", "cannot read"),
        ("golden.npz", golden(weights(), policy_name="move"), "holds arrays"),
    ],
)
async def test_broken_file_is_refused(
    tmp_path: Path, file: str, content: bytes, reason: str
) -> None:
    folder = publish_small_model(tmp_path, 1)
    (folder / file).write_bytes(content)
    with pytest.raises(ModelRefusedError, match=reason):
        await load(tmp_path)


@pytest.mark.parametrize("file", ["model.onnx", "golden.npz"])
async def test_missing_file_is_refused(tmp_path: Path, file: str) -> None:
    folder = publish_small_model(tmp_path, 1)
    (folder / file).unlink()
    with pytest.raises(ModelRefusedError, match=file):
        await load(tmp_path)


async def test_golden_file_with_pickles_is_refused(tmp_path: Path) -> None:
    folder = publish_small_model(tmp_path, 1)
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {"input.board": np.array([{}], dtype=object)}
    np.savez(buffer, **arrays)
    (folder / "golden.npz").write_bytes(buffer.getvalue())
    with pytest.raises(ModelRefusedError, match="allow_pickle=False"):
        await load(tmp_path)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (TensorSpec("board", np.dtype(np.uint8), (2, 7, 6)), r"is \[-1, 2, 6, 7\] in the ONNX"),
        (TensorSpec("board", np.dtype(np.uint8), (2, 6)), r"\[-1, 2, 6\] in config"),
        (TensorSpec("board", np.dtype(np.float32), (2, 6, 7)), "is UINT8 in the ONNX"),
    ],
)
async def test_config_and_onnx_file_must_agree(
    tmp_path: Path, spec: TensorSpec, reason: str
) -> None:
    folder = publish_small_model(tmp_path, 1)
    config = replace(CONFIG, inputs=(spec,))
    (folder.parent / "config.pbtxt").write_text(format_config(config))
    with pytest.raises(ModelRefusedError, match=reason):
        await load(tmp_path)


@pytest.fixture
async def engine(tmp_path: Path) -> Engine:
    publish_small_model(tmp_path)
    return await load(tmp_path)


@pytest.mark.parametrize(
    ("name", "array", "reason"),
    [
        ("boards", BOARDS, r"takes \['board'\], not \['boards'\]"),
        ("board", BOARDS.astype(np.float32), "must be uint8"),
        ("board", BOARDS[0], r"not uint8 \[2, 6, 7\]"),
        ("board", BOARDS[:, :1], r"not uint8 \[3, 1, 6, 7\]"),
        ("board", BOARDS[:0], "1 to 64"),
        ("board", np.zeros((65, 2, 6, 7), np.uint8), r"1 to 64, not \[65\]"),
    ],
)
async def test_inputs_that_do_not_fit(
    engine: Engine, name: str, array: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        await engine.infer("connect4", {name: array})


@pytest.mark.parametrize("name", ["", "chess", "../connect4", "connect4/1"])
async def test_unknown_model(engine: Engine, name: str) -> None:
    with pytest.raises(UnknownModelError, match="this server has connect4"):
        await engine.infer(name, {"board": BOARDS})


@pytest.mark.parametrize("version", ["2", "01", "1 ", "../1", "latest"])
async def test_unknown_version(engine: Engine, version: str) -> None:
    with pytest.raises(UnknownVersionError, match="it serves 1"):
        await engine.infer("connect4", {"board": BOARDS}, version)


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(),
    reason="this onnxruntime has CUDA",
)
async def test_cuda_is_never_replaced_in_silence(tmp_path: Path) -> None:
    publish_small_model(tmp_path)
    with pytest.raises(DeviceError, match=r"'cuda' cannot serve.*--device cpu"):
        await load(tmp_path, Device.CUDA)


async def test_log_names_the_provider_that_serves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish_small_model(tmp_path)
    with caplog.at_level("INFO"):
        await load(tmp_path, Device.AUTO)
    assert "version 1 serves on" in caplog.text
    assert "ExecutionProvider" in caplog.text
