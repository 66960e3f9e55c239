"""The model repository: folders in Triton's layout, discovered, read, checked and published.

This file alone knows the layout::

    <repository>/<model>/config.pbtxt           name, tensors, batching (inference.ModelConfig)
    <repository>/<model>/README.md              the model card
    <repository>/<model>/<version>/model.onnx
    <repository>/<model>/<version>/golden.npz   arrays "input.<tensor>" and "output.<tensor>"

Versions are whole numbers from 1; the newest serves by default. Folders whose names begin with a
dot belong to a publish under way, or to one that was killed, and are passed over.
"""

import errno
import os
import re
import shutil
import sys
import uuid
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

CONFIG_FILE = "config.pbtxt"
CARD_FILE = "README.md"
WEIGHTS_FILE = "model.onnx"
GOLDEN_FILE = "golden.npz"
BACKEND = "onnxruntime"

FREE = -1
"""The size of a dimension that may be anything."""

_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_NUMBERS = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64"
_DTYPES: dict[str, np.dtype[np.generic]] = {
    f"TYPE_{name.upper().replace('FLOAT', 'FP')}": np.dtype(name) for name in _NUMBERS.split()
}
"""Element types by their names in config.pbtxt, "TYPE_UINT8" or "TYPE_FP32"."""

Arrays = Mapping[str, npt.NDArray[Any]]
"""Arrays by tensor name."""


class RepositoryError(RuntimeError):
    """A model repository, or a part of it, is missing or malformed; the text names the file."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output of a model.

    Attributes:
        name: The tensor's name in the ONNX file.
        dtype: Its element type.
        dims: Its sizes, `FREE` where any will do; without the batch dimension if the model has one.
    """

    name: str
    dtype: np.dtype[np.generic]
    dims: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What config.pbtxt says about a model.

    Attributes:
        name: The model's name, which is its folder's name.
        inputs: What it takes.
        outputs: What it gives.
        max_batch_size: The most rows of one call; 0 if the tensors have no batch dimension.
        parameters: Free text by key.
    """

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    max_batch_size: int
    parameters: Mapping[str, str] = field(default_factory=dict)

    def shape(self, tensor: TensorSpec) -> tuple[int, ...]:
        """The tensor's sizes as in the ONNX file: with a leading `FREE` for the batch, if any."""
        return (FREE, *tensor.dims) if self.max_batch_size else tensor.dims


@dataclass(frozen=True, slots=True)
class Golden:
    """Raw inputs of a model and the outputs that its training framework gave for them.

    Attributes:
        inputs: One array for every input, all with the same number of rows.
        outputs: One array for every output.
    """

    inputs: Arrays
    outputs: Arrays


@dataclass(frozen=True, slots=True)
class Model:
    """A model's folder.

    Attributes:
        folder: Where it is.
        config: What its config.pbtxt says.
        versions: The versions present, newest first; never empty.
    """

    folder: Path
    config: ModelConfig
    versions: tuple[int, ...]

    @property
    def card(self) -> Path:
        """The model card."""
        return self.folder / CARD_FILE

    def weights(self, version: int) -> Path:
        """The ONNX file of a version."""
        return self.folder / str(version) / WEIGHTS_FILE

    def golden(self, version: int) -> Path:
        """The golden file of a version."""
        return self.folder / str(version) / GOLDEN_FILE


def default_repository() -> Path:
    """The repository of this checkout, or else the one that was installed with the package.

    Raises:
        RepositoryError: If there is neither.
    """
    checkout = Path(__file__).resolve().parents[1] / "repository"
    installed = Path(sys.prefix) / "share" / "fourcast" / "models" / "repository"
    for candidate in (checkout, installed):
        if candidate.is_dir():
            return candidate
    raise RepositoryError(
        f"no model repository: neither {checkout} nor {installed} exists; name one with --models"
    )


