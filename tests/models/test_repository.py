"""The model repository: read with clear errors, published whole or not at all."""

import io
import multiprocessing
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fourcast_models import repository as repository_module
from fourcast_models.model_config import FREE, ModelConfig, TensorSpec, format_config
from fourcast_models.repository import (
    RepositoryError,
    default_repository,
    next_version,
    publish,
    read_golden,
    read_model,
    read_repository,
)

if TYPE_CHECKING:
    from _typeshed import HasFileno

CONFIG = ModelConfig(
    name="twice",
    inputs=(TensorSpec("x", np.dtype(np.int64), (2, FREE)),),
    outputs=(TensorSpec("y", np.dtype(np.float16), (2, FREE)),),
    max_batch_size=8,
    parameters={"codec": "1", "note": 'quotes " and\nlines'},
)


def golden_bytes(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


GOLDEN = golden_bytes(**{"input.x": np.ones((1, 2, 3)), "output.y": np.full((1, 2, 3), 2.0)})
FILES = {"model.onnx": b"weights", "golden.npz": GOLDEN}


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder and its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_first_version_arrives_whole(tmp_path: Path) -> None:
    repository = tmp_path / "new" / "repository"
    folder = publish(repository, CONFIG, 1, FILES, "# Card\n")
    assert folder == repository / "twice" / "1"
    assert tree(repository) == {
        "twice/1/golden.npz": GOLDEN,
        "twice/1/model.onnx": b"weights",
        "twice/README.md": b"# Card\n",
        "twice/config.pbtxt": format_config(CONFIG).encode(),
    }
    model = read_model(repository, "twice")
    assert model.config == CONFIG
    assert model.versions == (1,)
    assert model.weights(1).read_bytes() == b"weights"
    assert model.card.read_text() == "# Card\n"
    golden = read_golden(model.golden(1), model.config)
    assert np.array_equal(golden.inputs["x"] * 2, golden.outputs["y"])


def test_later_version_replaces_config_and_card(tmp_path: Path) -> None:
    publish(tmp_path, CONFIG, 9, FILES, "old")
    assert next_version(tmp_path, "twice") == 10
    newer = replace(CONFIG, parameters={"codec": "2"})
    publish(tmp_path, newer, 10, {**FILES, "model.onnx": b"newer"}, "new")
    model = read_model(tmp_path, "twice")
    assert model.versions == (10, 9)
    assert model.config.parameters == {"codec": "2"}
    assert model.card.read_text() == "new"
    assert model.weights(9).read_bytes() == b"weights"
    assert [path.name for path in tmp_path.iterdir()] == ["twice"]


def test_published_folders_can_be_read_by_others(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        folder = publish(tmp_path, CONFIG, 1, FILES, "")
    finally:
        os.umask(mask)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "model.onnx").stat().st_mode & 0o777 == 0o644


def test_a_version_is_never_overwritten(tmp_path: Path) -> None:
    publish(tmp_path, CONFIG, 1, FILES, "old")
    before = tree(tmp_path)
    with pytest.raises(RepositoryError, match=r"never overwritten: publish version 2"):
        publish(tmp_path, CONFIG, 1, {**FILES, "model.onnx": b"other"}, "new")
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("config", "version", "files", "reason"),
    [
        (replace(CONFIG, name="../twice"), 1, FILES, "is not a model name"),
        (replace(CONFIG, name=""), 1, FILES, "is not a model name"),
        (replace(CONFIG, name=".hidden"), 1, FILES, "is not a model name"),
        (CONFIG, 0, FILES, "not a whole number from 1"),
        (CONFIG, -1, FILES, "not a whole number from 1"),
        (CONFIG, 1, {**FILES, "../escape": b""}, "not a plain file name"),
        (CONFIG, 1, {**FILES, "..": b""}, "not a plain file name"),
        (CONFIG, 1, {"model.onnx": b""}, "needs golden.npz"),
        (CONFIG, 1, {"golden.npz": GOLDEN}, "needs model.onnx"),
        (CONFIG, 1, {**FILES, "golden.npz": b"broken"}, "cannot read .*golden.npz"),
        (CONFIG, 1, {**FILES, "golden.npz": golden_bytes(x=1)}, r"holds arrays \['x'\]"),
        (CONFIG, 1, {**FILES, "golden.npz": golden_bytes(tolerance=2.0)}, "tolerance is 2.0, not"),
        (CONFIG, 1, {**FILES, "golden.npz": golden_bytes(tolerance=np.nan)}, "is nan, not"),
        (CONFIG, 1, {**FILES, "golden.npz": golden_bytes(tolerance=[0.1])}, "not a number from 0"),
        (replace(CONFIG, inputs=()), 1, FILES, "field 'input' needs tensors"),
    ],
)
def test_refused_publish_leaves_nothing(
    tmp_path: Path, config: ModelConfig, version: int, files: dict[str, bytes], reason: str
) -> None:
    with pytest.raises(RepositoryError, match=reason):
        publish(tmp_path, config, version, files, "")
    assert list(tmp_path.iterdir()) == []


