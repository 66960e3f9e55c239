"""inference.GRPCInferenceService: any model of the repository, over the Open Inference Protocol."""

from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING

import grpc
from grpc.aio import ServicerContext
from tritonclient.grpc import service_pb2 as wire

from fourcast_models.model_config import DATATYPE_NAMES, TensorSpec, config_message
from fourcast_services import calls
from fourcast_services.engine import Engine, State, Statistics
from fourcast_services.engine.statistics import Duration
from fourcast_services.errors import FieldError, ForbiddenError, describe
from fourcast_services.guard import GuardedServer
from fourcast_services.inference_stream import answer_in_order
from fourcast_services.inference_wire import read_inputs, read_wanted, write_outputs
from fourcast_services.streams import Streams

if TYPE_CHECKING:
    from fourcast_services.peers import Peers

SERVICE_NAME = wire.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name
PLATFORM = "onnxruntime_onnx"
EXTENSIONS = ("model_configuration", "model_repository", "statistics")

_STREAM_FRAME_BYTES = 16  # what the message of a stream adds to the answer in it

_Context = ServicerContext[object, object]


def add_to_server(servicer: "InferenceServicer", server: GuardedServer) -> None:
    """Register the methods of the protocol that this server has."""
    methods = {
        "ServerLive": servicer.server_live,
        "ServerReady": servicer.server_ready,
        "ModelReady": servicer.model_ready,
        "ServerMetadata": servicer.server_metadata,
        "ModelMetadata": servicer.model_metadata,
        "ModelConfig": servicer.model_config,
        "ModelInfer": servicer.model_infer,
        "ModelStatistics": servicer.model_statistics,
        "RepositoryIndex": servicer.repository_index,
        "RepositoryModelLoad": servicer.repository_model_load,
        "RepositoryModelUnload": servicer.repository_model_unload,
    }
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            method,
            getattr(wire, f"{name}Request").FromString,
            getattr(wire, f"{name}Response").SerializeToString,
        )
        for name, method in methods.items()
    }
    handlers["ModelStreamInfer"] = grpc.stream_stream_rpc_method_handler(
        servicer.model_stream_infer,
        wire.ModelInferRequest.FromString,
        wire.ModelStreamInferResponse.SerializeToString,
    )
    server.add_registered_method_handlers(SERVICE_NAME, handlers)


