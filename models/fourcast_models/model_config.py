"""config.pbtxt: what a model takes and gives, and how it wants to be served.

The format is Triton's, read and written with the messages that `tritonclient` ships. Of its fields
fourcast uses the name, the tensors, `max_batch_size`, `dynamic_batching`, the count of
`instance_group`, `version_policy` and `parameters`. Fields that only tune another server's speed
are passed over; a field that would change a model's answers is an error.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import text_format
from google.protobuf.message import Message
from tritonclient.grpc import model_config_pb2

BACKEND = "onnxruntime"

FREE = -1
"""The size of a dimension that may be anything."""

_NUMBERS = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64"
DATATYPES: dict[str, np.dtype[np.generic]] = {
    name.upper().replace("FLOAT", "FP"): np.dtype(name) for name in _NUMBERS.split()
}
"""Element types by their names in the Open Inference Protocol, "UINT8" or "FP32"."""

DATATYPE_NAMES = {dtype: name for name, dtype in DATATYPES.items()}
"""The other way round."""

_PREFIX = "TYPE_"
"""What config.pbtxt writes before the name of an element type."""

_SERVED_FIELDS = frozenset(
    (
        "name",
        "platform",
        "backend",
        "version_policy",
        "max_batch_size",
        "input",
        "output",
        "dynamic_batching",
        "instance_group",
        "parameters",
    )
)
_SPEED_FIELDS = frozenset(
    ("optimization", "model_warmup", "metric_tags", "response_cache", "model_metrics")
)
_TENSOR_FIELDS = frozenset(("name", "data_type", "format", "dims", "label_filename"))
_BATCHING_FIELDS = frozenset(
    (
        "preferred_batch_size",
        "max_queue_delay_microseconds",
        "preserve_ordering",
        "default_queue_policy",
    )
)
_QUEUE_FIELDS = frozenset(("max_queue_size",))

Arrays = Mapping[str, npt.NDArray[Any]]
"""Arrays by tensor name."""


class ConfigError(ValueError):
    """A config.pbtxt cannot be used; the text names the line or field."""


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
class Batching:
    """Requests that wait together go as one.

    Attributes:
        delay: How long a request waits for company, in seconds; at 0 it never waits for it.
        max_waiting: How many requests may wait; 0 leaves the bound to the server.
    """

    delay: float = 0.0
    max_waiting: int = 0


@dataclass(frozen=True, slots=True)
class VersionPolicy:
    """Which versions of a model are served.

    Attributes:
        newest: That many, the newest first; None for all.
        only: Just these, if there are any.
    """

    newest: int | None = None
    only: tuple[int, ...] = ()

    def candidates(self, present: Iterable[int]) -> tuple[int, ...]:
        """The versions that may serve, best first; `newest` of those that can are to be taken."""
        chosen = set(present) & set(self.only) if self.only else set(present)
        return tuple(sorted(chosen, reverse=True))


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What config.pbtxt says about a model.

    Attributes:
        name: The model's name, which is its folder's name.
        inputs: What it takes.
        outputs: What it gives.
        max_batch_size: The most rows of one call; 0 if the tensors have no batch dimension.
        batching: How requests go together; None if each goes alone.
        instances: How many batches may run at the same time, from 1.
        versions: Which versions serve.
        parameters: Free text by key.
    """

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    max_batch_size: int
    batching: Batching | None = None
    instances: int = 1
    versions: VersionPolicy = VersionPolicy()
    parameters: Mapping[str, str] = field(default_factory=dict)

    def shape(self, tensor: TensorSpec) -> tuple[int, ...]:
        """The tensor's sizes as in the ONNX file: with a leading `FREE` for the batch, if any."""
        return (FREE, *tensor.dims) if self.max_batch_size else tensor.dims