def _publish_and_die(repository: Path, step: int) -> None:
    """Publish version 2 in this process, which is killed at the step-th sync."""
    steps = 0

    def dying_sync(fd: "int | HasFileno") -> None:  # noqa: ARG001 - the name is fsync's
        nonlocal steps
        steps += 1
        if steps == step:
            os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = dying_sync
    publish(repository, CONFIG, 2, {**FILES, "model.onnx": b"newer"}, "new")


def _killed_publish(repository: Path, step: int) -> bool:
    """Whether a publish was killed at that step; False when it ended before."""
    process = multiprocessing.get_context("fork").Process(
        target=_publish_and_die, args=(repository, step)
    )
    process.start()
    process.join(60)
    return process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("existing", [False, True])
def test_killed_publish_leaves_a_repository_that_reads(tmp_path: Path, existing: bool) -> None:
    """Killed after every file and folder it writes: the new version is whole or not there."""
    outcomes = []
    step = 1
    while True:
        repository = tmp_path / str(step)
        repository.mkdir()
        if existing:
            publish(repository, CONFIG, 1, FILES, "old")
        killed = _killed_publish(repository, step)
        if not killed:
            break
        if existing or (repository / "twice").exists():
            model = read_repository(repository)["twice"]
            outcomes.append(2 in model.versions)
            if outcomes[-1]:
                assert model.weights(2).read_bytes() == b"newer"
                read_golden(model.golden(2), model.config)
            if existing:
                assert model.weights(1).read_bytes() == b"weights"
        else:
            outcomes.append(False)
        # What the killed one left behind is in nobody's way.
        publish(repository, CONFIG, next_version(repository, "twice"), FILES, "again")
        step += 1
    assert read_model(repository, "twice").versions[0] == 2
    assert outcomes[0] is False
    assert outcomes[-1] is True
    assert outcomes == sorted(outcomes)


def test_reading_passes_over_what_is_no_model_or_version(tmp_path: Path) -> None:
    publish(tmp_path, CONFIG, 3, FILES, "")
    publish(tmp_path, replace(CONFIG, name="another"), 1, FILES, "")
    (tmp_path / ".publish-twice-1234").mkdir()
    (tmp_path / "README.md").write_text("The models of fourcast.")
    for name in ("01", "0", "latest", "2.old", ".4"):
        (tmp_path / "twice" / name).mkdir()
    (tmp_path / "twice" / "7").write_text("a file")
    models = read_repository(tmp_path)
    assert list(models) == ["another", "twice"]
    assert models["twice"].versions == (3,)


def test_repository_that_is_missing_or_empty(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="is not a folder"):
        read_repository(tmp_path / "none")
    with pytest.raises(RepositoryError, match="holds no model"):
        read_repository(tmp_path)


def test_broken_model_is_not_passed_over(tmp_path: Path) -> None:
    publish(tmp_path, CONFIG, 1, FILES, "")
    (tmp_path / "broken" / "1").mkdir(parents=True)
    with pytest.raises(RepositoryError, match=r"broken.config\.pbtxt"):
        read_repository(tmp_path)


def test_folder_and_config_name_agree(tmp_path: Path) -> None:
    publish(tmp_path, CONFIG, 1, FILES, "")
    (tmp_path / "twice").rename(tmp_path / "thrice")
    with pytest.raises(RepositoryError, match="is 'twice' but the folder is 'thrice'"):
        read_model(tmp_path, "thrice")


def test_model_without_versions(tmp_path: Path) -> None:
    publish(tmp_path, CONFIG, 1, FILES, "")
    (tmp_path / "twice" / "1").rename(tmp_path / "twice" / "draft")
    with pytest.raises(RepositoryError, match="holds no version"):
        read_model(tmp_path, "twice")


@pytest.mark.parametrize("name", ["..", "../twice", "/etc", "twice/1", "", "a\n", "x" * 65, "ü"])
def test_names_never_become_paths_out_of_the_repository(tmp_path: Path, name: str) -> None:
    publish(tmp_path / "repository", CONFIG, 1, FILES, "")
    publish(tmp_path, CONFIG, 1, FILES, "")
    with pytest.raises(RepositoryError, match="is not a model name"):
        read_model(tmp_path / "repository", name)
    with pytest.raises(RepositoryError, match="is not a model name"):
        next_version(tmp_path / "repository", name)


def test_next_version_of_a_new_model(tmp_path: Path) -> None:
    assert next_version(tmp_path, "new") == 1


def test_default_repository_is_this_checkouts() -> None:
    checkout = Path(__file__).resolve().parents[2]
    assert default_repository() == checkout / "models" / "repository"


def test_default_repository_of_an_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "lib" / "site-packages" / "fourcast_models" / "repository.py"
    monkeypatch.setattr(repository_module, "__file__", str(code))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(RepositoryError, match="name one with --models"):
        default_repository()
    installed = tmp_path / "share" / "fourcast" / "models" / "repository"
    installed.mkdir(parents=True)
    assert default_repository() == installed