class InferenceServicer:
    """Translates, delegates, translates back; see the protocol for what each method promises."""

    def __init__(
        self,
        engine: Engine,
        peers: "Peers",
        *,
        model_control: bool,
        streams: Streams,
        max_message_bytes: int,
    ) -> None:
        """Offer an engine's models.

        Args:
            engine: Runs them.
            peers: The other workers of this server.
            model_control: Whether callers may load and unload models.
            streams: Bounds how many streams are open at the same time.
            max_message_bytes: The largest answer that gRPC sends.
        """
        self._engine = engine
        self._peers = peers
        self._model_control = model_control
        self._streams = streams
        self._max_answer_bytes = max_message_bytes - _STREAM_FRAME_BYTES
        self.ready = False

    async def server_live(
        self, request: wire.ServerLiveRequest, context: _Context
    ) -> wire.ServerLiveResponse:
        """True: a server that is not live does not answer."""
        return wire.ServerLiveResponse(live=True)

    async def server_ready(
        self, request: wire.ServerReadyRequest, context: _Context
    ) -> wire.ServerReadyResponse:
        """Whether new calls are welcome; false from the moment that the server is to stop."""
        return wire.ServerReadyResponse(ready=self.ready)

    async def model_ready(
        self, request: wire.ModelReadyRequest, context: _Context
    ) -> wire.ModelReadyResponse:
        """Whether a model, or one version of it, serves."""
        try:
            self._engine.config(request.name, request.version)
        except LookupError:
            return wire.ModelReadyResponse(ready=False)
        return wire.ModelReadyResponse(ready=self.ready)

    async def server_metadata(
        self, request: wire.ServerMetadataRequest, context: _Context
    ) -> wire.ServerMetadataResponse:
        """Name, version and what the server can do beyond the protocol's core."""
        return wire.ServerMetadataResponse(
            name="fourcast", version=installed_version("fourcast"), extensions=EXTENSIONS
        )

    async def model_metadata(
        self, request: wire.ModelMetadataRequest, context: _Context
    ) -> wire.ModelMetadataResponse:
        """A model's tensors, the versions that serve, and the provider that runs it."""
        config = self._engine.config(request.name, request.version)
        versions = self._engine.versions(request.name)
        provider = versions[request.version or next(iter(versions))]

        def tensor(spec: TensorSpec) -> wire.ModelMetadataResponse.TensorMetadata:
            return wire.ModelMetadataResponse.TensorMetadata(
                name=spec.name, datatype=DATATYPE_NAMES[spec.dtype], shape=config.shape(spec)
            )

        return wire.ModelMetadataResponse(
            name=config.name,
            versions=sorted(versions, key=int),
            platform=f"{PLATFORM}/{provider}",
            inputs=map(tensor, config.inputs),
            outputs=map(tensor, config.outputs),
        )

    async def model_config(
        self, request: wire.ModelConfigRequest, context: _Context
    ) -> wire.ModelConfigResponse:
        """The model's config as this server reads it."""
        config = self._engine.config(request.name, request.version)
        return wire.ModelConfigResponse(config=config_message(config))

    async def model_infer(
        self, request: wire.ModelInferRequest, context: _Context
    ) -> wire.ModelInferResponse:
        """Run a model on the request's tensors."""
        call = calls.current()
        call.request_id = request.id or call.request_id
        return await self._infer(request)

    async def model_stream_infer(self, requests: object, context: _Context) -> None:
        """Run a model on each request of a stream; answers come in the order of the requests.

        A request that fails is answered with its error, and the stream goes on.
        """
        with self._streams.one():
            deadline = calls.current().deadline
            await answer_in_order(context, lambda request: self._answer_one(request, deadline))

    async def model_statistics(
        self, request: wire.ModelStatisticsRequest, context: _Context
    ) -> wire.ModelStatisticsResponse:
        """What the models have done since they were loaded, on all workers together."""
        statistics = self._engine.statistics(request.name, request.version)
        response = wire.ModelStatisticsResponse()
        for (name, version), counted in statistics.items():
            _write_statistics(response.model_stats.add(name=name, version=version), counted)
        if not calls.current().by_peer:
            await self._peers.add_statistics(request, response)
        return response

    async def repository_index(
        self, request: wire.RepositoryIndexRequest, context: _Context
    ) -> wire.RepositoryIndexResponse:
        """Every version of every model, with its state and why it does not serve."""
        _check_repository_name(request.repository_name)
        response = wire.RepositoryIndexResponse()
        for entry in self._engine.index():
            if entry.state is State.READY or not request.ready:
                response.models.add(
                    name=entry.model,
                    version=entry.version,
                    state=entry.state.value,
                    reason=entry.reason,
                )
        return response

    async def repository_model_load(
        self, request: wire.RepositoryModelLoadRequest, context: _Context
    ) -> wire.RepositoryModelLoadResponse:
        """Serve a model again, or take in what has changed in its folder."""
        self._check_control(request.repository_name)
        if request.parameters:
            raise FieldError(
                "parameters", "models come from the server's own repository, as its files are"
            )
        await self._engine.load(request.model_name)
        if not calls.current().by_peer:
            await self._peers.load(request)
        return wire.RepositoryModelLoadResponse()

    async def repository_model_unload(
        self, request: wire.RepositoryModelUnloadRequest, context: _Context
    ) -> wire.RepositoryModelUnloadResponse:
        """Stop serving a model; what it has begun, it finishes."""
        self._check_control(request.repository_name)
        await self._engine.unload(request.model_name)
        if not calls.current().by_peer:
            await self._peers.unload(request)
        return wire.RepositoryModelUnloadResponse()

    async def _infer(self, request: wire.ModelInferRequest) -> wire.ModelInferResponse:
        config = self._engine.config(request.model_name, request.model_version)
        wanted = read_wanted(request.outputs, [tensor.name for tensor in config.outputs])
        inference = await self._engine.infer(
            request.model_name, read_inputs(request), request.model_version
        )
        response = wire.ModelInferResponse(
            model_name=request.model_name, model_version=inference.version, id=request.id
        )
        write_outputs(response, inference.outputs, wanted)
        # gRPC would fail to send it, which ends a stream and counts as answered.
        if response.ByteSize() > self._max_answer_bytes:
            raise FieldError(
                "inputs",
                f"the answer would have {response.ByteSize()} bytes, but {self._max_answer_bytes} "
                "is the most that this server sends: ask for less at a time",
            )
        return response

    async def _answer_one(
        self, request: wire.ModelInferRequest, deadline: float | None
    ) -> wire.ModelStreamInferResponse:
        """The answer to one request of a stream, its error included."""
        calls.begin(calls.Call(deadline=deadline, request_id=request.id))
        try:
            return wire.ModelStreamInferResponse(infer_response=await self._infer(request))
        except Exception as error:  # noqa: BLE001 - described like those of every other method
            failure = describe(error, f"{SERVICE_NAME}/ModelStreamInfer")
            response = wire.ModelStreamInferResponse(
                error_message=f"{failure.code.name}: {failure.message}"
            )
            response.infer_response.id = request.id
            response.infer_response.model_name = request.model_name
            return response

    def _check_control(self, repository_name: str) -> None:
        if not self._model_control:
            raise ForbiddenError(
                "loading and unloading models is switched off on this server; its operator can "
                "allow it with --model-control on"
            )
        _check_repository_name(repository_name)


def _check_repository_name(name: str) -> None:
    if name:
        raise FieldError("repository_name", "this server has one repository: leave it empty")


def _write_statistics(message: wire.ModelStatistics, counted: Statistics) -> None:
    message.last_inference = counted.last_inference_ms
    message.inference_count = counted.inferences
    message.execution_count = counted.executions
    totals = {name: Duration() for name in ("compute_input", "compute_infer", "compute_output")}
    for rows, times in sorted(counted.by_batch_size.items()):
        batch = message.batch_stats.add(batch_size=rows)
        for name, total in totals.items():
            duration = getattr(times, name)
            _write_duration(getattr(batch, name), duration)
            total.add(duration.ns, duration.count)
    for name, total in totals.items():
        _write_duration(getattr(message.inference_stats, name), total)
    for name in ("success", "fail", "queue"):
        _write_duration(getattr(message.inference_stats, name), getattr(counted, name))


def _write_duration(message: wire.StatisticDuration, duration: Duration) -> None:
    message.count = duration.count
    message.ns = duration.ns
