"""What a server is started with: the flags of `fourcast-serve` and their documentation."""

import ipaddress
import os
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Annotated

from tyro.conf import EnumChoicesFromValues, FlagCreatePairsOff, OmitArgPrefixes, arg

from fourcast_models.images import MAX_PIXELS
from fourcast_services.backend_address import BackendAddress
from fourcast_services.device import Device

MAX_SLOTS = 64
MAX_TABLE_MEBIBYTES = 1 << 16
MAX_WORKERS = 256
MAX_MESSAGE_MEBIBYTES = 2047  # gRPC counts bytes in 32 bits with a sign


class LogFormat(Enum):
    """How log lines look."""

    TEXT = "text"
    JSON = "json"


class ModelControl(Enum):
    """Whether callers may load and unload models."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


def _default_slots() -> int:
    return min(2, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken on before callers are turned away."""

    max_queue: Annotated[int, arg(metavar="N")] = 256
    """Requests that may wait for each model, unless its config.pbtxt says; more are refused."""

    max_calls: Annotated[int, arg(metavar="N")] = 512
    """Calls that may be under way at the same time, streams aside; more are refused."""

    max_message_mebibytes: Annotated[int, arg(metavar="MIB")] = 64
    """The largest request or response."""

    max_streams: Annotated[int, arg(metavar="N")] = 256
    """Streams that may be open at the same time, for inference, drawing or backtests; more are
    refused."""

    max_image_pixels: Annotated[int, arg(metavar="N")] = MAX_PIXELS
    """The largest image, width times height, that is unpacked; the default is 8192 x 8192."""

    solver_slots: Annotated[int, arg(metavar="N")] = field(default_factory=_default_slots)
    """How many exact Connect-4 searches run at once; further ones wait, and then are refused."""

    table_mebibytes: Annotated[int, arg(metavar="MIB")] = 128
    """Memory for what each exact search remembers, a power of two, taken when first needed."""

    thinking_seconds: Annotated[float, arg(metavar="SECONDS")] = 1.0
    """The longest search for a perfect Connect-4 move. Three quarters of it for the fastest win or
    slowest loss; if they do not suffice, the rest for a move that keeps a win or a draw."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call, and over what."""

    tls_certificate: Annotated[Path | None, arg(metavar="FILE")] = None
    """Certificate chain (PEM) to answer with; without it and --tls-key, nothing is encrypted."""

    tls_key: Annotated[Path | None, arg(metavar="FILE")] = None
    """The certificate's private key (PEM)."""

    client_ca: Annotated[Path | None, arg(metavar="FILE")] = None
    """Mutual TLS: only callers with a certificate that one of these (PEM) has signed."""

    token_file: Annotated[Path | None, arg(metavar="FILE")] = None
    """File with a secret that callers must send as "authorization: Bearer <secret>"."""

    open_health: Annotated[bool, FlagCreatePairsOff] = False
    """Answer health checks without the token."""

    model_control: Annotated[ModelControl, EnumChoicesFromValues] = ModelControl.AUTO
    """Whether callers may load and unload models; auto: if only this computer can call, or callers
    are known by --token-file or --client-ca."""


