"""TabularService: translate, delegate, translate back."""

from grpc.aio import ServicerContext

from fourcast.tabular.v1 import tabular_pb2 as wire
from fourcast.tabular.v1 import tabular_pb2_grpc
from fourcast_models.tabular.coimbra import FEATURES, PROBABILITIES
from fourcast_services import tabular_wire as translate
from fourcast_services.engine.errors import InputError
from fourcast_services.errors import FieldError
from fourcast_services.inference_backend import InferenceBackend

SERVICE_NAME = wire.DESCRIPTOR.services_by_name["TabularService"].full_name

DEFAULT_MODEL = "coimbra"

_ClassifyContext = ServicerContext[wire.ClassifyRequest, wire.ClassifyResponse]
_ListContext = ServicerContext[wire.ListFeaturesRequest, wire.ListFeaturesResponse]


class TabularServicer(tabular_pb2_grpc.TabularServiceServicer):
    """Classes for named measurements; the proto says what each method promises."""

    def __init__(self, backend: InferenceBackend) -> None:
        """Offer small classifiers.

        Args:
            backend: Runs them.
        """
        self._backend = backend

    async def Classify(  # noqa: N802 - the name is the proto's
        self,
        request: wire.ClassifyRequest,
        context: _ClassifyContext,
    ) -> wire.ClassifyResponse:
        """How probable each class is."""
        row = translate.read_features(request)
        name = request.model or DEFAULT_MODEL
        try:
            inference = await self._backend.infer(name, {FEATURES.name: row}, request.model_version)
        except InputError:
            raise _no_tabular_model(name) from None
        answer = inference.outputs.get(PROBABILITIES.name)
        expected = (PROBABILITIES.dtype, (1, *PROBABILITIES.dims))
        if answer is None or (answer.dtype, answer.shape) != expected:
            raise _no_tabular_model(name)
        return translate.write_classes(answer[0], name, inference.version)

    async def ListFeatures(  # noqa: N802 - the name is the proto's
        self,
        request: wire.ListFeaturesRequest,
        context: _ListContext,
    ) -> wire.ListFeaturesResponse:
        """What has to be measured."""
        return wire.ListFeaturesResponse(features=translate.write_features())


def _no_tabular_model(name: str) -> FieldError:
    return FieldError(
        "model",
        f"{name!r} is no model for these features: those take {FEATURES.name!r} and give "
        f"{PROBABILITIES.name!r} (see the card of {DEFAULT_MODEL!r})",
    )
