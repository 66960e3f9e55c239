"""ModelsService: what the repository holds, for people. Translate, delegate, translate back."""

import json
from collections.abc import Iterator

from grpc.aio import ServicerContext

from fourcast.models.v1 import models_pb2 as wire
from fourcast.models.v1 import models_pb2_grpc
from fourcast_models.repository import CARD_LANGUAGE
from fourcast_services.engine import Engine, State, VersionState
from fourcast_services.errors import FieldError

SERVICE_NAME = wire.DESCRIPTOR.services_by_name["ModelsService"].full_name

_STATES = {
    State.READY: wire.STATE_READY,
    State.UNLOADING: wire.STATE_UNLOADING,
    State.UNAVAILABLE: wire.STATE_UNAVAILABLE,
}

_ListContext = ServicerContext[wire.ListModelsRequest, wire.ListModelsResponse]
_CardContext = ServicerContext[wire.GetCardRequest, wire.GetCardResponse]


class ModelsServicer(models_pb2_grpc.ModelsServiceServicer):
    """Models, versions and cards; the proto says what each method promises."""

    def __init__(self, engine: Engine) -> None:
        """Tell of an engine's models."""
        self._engine = engine

    async def ListModels(  # noqa: N802 - the name is the proto's
        self,
        request: wire.ListModelsRequest,
        context: _ListContext,
    ) -> wire.ListModelsResponse:
        """Every model, with all its versions that the server knows of."""
        models: dict[str, wire.Model] = {}
        for entry in self._engine.index():
            model = models.setdefault(entry.model, wire.Model(name=entry.model))
            model.versions.append(self._version(entry))
        return wire.ListModelsResponse(models=models.values())

    async def GetCard(  # noqa: N802 - the name is the proto's
        self,
        request: wire.GetCardRequest,
        context: _CardContext,
    ) -> wire.GetCardResponse:
        """The card of a model."""
        try:
            card = await self._engine.card(request.name, request.language or CARD_LANGUAGE)
        except ValueError as error:
            raise FieldError("language", str(error)) from None
        return wire.GetCardResponse(text=card.text, language=card.language)

    def _version(self, entry: VersionState) -> wire.Version:
        version = wire.Version(
            number=entry.version, state=_STATES[entry.state], reason=entry.reason
        )
        if entry.state is State.READY:
            metadata = self._engine.metadata(entry.model, entry.version)
            version.provider = self._engine.versions(entry.model)[entry.version]
            version.metrics.extend(
                wire.Metric(name=name, value=value)
                for name, value in _metrics(metadata.get("metrics", ""))
            )
            version.command = metadata.get("command", "")
            version.commit = metadata.get("commit", "")
        return version


def _metrics(text: str) -> Iterator[tuple[str, float]]:
    """The figures in an ONNX file's metadata, which other exporters may use for something else."""
    try:
        figures = json.loads(text)
    except ValueError:
        return
    if isinstance(figures, dict):
        for name, value in figures.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield name, value