@dataclass(frozen=True, slots=True)
class Observability:
    """What the server tells about itself."""

    metrics_port: Annotated[int | None, arg(metavar="PORT")] = None
    """Serve Prometheus metrics on http://HOST:PORT/metrics; 0 takes a free port."""

    metrics_host: Annotated[str, arg(metavar="HOST")] = "127.0.0.1"
    """Address of the metrics."""

    log_format: Annotated[LogFormat, EnumChoicesFromValues] = LogFormat.TEXT
    """Log lines for people or, one JSON object each, for programs."""

    log_calls: Annotated[bool, FlagCreatePairsOff] = False
    """Log every call with its status, time and request id, not just those that fail here."""

    traces: Annotated[str | None, arg(metavar="URL")] = None
    """Send OpenTelemetry traces to this OTLP endpoint, http://localhost:4317; needs the extra
    'otel'."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The flags of `fourcast-serve`; each one's text below is its help."""

    models: Annotated[
        Path | None,
        arg(metavar="DIR", help_behavior_hint="(default: of this checkout or installation)"),
    ] = None
    """Model repository: a folder of <model>/config.pbtxt and <model>/<version>/model.onnx."""

    opening_book: Annotated[Path | None, arg(metavar="FILE")] = None
    """Solved Connect-4 openings, as fourcast-train connect4-book writes them, in place of ours."""

    host: Annotated[str, arg(metavar="HOST")] = "127.0.0.1"
    """Address to listen on; 0.0.0.0 or [::] for every computer that reaches this one."""

    port: Annotated[int, arg(metavar="PORT")] = 50051
    """Port to listen on; 0 takes a free one."""

    device: Annotated[Device, EnumChoicesFromValues] = Device.AUTO
    """What runs the models; auto: a GPU if one serves, the log says which; cuda: a GPU only."""

    backend: Annotated[str | None, arg(metavar="grpc://HOST:PORT")] = None
    """Have models run by another server that speaks the Open Inference Protocol, such as Triton."""

    backend_token_file: Annotated[Path | None, arg(metavar="FILE")] = None
    """File with the secret that the other server wants as "authorization: Bearer <secret>"."""

    watch: Annotated[bool, FlagCreatePairsOff] = False
    """Take in new, changed and removed versions of models while serving."""

    workers: Annotated[int, arg(metavar="N")] = 1
    """Processes that share the port; one that dies is replaced."""

    shutdown_delay: Annotated[float, arg(metavar="SECONDS")] = 0.0
    """How long to go on taking calls after SIGTERM, not ready, so that a load balancer notices."""

    exit_with_parent: Annotated[bool, FlagCreatePairsOff] = False
    """Stop when standard input ends: a program that starts this one never leaves it behind."""

    limits: OmitArgPrefixes[Limits] = field(default_factory=Limits)
    access: OmitArgPrefixes[Access] = field(default_factory=Access)
    observability: OmitArgPrefixes[Observability] = field(default_factory=Observability)

    def __post_init__(self) -> None:
        """Refuse values that cannot be, alone or together.

        Raises:
            ValueError: If one is; the text names the flag.
        """
        limits = self.limits
        for flag, value, low, high in (
            ("--port", self.port, 0, 65535),
            ("--metrics-port", self.observability.metrics_port or 0, 0, 65535),
            ("--workers", self.workers, 1, MAX_WORKERS),
            ("--shutdown-delay", self.shutdown_delay, 0, 3600),
            ("--max-queue", limits.max_queue, 1, 1 << 20),
            ("--max-calls", limits.max_calls, 1, 1 << 20),
            ("--max-message-mebibytes", limits.max_message_mebibytes, 1, MAX_MESSAGE_MEBIBYTES),
            ("--max-streams", limits.max_streams, 1, 1 << 20),
            ("--max-image-pixels", limits.max_image_pixels, 1, MAX_PIXELS),
            ("--solver-slots", limits.solver_slots, 1, MAX_SLOTS),
            ("--table-mebibytes", limits.table_mebibytes, 1, MAX_TABLE_MEBIBYTES),
            ("--thinking-seconds", limits.thinking_seconds, 0.001, 3600),
        ):
            if not low <= value <= high:
                raise ValueError(f"{flag} is {value}, but must be {low} to {high}")
        if limits.table_mebibytes & (limits.table_mebibytes - 1):
            raise ValueError(
                f"--table-mebibytes is {limits.table_mebibytes}, but must be a power of two"
            )
        access = self.access
        if (access.tls_certificate is None) != (access.tls_key is None):
            raise ValueError("--tls-certificate and --tls-key belong together: give both")
        if access.client_ca is not None and access.tls_certificate is None:
            raise ValueError("--client-ca needs --tls-certificate and --tls-key")
        if self.backend is not None and (self.models is not None or self.watch):
            raise ValueError(
                "--backend has another server run the models: --models and --watch do nothing"
            )
        if self.backend is not None:
            BackendAddress.parse(self.backend)
        elif self.backend_token_file is not None:
            raise ValueError("--backend-token-file needs --backend")

    @property
    def only_this_computer(self) -> bool:
        """Whether the address can be reached from this computer alone."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def model_control(self) -> bool:
        """Whether callers may load and unload models."""
        if self.access.model_control is not ModelControl.AUTO:
            return self.access.model_control is ModelControl.ON
        known = self.access.token_file is not None or self.access.client_ca is not None
        return known or self.only_this_computer
