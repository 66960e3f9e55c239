"""One version of a model, opened and checked: what the engine serves."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

from fourcast_models.model_config import FREE, Arrays, ModelConfig
from fourcast_models.repository import Fingerprint, Model, fingerprint, read_golden
from fourcast_services.device import Device
from fourcast_services.engine.batcher import Batcher
from fourcast_services.engine.errors import InputError
from fourcast_services.engine.session import Session, replay


@dataclass(frozen=True, slots=True, eq=False)
class ServedVersion:
    """A version that passed its checks.

    Attributes:
        number: Its number.
        config: The model's config when it was opened.
        provider: The onnxruntime provider that runs it.
        batcher: Runs it.
        fingerprint: Of its files when they were opened.
        metadata: What its file says about itself: "metrics", "command", "commit" and the like.
    """

    number: int
    config: ModelConfig
    provider: str
    batcher: Batcher
    fingerprint: Fingerprint
    metadata: Mapping[str, str]


def open_version(
    model: Model, number: int, device: Device, executor: Executor, max_waiting: int
) -> ServedVersion:
    """Open a version, replay its golden file and so warm it up.

    Raises:
        SessionError: If its files are not what its config and golden file promise.
        RepositoryError: If its golden file cannot be read.
        DeviceError: If the device cannot serve.
    """
    # Taken first: files that change while they are read have another one afterwards.
    mark = fingerprint(model, number)
    session = Session(model.weights(number), model.config, device)
    seconds = replay(session, read_golden(model.golden(number), model.config), model.config)
    batcher = Batcher(
        session.run, model.config, executor, row_seconds=seconds, max_waiting=max_waiting
    )
    return ServedVersion(number, model.config, session.provider, batcher, mark, session.metadata)


def check_inputs(config: ModelConfig, inputs: Arrays) -> None:
    """Compare the arrays of a call with what the model takes.

    Raises:
        InputError: If they do not fit; the text names the input.
    """
    names = {tensor.name for tensor in config.inputs}
    if inputs.keys() != names:
        # A status has room for some thousand characters; callers choose these.
        given = [name[:64] for name in sorted(inputs)[: len(names) + 1]]
        raise InputError(f"model {config.name!r} takes {sorted(names)}, not {given}")
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
