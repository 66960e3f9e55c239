"""Has models run by another server that speaks the Open Inference Protocol over gRPC."""

import logging
from typing import NoReturn, cast

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from tritonclient.grpc import service_pb2 as wire
from tritonclient.grpc import service_pb2_grpc

from fourcast_models.model_config import DATATYPE_NAMES, Arrays
from fourcast_services import calls
from fourcast_services.backend_address import BackendAddress
from fourcast_services.calls import DeadlineError
from fourcast_services.engine.errors import InputError, UnknownModelError, UnknownVersionError
from fourcast_services.errors import BackendError
from fourcast_services.inference_backend import Inference
from fourcast_services.inference_wire import read_outputs
from fourcast_services.overload import QueueFullError
from fourcast_services.tracing import outgoing_metadata

MAX_SECONDS = 60.0
"""How long the other server may take for a caller who sets no deadline."""

RETRY_SECONDS = 1.0
"""When to try again if the other server is busy and does not say."""

RECONNECT_MILLISECONDS = 1000
"""The longest pause between two attempts to reach a server that is away; gRPC's own is minutes."""

_OPTIONS = [
    ("grpc.max_reconnect_backoff_ms", RECONNECT_MILLISECONDS),
    # How large a message may be, the other server's limit says.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A name with several addresses: replicas, which share the calls.
    ("grpc.lb_policy_name", "round_robin"),
]

_log = logging.getLogger(__name__)


class RemoteBackend:
    """Runs models on another server, over one connection that is made anew when it breaks.

    A call is sent once: what may have run is not tried again. To be used from one event loop.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        """Prepare the connection; it is opened by the first call.

        Args:
            url: "grpc://HOST:PORT", or "grpcs://HOST:PORT" for TLS with the authorities that
                gRPC trusts, or those in the file that GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names.
            token: What the other server wants to be shown; None for nothing.

        Raises:
            ValueError: If it is not like that; the text names the flag `--backend`.
        """
        address = BackendAddress.parse(url)
        # gRPC would send even calls to this computer through a proxy in the environment.
        options = [*_OPTIONS, ("grpc.enable_http_proxy", int(not address.is_loopback))]
        if address.encrypted:
            credentials = grpc.ssl_channel_credentials()
            self._channel = grpc.aio.secure_channel(address.target, credentials, options)
        else:
            self._channel = grpc.aio.insecure_channel(address.target, options)
        self._stub = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)
        self._url = url
        self._metadata = () if token is None else (("authorization", f"Bearer {token}"),)
        self._answers = True

    async def infer(self, model: str, inputs: Arrays, version: str = "") -> Inference:
        """Run a model; see `InferenceBackend`.

        Raises:
            UnknownModelError: If the other server has no such model.
            UnknownVersionError: If it has no such model or version, and a version is asked for.
            InputError: If the arrays do not fit the model.
            QueueFullError: If the other server is busy.
            DeadlineError: If the call's deadline passed.
            BackendError: If the other server cannot be reached, fails, or answers what does not
                fit.
        """
        call = calls.current()
        remaining = call.remaining()
        if remaining is not None and remaining <= 0:
            raise DeadlineError
        try:
            response = await self._stub.ModelInfer(
                _request(model, inputs, version, call.request_id),
                timeout=MAX_SECONDS if remaining is None else remaining,
                metadata=(*self._metadata, *outgoing_metadata()),
            )
        except grpc.aio.AioRpcError as error:
            self._raise(error, versioned=bool(version), patient=remaining is None)
        # Not before: a name that only a caller has heard of must not become a metric's label.
        call.model = model
        if not self._answers:
            self._answers = True
            _log.info("backend %s answers again", self._url)
        try:
            outputs = _read(response, version)
        except ValueError as error:
            _log.error("backend %s answers what does not fit: %s", self._url, error)
            raise BackendError(
                "the server that runs the models answers what does not fit the request"
            ) from None
        # KServe's SDK names no version; then nobody here knows which one ran.
        return Inference(outputs=outputs, version=response.model_version)

    async def close(self) -> None:
        """Close the connection; calls under way end as cancelled."""
        await self._channel.close()

    def _raise(self, error: grpc.aio.AioRpcError, *, versioned: bool, patient: bool) -> NoReturn:
        """Raise what another server's status means here.

        Its text goes to this server's caller only where it is about the call; the rest may tell of
        things that are nobody's business outside, and goes to the log.
        """
        code, text = error.code(), error.details() or ""
        match code:
            case grpc.StatusCode.NOT_FOUND:
                raise (UnknownVersionError if versioned else UnknownModelError)(text) from None
            case grpc.StatusCode.INVALID_ARGUMENT:
                raise InputError(text) from None
            case grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise QueueFullError(text, _retry_after(error)) from None
            case grpc.StatusCode.DEADLINE_EXCEEDED if not patient:
                raise DeadlineError from None
            case grpc.StatusCode.UNAVAILABLE:
                # Once, and not for each of the calls that fail until it is back.
                if self._answers:
                    self._answers = False
                    _log.error("backend %s cannot be reached: %s", self._url, text)
                reason = "cannot be reached; try again later"
            case grpc.StatusCode.DEADLINE_EXCEEDED:
                _log.error("backend %s gave no answer in %g s: %s", self._url, MAX_SECONDS, text)
                reason = f"gave no answer in {MAX_SECONDS:g} s"
            case _:
                _log.error(
                    "backend %s failed: %s: %s",
                    self._url,
                    code.name,
                    text,
                    extra={"request_id": calls.current().request_id},
                )
                reason = f"failed ({code.name}); the log of this one says more"
        raise BackendError(f"the server that runs the models {reason}") from None


def _request(model: str, inputs: Arrays, version: str, request_id: str) -> wire.ModelInferRequest:
    request = wire.ModelInferRequest(model_name=model, model_version=version, id=request_id)
    for name, array in inputs.items():
        datatype = DATATYPE_NAMES[array.dtype.newbyteorder("=")]
        request.inputs.add(name=name, datatype=datatype, shape=array.shape)
        # On the wire the least significant byte comes first.
        request.raw_input_contents.append(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return request


def _read(response: wire.ModelInferResponse, version: str) -> Arrays:
    """The outputs of an answer.

    Raises:
        ValueError: If their parts do not agree, or another version ran than was asked for.
    """
    contents, tensors = len(response.raw_output_contents), len(response.outputs)
    if contents not in (0, tensors):
        raise ValueError(f"there are {contents} raw contents for {tensors} outputs")
    if version and response.model_version not in ("", version):
        raise ValueError(f"version {response.model_version!r} ran, not {version!r}")
    return read_outputs(response)


def _retry_after(error: grpc.aio.AioRpcError) -> float:
    """Seconds until the other server wants to be asked again."""
    try:
        # Its type hints know only the calls of synchronous clients.
        status = rpc_status.from_call(cast(grpc.Call, error))
    except ValueError:
        # Details that contradict the status itself say nothing.
        status = None
    retry = error_details_pb2.RetryInfo()
    for detail in status.details if status is not None else ():
        if detail.Unpack(retry):
            return float(retry.retry_delay.ToNanoseconds() / 1e9)
    return RETRY_SECONDS
