"""DoodleService: translate, delegate, translate back."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from grpc.aio import ServicerContext

from fourcast.doodle.v1 import doodle_pb2 as wire
from fourcast.doodle.v1 import doodle_pb2_grpc
from fourcast_models.doodle.codec import CATEGORIES
from fourcast_models.doodle.strokes import Stroke
from fourcast_services import doodle_wire as translate
from fourcast_services.doodle_network import DoodleNetworks, Sketch, image_sketch, strokes_sketch
from fourcast_services.doodle_watch import answer_changes
from fourcast_services.errors import FieldError
from fourcast_services.inference_backend import InferenceBackend
from fourcast_services.streams import Streams

SERVICE_NAME = wire.DESCRIPTOR.services_by_name["DoodleService"].full_name

_ClassifyContext = ServicerContext[wire.ClassifyRequest, wire.ClassifyResponse]
_WatchContext = ServicerContext[wire.WatchRequest, wire.WatchResponse]
_ListContext = ServicerContext[wire.ListCategoriesRequest, wire.ListCategoriesResponse]


class DoodleServicer(doodle_pb2_grpc.DoodleServiceServicer):
    """Names for drawings; the proto says what each method promises."""

    def __init__(
        self, backend: InferenceBackend, streams: Streams, *, max_image_pixels: int
    ) -> None:
        """Offer doodles.

        Args:
            backend: Runs the networks.
            streams: Bounds how many drawings are watched at the same time.
            max_image_pixels: The largest image, width times height.
        """
        self._networks = DoodleNetworks(backend)
        self._streams = streams
        self._max_image_pixels = max_image_pixels

    async def Classify(  # noqa: N802 - the name is the proto's
        self,
        request: wire.ClassifyRequest,
        context: _ClassifyContext,
    ) -> wire.ClassifyResponse:
        """The most probable categories of a drawing."""
        _check_model(request)
        count = translate.read_top_k(request)
        opinion = await self._networks.ask(
            self._sketch(request), request.model, request.model_version
        )
        return wire.ClassifyResponse(
            guesses=translate.write_guesses(opinion.probabilities, count),
            model=opinion.model,
            model_version=opinion.version,
        )

    async def Watch(  # noqa: N802 - the name is the proto's
        self,
        requests: AsyncIterator[wire.WatchRequest],
        context: _WatchContext,
    ) -> AsyncIterator[wire.WatchResponse]:
        """The most probable categories of a drawing while it is being drawn."""
        with self._streams.one():
            first = await anext(requests, None)
            if first is None:
                return
            _check_model(first)
            count = translate.read_top_k(first)

            async def guess(strokes: Sequence[Stroke]) -> wire.WatchResponse:
                opinion = await self._networks.ask(
                    strokes_sketch(strokes, "stroke"), first.model, first.model_version
                )
                return wire.WatchResponse(
                    guesses=translate.write_guesses(opinion.probabilities, count),
                    model=opinion.model,
                    model_version=opinion.version,
                )

            async with aclosing(answer_changes(_all(first, requests), guess)) as answers:
                async for answer in answers:
                    yield answer

    async def ListCategories(  # noqa: N802 - the name is the proto's
        self,
        request: wire.ListCategoriesRequest,
        context: _ListContext,
    ) -> wire.ListCategoriesResponse:
        """The names of all categories."""
        return wire.ListCategoriesResponse(categories=CATEGORIES)

    def _sketch(self, request: wire.ClassifyRequest) -> Sketch:
        match request.WhichOneof("picture"):
            case "drawing":
                return strokes_sketch(translate.read_drawing(request.drawing), "drawing")
            case "image":
                return image_sketch(request.image, self._max_image_pixels)
            case _:
                raise FieldError("picture", "missing; set drawing (its strokes) or image (a file)")


def _check_model(request: wire.ClassifyRequest | wire.WatchRequest) -> None:
    if request.model_version and not request.model:
        raise FieldError("model_version", "needs a model: without one, the server chooses")


async def _all(
    first: wire.WatchRequest, requests: AsyncIterator[wire.WatchRequest]
) -> AsyncIterator[wire.WatchRequest]:
    """All requests of a stream, of which only the first has options."""
    yield first
    async for request in requests:
        for field in ("top_k", "model", "model_version"):
            if getattr(request, field):
                raise FieldError(field, "belongs into the first request of the stream")
        yield request