def read_repository(repository: Path) -> dict[str, Model]:
    """Every model of a repository by name, in alphabetical order.

    Raises:
        RepositoryError: If the folder is missing or holds no model, or a model folder in it is
            malformed.
    """
    if not repository.is_dir():
        raise RepositoryError(f"model repository {repository} is not a folder")
    folders = sorted(
        path for path in repository.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    if not folders:
        raise RepositoryError(
            f"model repository {repository} holds no model: expected <model>/{CONFIG_FILE} "
            f"and <model>/<version>/{WEIGHTS_FILE} in it"
        )
    return {folder.name: read_model(repository, folder.name) for folder in folders}


def read_model(repository: Path, name: str) -> Model:
    """One model of a repository.

    Raises:
        RepositoryError: If the name is not one that a model can have, or the folder is missing or
            malformed.
    """
    if not (folder := repository / _checked_name(name)).is_dir():
        raise RepositoryError(f"model repository {repository} has no model {name!r}")
    config = read_config(folder / CONFIG_FILE)
    if config.name != name:
        raise RepositoryError(
            f"{folder / CONFIG_FILE}: field 'name' is {config.name!r} but the folder is {name!r}"
        )
    if not (versions := _versions(folder)):
        raise RepositoryError(f"{folder} holds no version: expected {folder / '1'} or the like")
    return Model(folder=folder, config=config, versions=versions)


def read_config(path: Path) -> ModelConfig:
    """A model's config.pbtxt, checked.

    Raises:
        RepositoryError: If the file cannot be read, has a field that Triton's format does not
            know (the message names file, line and field), or does not describe an ONNX model.
    """
    try:
        message = text_format.Parse(path.read_text("utf-8"), model_config_pb2.ModelConfig())
    except text_format.ParseError as error:
        raise RepositoryError(f"{path}:{error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RepositoryError(f"cannot read {path}: {error}") from None
    if message.backend != BACKEND:
        raise RepositoryError(f"{path}: field 'backend' is {message.backend!r}, not {BACKEND!r}")
    if message.max_batch_size < 0:
        raise RepositoryError(f"{path}: field 'max_batch_size' is negative")
    return ModelConfig(
        name=message.name,
        inputs=_read_tensors(path, "input", message.input),
        outputs=_read_tensors(path, "output", message.output),
        max_batch_size=message.max_batch_size,
        parameters={key: value.string_value for key, value in message.parameters.items()},
    )


def format_config(config: ModelConfig) -> str:
    """The text of config.pbtxt that `read_config` reads back."""
    message = model_config_pb2.ModelConfig(
        name=config.name,
        backend=BACKEND,
        max_batch_size=config.max_batch_size,
    )
    # Triton's default would offer the newest version only; fourcast-serve offers them all.
    message.version_policy.all.SetInParent()
    type_names = {dtype: name for name, dtype in _DTYPES.items()}
    for target, tensors in ((message.input, config.inputs), (message.output, config.outputs)):
        for tensor in tensors:
            data_type = model_config_pb2.DataType.Value(type_names[tensor.dtype])
            target.add(name=tensor.name, data_type=data_type, dims=tensor.dims)
    for key, value in config.parameters.items():
        message.parameters[key].string_value = value
    return text_format.MessageToString(message)


def read_golden(path: Path, config: ModelConfig) -> Golden:
    """A version's golden file, checked against the model's tensors.

    Raises:
        RepositoryError: If the file cannot be read, or does not hold exactly one array for every
            input and output of the model.
    """
    try:
        # Pickles are refused: a weights folder from elsewhere must not be able to run code.
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise RepositoryError(f"cannot read {path}: {error}") from None
    expected = {f"input.{tensor.name}" for tensor in config.inputs}
    expected |= {f"output.{tensor.name}" for tensor in config.outputs}
    if arrays.keys() != expected:
        raise RepositoryError(f"{path} holds arrays {sorted(arrays)}, not {sorted(expected)}")
    return Golden(
        inputs={tensor.name: arrays[f"input.{tensor.name}"] for tensor in config.inputs},
        outputs={tensor.name: arrays[f"output.{tensor.name}"] for tensor in config.outputs},
    )


def next_version(repository: Path, name: str) -> int:
    """The number after the newest version of a model; 1 if it has none yet.

    Raises:
        RepositoryError: If the name is not one that a model can have.
    """
    versions = _versions(repository / _checked_name(name))
    return versions[0] + 1 if versions else 1


def publish(
    repository: Path, config: ModelConfig, version: int, files: Mapping[str, bytes], card: str
) -> Path:
    """Add a version to the repository, whole or not at all.

    Everything is written and synced beside its place and then renamed into it. The first version
    of a model arrives with its config and card in one rename. A later version arrives in one
    rename, then config.pbtxt and README.md are each replaced in one; killed in between, the new
    version stands under the old config, and a server refuses it if the two do not agree.

    Args:
        repository: The repository's folder; made if missing.
        config: Becomes config.pbtxt. Its name is the model's folder.
        version: A whole number from 1 that the model does not have yet; see `next_version`.
        files: The contents of the version's folder by file name, such as "model.onnx".
        card: The text of README.md.

    Returns:
        The version's folder.

    Raises:
        RepositoryError: If the version exists, a name or number is not possible, a needed file is
            missing, or the golden file does not fit the config.
    """
    folder = repository / _checked_name(config.name)
    if not _VERSION.fullmatch(str(version)):
        raise RepositoryError(f"version {version} of {config.name!r} is not a whole number from 1")
    _check_files(files)
    if (folder / str(version)).exists():
        raise RepositoryError(
            f"{folder / str(version)} exists and published versions are never overwritten: "
            f"publish version {next_version(repository, config.name)}"
        )
    repository.mkdir(parents=True, exist_ok=True)
    staging = repository / f".publish-{config.name}-{uuid.uuid4().hex}"
    try:
        contents = staging / str(version)
        contents.mkdir(parents=True)
        for file, content in files.items():
            _write_synced(contents / file, content)
        _write_synced(staging / CONFIG_FILE, format_config(config).encode())
        _write_synced(staging / CARD_FILE, card.encode())
        _sync_folder(contents)
        _sync_folder(staging)
        read_golden(contents / GOLDEN_FILE, read_config(staging / CONFIG_FILE))
        _move_in(staging, folder, version)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder / str(version)


def _move_in(staging: Path, folder: Path, version: int) -> None:
    """Give a written and synced model, of one version, its place in the repository."""
    try:
        if not folder.exists():
            staging.rename(folder)
            _sync_folder(folder.parent)
            return
        (staging / str(version)).rename(folder / str(version))
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise RepositoryError(f"another publish of {folder.name!r} came first: run again") from None
    _sync_folder(folder)
    for file in (CONFIG_FILE, CARD_FILE):
        (staging / file).replace(folder / file)
    _sync_folder(folder)


def _check_files(files: Mapping[str, bytes]) -> None:
    for file in files:
        if file in ("", ".", "..") or Path(file).name != file:
            raise RepositoryError(f"{file!r} is not a plain file name")
    if missing := sorted({WEIGHTS_FILE, GOLDEN_FILE} - files.keys()):
        raise RepositoryError(f"a version needs {missing[0]}, but only has {sorted(files)}")


def _read_tensors(
    path: Path, kind: str, messages: Iterable[model_config_pb2.ModelInput]
) -> tuple[TensorSpec, ...]:
    """The tensors of one kind, "input" or "output"."""
    tensors = []
    for message in messages:
        type_name = model_config_pb2.DataType.Name(message.data_type)
        if type_name not in _DTYPES:
            raise RepositoryError(
                f"{path}: {kind} {message.name!r} has data_type {type_name}, not one of "
                f"{', '.join(_DTYPES)}"
            )
        if any(size < 1 and size != FREE for size in message.dims):
            raise RepositoryError(
                f"{path}: {kind} {message.name!r} has dims {list(message.dims)}: sizes are "
                f"positive, or {FREE} for any"
            )
        tensors.append(TensorSpec(message.name, _DTYPES[type_name], tuple(message.dims)))
    names = [tensor.name for tensor in tensors]
    if not names or "" in names or len(set(names)) < len(names):
        raise RepositoryError(f"{path}: field '{kind}' needs tensors, each of its own name")
    return tuple(tensors)


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, as fsync does for a file's content."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _checked_name(name: str) -> str:
    """The name, if it can be a model's: then it is no path out of the repository."""
    if not _MODEL_NAME.fullmatch(name):
        raise RepositoryError(
            f"{name[:80]!r} is not a model name: letters, digits, '.', '_' and '-', at most 64, "
            "the first a letter or digit"
        )
    return name


def _versions(folder: Path) -> tuple[int, ...]:
    if not folder.is_dir():
        return ()
    names = (path.name for path in folder.iterdir() if path.is_dir())
    return tuple(sorted((int(name) for name in names if _VERSION.fullmatch(name)), reverse=True))