def read_config(path: Path) -> ModelConfig:
    """A model's config.pbtxt, checked.

    Raises:
        ConfigError: If the file cannot be read, has a field that Triton's format does not know (the
            message names file, line and field) or that fourcast cannot honour, or does not describe
            an ONNX model.
    """
    try:
        message = text_format.Parse(path.read_text("utf-8"), model_config_pb2.ModelConfig())
    except text_format.ParseError as error:
        raise ConfigError(f"{path}:{error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from None
    try:
        return _read_message(message)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def format_config(config: ModelConfig) -> str:
    """The text of config.pbtxt that `read_config` reads back."""
    return text_format.MessageToString(config_message(config))


def config_message(config: ModelConfig) -> model_config_pb2.ModelConfig:
    """A model's config as Triton's message, `inference.ModelConfig`."""
    message = model_config_pb2.ModelConfig(
        name=config.name, backend=BACKEND, max_batch_size=config.max_batch_size
    )
    for target, tensors in ((message.input, config.inputs), (message.output, config.outputs)):
        for tensor in tensors:
            data_type = model_config_pb2.DataType.Value(_PREFIX + DATATYPE_NAMES[tensor.dtype])
            target.add(name=tensor.name, data_type=data_type, dims=tensor.dims)
    if config.versions.only:
        message.version_policy.specific.versions.extend(config.versions.only)
    elif config.versions.newest is None:
        message.version_policy.all.SetInParent()
    else:
        message.version_policy.latest.num_versions = config.versions.newest
    if config.batching is not None:
        batching = message.dynamic_batching
        batching.SetInParent()
        batching.max_queue_delay_microseconds = round(config.batching.delay * 1e6)
        if config.batching.max_waiting:
            batching.default_queue_policy.max_queue_size = config.batching.max_waiting
    if config.instances > 1:
        message.instance_group.add(count=config.instances)
    for key, value in config.parameters.items():
        message.parameters[key].string_value = value
    return message


def _read_message(message: model_config_pb2.ModelConfig) -> ModelConfig:
    _refuse_others("", message, _SERVED_FIELDS | _SPEED_FIELDS)
    if message.backend != BACKEND:
        raise ConfigError(f"field 'backend' is {message.backend!r}, not {BACKEND!r}")
    if message.max_batch_size < 0:
        raise ConfigError("field 'max_batch_size' is negative")
    if not message.max_batch_size and message.HasField("dynamic_batching"):
        raise ConfigError(
            "field 'dynamic_batching' needs a 'max_batch_size' from 1: without one the tensors "
            "have no batch dimension"
        )
    return ModelConfig(
        name=message.name,
        inputs=_read_tensors("input", message.input),
        outputs=_read_tensors("output", message.output),
        max_batch_size=message.max_batch_size,
        batching=_read_batching(message),
        instances=max([1, *(group.count for group in message.instance_group)]),
        versions=_read_versions(message.version_policy),
        parameters={key: value.string_value for key, value in message.parameters.items()},
    )


def _read_batching(message: model_config_pb2.ModelConfig) -> Batching | None:
    if not message.HasField("dynamic_batching"):
        return None
    batching = message.dynamic_batching
    _refuse_others("dynamic_batching.", batching, _BATCHING_FIELDS)
    _refuse_others(
        "dynamic_batching.default_queue_policy.", batching.default_queue_policy, _QUEUE_FIELDS
    )
    return Batching(
        delay=batching.max_queue_delay_microseconds / 1e6,
        max_waiting=batching.default_queue_policy.max_queue_size,
    )


def _read_versions(policy: model_config_pb2.ModelVersionPolicy) -> VersionPolicy:
    match policy.WhichOneof("policy_choice"):
        case "all":
            return VersionPolicy(newest=None)
        case "specific":
            if not policy.specific.versions or min(policy.specific.versions) < 1:
                raise ConfigError(
                    "field 'version_policy.specific.versions' needs whole numbers from 1"
                )
            return VersionPolicy(newest=None, only=tuple(policy.specific.versions))
        case _:
            # Triton's default, too: the newest alone.
            return VersionPolicy(newest=policy.latest.num_versions or 1)


def _read_tensors(
    kind: str, messages: "Iterable[model_config_pb2.ModelInput]"
) -> tuple[TensorSpec, ...]:
    """The tensors of one kind, "input" or "output"."""
    tensors = []
    for message in messages:
        where = f"{kind} {message.name!r}"
        _refuse_others(f"{where}, ", message, _TENSOR_FIELDS)
        type_name = model_config_pb2.DataType.Name(message.data_type).removeprefix(_PREFIX)
        if type_name not in DATATYPES:
            raise ConfigError(
                f"{where} has data_type {_PREFIX}{type_name}, not one of "
                f"{', '.join(_PREFIX + name for name in DATATYPES)}"
            )
        if any(size < 1 and size != FREE for size in message.dims):
            raise ConfigError(
                f"{where} has dims {list(message.dims)}: sizes are positive, or {FREE} for any"
            )
        tensors.append(TensorSpec(message.name, DATATYPES[type_name], tuple(message.dims)))
    names = [tensor.name for tensor in tensors]
    if not names or "" in names or len(set(names)) < len(names):
        raise ConfigError(f"field '{kind}' needs tensors, each of its own name")
    return tuple(tensors)


def _refuse_others(where: str, message: Message, known: frozenset[str]) -> None:
    """Raise for a field that is set and that fourcast would have to honour but cannot."""
    for descriptor, _ in message.ListFields():
        if descriptor.name not in known:
            raise ConfigError(
                f"field '{where}{descriptor.name}' is not supported: fourcast cannot do what it "
                "asks, and without it the model's answers or limits would not be what its author "
                "wants"
            )
