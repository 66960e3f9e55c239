"""The models of a repository, ready to answer."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fourcast_models.repository import (
    FREE,
    Arrays,
    Model,
    ModelConfig,
    RepositoryError,
    read_golden,
    read_repository,
)
from fourcast_services.engine.device import Device
from fourcast_services.engine.session import Session, SessionError, replay

_log = logging.getLogger(__name__)


class UnknownModelError(LookupError):
    """The engine has no model of that name."""


class UnknownVersionError(LookupError):
    """The model does not serve that version."""


class InputError(ValueError):
    """The arrays of a call do not fit the model's inputs."""


class ModelRefusedError(Exception):
    """No version of a model passes its checks; the text says why."""


@dataclass(frozen=True, slots=True)
class Inference:
    """What a model answered.

    Attributes:
        outputs: One array for every output, by name.
        version: The version that ran.
    """

    outputs: Arrays
    version: str


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A model and its versions that passed their checks, newest first."""

    config: ModelConfig
    sessions: Mapping[str, Session]


class Engine:
    """Runs any model of a repository on raw arrays.

    A call runs inline and takes well under a millisecond for the small models served here.
    """

    def __init__(self, models: Mapping[str, _Loaded]) -> None:
        self._models = models

    @classmethod
    def load(cls, repository: Path, device: Device) -> "Engine":
        """Open, check and warm up every version of every model.

        A version that fails is refused with a logged error, and the newest one that passes serves
        by default.

        Raises:
            RepositoryError: If the repository is missing or malformed.
            ModelRefusedError: If no version of some model passes.
            DeviceError: If the device cannot serve.
        """
        models = read_repository(repository)
        return cls({name: _load_model(model, device) for name, model in models.items()})

    def config(self, model: str) -> ModelConfig:
        """What a model takes and gives.

        Raises:
            UnknownModelError: If there is no such model.
        """
        return self._find(model).config

    def infer(self, model: str, inputs: Arrays, version: str = "") -> Inference:
        """Run a model.

        Args:
            model: Its name.
            inputs: One array for every input, of exactly its element type and shape.
            version: A whole number, or "" for the newest.

        Raises:
            UnknownModelError: If there is no such model.
            UnknownVersionError: If the model does not serve that version.
            InputError: If the arrays do not fit; the text names the input.
        """
        loaded = self._find(model)
        number = version or next(iter(loaded.sessions))
        if number not in loaded.sessions:
            raise UnknownVersionError(
                f"model {model!r} has no version {_shown(version)}; "
                f"it serves {', '.join(loaded.sessions)}"
            )
        _check_inputs(loaded.config, inputs)
        return Inference(outputs=loaded.sessions[number].run(inputs), version=number)

    def _find(self, model: str) -> _Loaded:
        if model not in self._models:
            raise UnknownModelError(
                f"no model {_shown(model)}; this server has {', '.join(self._models)}"
            )
        return self._models[model]


def _load_model(model: Model, device: Device) -> _Loaded:
    name = model.config.name
    sessions: dict[str, Session] = {}
    refusals = []
    for version in model.versions:
        try:
            session = Session(model.weights(version), model.config, device)
            golden = read_golden(model.golden(version), model.config)
            replay(session, golden, model.config)
        except (SessionError, RepositoryError) as error:
            _log.error("refused version %d of model %r: %s", version, name, error)
            refusals.append(f"version {version}: {error}")
        else:
            sessions[str(version)] = session
    if not sessions:
        raise ModelRefusedError(
            f"no version of model {name!r} in {model.folder} can serve; {'; '.join(refusals)}"
        )
    default, session = next(iter(sessions.items()))
    _log.info("model %r: version %s serves by default on %s", name, default, session.provider)
    return _Loaded(model.config, sessions)


def _check_inputs(config: ModelConfig, inputs: Arrays) -> None:
    names = {tensor.name for tensor in config.inputs}
    if inputs.keys() != names:
        raise InputError(f"model {config.name!r} takes {sorted(names)}, not {sorted(inputs)}")
    for tensor in config.inputs:
        array, shape = inputs[tensor.name], config.shape(tensor)
        fits = array.ndim == len(shape) and all(
            expected in (FREE, size) for expected, size in zip(shape, array.shape, strict=True)
        )
        if array.dtype != tensor.dtype or not fits:
            raise InputError(
                f"input {tensor.name!r} must be {tensor.dtype} {list(shape)} ({FREE}: any size), "
                f"not {array.dtype} {list(array.shape)}"
            )
    if config.max_batch_size:
        rows = {array.shape[0] for array in inputs.values()}
        if len(rows) > 1 or not 1 <= max(rows) <= config.max_batch_size:
            raise InputError(
                f"inputs of model {config.name!r} must have the same number of rows, 1 to "
                f"{config.max_batch_size}, not {sorted(rows)}"
            )


def _shown(text: str) -> str:
    """Text from a caller, quoted and cut for a message."""
    return repr(text[:64])
