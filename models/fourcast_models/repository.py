"""The model repository: folders in Triton's layout, discovered, read, checked and published.

This file alone knows the layout::

    <repository>/<model>/config.pbtxt           name, tensors, batching (inference.ModelConfig)
    <repository>/<model>/README.md              the model card, in English
    <repository>/<model>/README.es.md           the same in another language, if there is one
    <repository>/<model>/<version>/model.onnx
    <repository>/<model>/<version>/golden.npz   arrays "input.<tensor>" and "output.<tensor>"

The golden file may also have an array "tolerance", one number, see `Golden`. Versions are whole
numbers from 1. Folders whose names begin with a dot belong to a publish under way, or to one that
was killed, and are passed over.
"""

import errno
import os
import re
import shutil
import sys
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fourcast_models.model_config import (
    Arrays,
    ConfigError,
    ModelConfig,
    format_config,
    read_config,
)

CONFIG_FILE = "config.pbtxt"
CARD_FILE = "README.md"
WEIGHTS_FILE = "model.onnx"
GOLDEN_FILE = "golden.npz"
TOLERANCE_ARRAY = "tolerance"

Fingerprint = tuple[object, ...]
"""To be compared only; see `fingerprint`."""

_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_LANGUAGE = re.compile(r"[a-z]{2}")

CARD_LANGUAGE = "en"
"""The language of every model's own card."""


class RepositoryError(RuntimeError):
    """A model repository, or a part of it, is missing or malformed; the text names the file."""


@dataclass(frozen=True, slots=True)
class Golden:
    """Raw inputs of a model and the outputs that it gave for them where it was made.

    Attributes:
        inputs: One array for every input, all with the same number of rows.
        outputs: One array for every output.
        tolerance: How far outputs may be from these elsewhere, absolute up to 1, relative above; 0
            leaves that to the server. Sums in integers need more than sums in floats.
    """

    inputs: Arrays
    outputs: Arrays
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Card:
    """What a person should know about a model.

    Attributes:
        text: In Markdown.
        language: ISO 639-1, two letters.
    """

    text: str
    language: str


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


def model_names(repository: Path) -> list[str]:
    """The names of a repository's model folders, in alphabetical order, unread.

    Raises:
        RepositoryError: If the folder is missing or holds no model.
    """
    if not repository.is_dir():
        raise RepositoryError(f"model repository {repository} is not a folder")
    names = sorted(
        path.name
        for path in repository.iterdir()
        if path.is_dir() and not path.name.startswith(".")
    )
    if not names:
        raise RepositoryError(
            f"model repository {repository} holds no model: expected <model>/{CONFIG_FILE} "
            f"and <model>/<version>/{WEIGHTS_FILE} in it"
        )
    return names


def read_repository(repository: Path) -> dict[str, Model]:
    """Every model of a repository by name, in alphabetical order.

    Raises:
        RepositoryError: If the folder is missing or holds no model, or a model folder in it is
            malformed.
    """
    return {name: read_model(repository, name) for name in model_names(repository)}


def read_model(repository: Path, name: str) -> Model:
    """One model of a repository.

    Raises:
        RepositoryError: If the name is not one that a model can have, or the folder is missing or
            malformed.
    """
    if not (folder := repository / _checked_name(name)).is_dir():
        raise RepositoryError(f"model repository {repository} has no model {name!r}")
    config = _read_config(folder)
    if config.name != name:
        raise RepositoryError(
            f"{folder / CONFIG_FILE}: field 'name' is {config.name!r} but the folder is {name!r}"
        )
    if not (versions := _versions(folder)):
        raise RepositoryError(f"{folder} holds no version: expected {folder / '1'} or the like")
    return Model(folder=folder, config=config, versions=versions)


def fingerprint(model: Model, version: int) -> Fingerprint:
    """What tells a version's files, and its model's config, from changed ones.

    A file that is missing counts as one without content.
    """
    marks: list[tuple[int, ...]] = []
    for path in (model.weights(version), model.golden(version)):
        try:
            status = path.stat()
        except OSError:
            marks.append(())
        else:
            marks.append((status.st_ino, status.st_mtime_ns, status.st_size))
    return (model.config, *marks)


def read_golden(path: Path, config: ModelConfig) -> Golden:
    """A version's golden file, checked against the model's tensors.

    Raises:
        RepositoryError: If the file cannot be read, does not hold exactly one array for every
            input and output of the model, or has a tolerance that is no number from 0 to 1.
    """
    try:
        # Pickles are refused: a weights folder from elsewhere must not be able to run code.
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise RepositoryError(f"cannot read {path}: {error}") from None
    expected = {f"input.{tensor.name}" for tensor in config.inputs}
    expected |= {f"output.{tensor.name}" for tensor in config.outputs}
    tolerance = arrays.pop(TOLERANCE_ARRAY, np.float64(0))
    if tolerance.shape != () or not 0 <= tolerance <= 1:
        raise RepositoryError(f"{path}: the tolerance is {tolerance}, not a number from 0 to 1")
    if arrays.keys() != expected:
        raise RepositoryError(f"{path} holds arrays {sorted(arrays)}, not {sorted(expected)}")
    return Golden(
        inputs={tensor.name: arrays[f"input.{tensor.name}"] for tensor in config.inputs},
        outputs={tensor.name: arrays[f"output.{tensor.name}"] for tensor in config.outputs},
        tolerance=float(tolerance),
    )


def read_card(repository: Path, name: str, language: str = CARD_LANGUAGE) -> Card:
    """A model's card in a language, or in English if there is none in that one.

    Args:
        repository: The repository's folder.
        name: The model's.
        language: ISO 639-1, two lower-case letters.

    Raises:
        RepositoryError: If the name is not one that a model can have, or there is no card.
        ValueError: If the language is not two lower-case letters.
    """
    if not _LANGUAGE.fullmatch(language):
        raise ValueError(f"{language[:20]!r} is not a language of two lower-case letters, as 'es'")
    card = repository / _checked_name(name) / CARD_FILE
    translated = card.with_suffix(f".{language}{card.suffix}")
    try:
        if language != CARD_LANGUAGE and translated.is_file():
            return Card(translated.read_text(encoding="utf-8"), language)
        return Card(card.read_text(encoding="utf-8"), CARD_LANGUAGE)
    except (OSError, UnicodeDecodeError) as error:
        raise RepositoryError(f"model {name!r} has no card that can be read: {error}") from None


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
        read_golden(contents / GOLDEN_FILE, _read_config(staging))
        _move_in(staging, folder, version)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder / str(version)


def _read_config(folder: Path) -> ModelConfig:
    try:
        return read_config(folder / CONFIG_FILE)
    except ConfigError as error:
        raise RepositoryError(str(error)) from None


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
