"""The models of a server as a person wants to know them: versions, figures, cards."""

from dataclasses import dataclass
from enum import Enum

from fourcast.models.v1 import models_pb2, models_pb2_grpc
from fourcast_clients.calls import Calls


class State(Enum):
    """What a version is up to."""

    READY = "ready"
    UNLOADING = "unloading"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a model.

    Attributes:
        number: A whole number as text; "" if the model as a whole cannot be read or was unloaded.
        state: What it is up to.
        reason: Why it is not ready; "" if it is.
        provider: The onnxruntime provider that runs it; "" if it is not ready.
        metrics: What was measured when it was made, by name; the card says what they mean.
        command: The command that made it; "" if its file does not say.
        commit: The commit of the code that made it; "" if its file does not say.
    """

    number: str
    state: State
    reason: str
    provider: str
    metrics: dict[str, float]
    command: str
    commit: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model.

    Attributes:
        name: Its name in the server's repository.
        versions: Among those that are ready, the one that serves by default comes first.
    """

    name: str
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """What a person should know about a model.

    Attributes:
        text: In Markdown, tables included.
        language: ISO 639-1, such as "en".
    """

    text: str
    language: str


class Models:
    """The calls about a server's models; reached as ``Fourcast.models``.

    They raise `FourcastError`: code ``"NOT_FOUND"`` for an unknown model, ``"INVALID_ARGUMENT"``
    for a language that is none, ``"UNIMPLEMENTED"`` by a server whose models run elsewhere,
    ``"UNAVAILABLE"`` if no server answers.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = models_pb2_grpc.ModelsServiceStub(calls.channel)

    def all(self, *, timeout: float | None = None) -> tuple[Model, ...]:
        """Every model that the server knows of, in alphabetical order.

        Args:
            timeout: In seconds; None is the client's own.
        """
        request = models_pb2.ListModelsRequest()
        reply = self._calls.call(self._stub.ListModels, request, timeout)
        return tuple(
            Model(model.name, tuple(map(_read_version, model.versions))) for model in reply.models
        )

    def card(self, name: str, language: str = "", *, timeout: float | None = None) -> Card:
        """A model's card, in English if there is none in the language.

        Args:
            name: The model's.
            language: ISO 639-1, such as "es"; "" is English.
            timeout: In seconds; None is the client's own.
        """
        request = models_pb2.GetCardRequest(name=name, language=language)
        reply = self._calls.call(self._stub.GetCard, request, timeout)
        return Card(reply.text, reply.language)


def _read_version(message: models_pb2.Version) -> Version:
    return Version(
        number=message.number,
        state=State[models_pb2.State.Name(message.state).removeprefix("STATE_")],
        reason=message.reason,
        provider=message.provider,
        metrics={metric.name: metric.value for metric in message.metrics},
        command=message.command,
        commit=message.commit,
    )
