"""Spans of real calls, sent by real servers to a real receiver of OTLP over gRPC."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2
from tritonclient.grpc import service_pb2, service_pb2_grpc

from fourcast.connect4.v1 import connect4_pb2 as wire
from fourcast.connect4.v1 import connect4_pb2_grpc
from fourcast_services.tracing import TracingError, interceptors
from tests.services.fronts import run_front, unused_port
from tests.services.refusals import refused
from tests.services.running import RunningServer, run_server
from tests.services.status import failure

CHOOSE_MOVE = "fourcast.connect4.v1.Connect4Service/ChooseMove"
MODEL_INFER = "inference.GRPCInferenceService/ModelInfer"
STREAM_INFER = "inference.GRPCInferenceService/ModelStreamInfer"
HEALTH_CHECK = "grpc.health.v1.Health/Check"

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN_ID = "00f067aa0ba902b7"
TRACEPARENT = (("traceparent", f"00-{TRACE_ID}-{SPAN_ID}-01"),)


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Takes spans as any collector does, and keeps them."""

    def __init__(self) -> None:
        self._received: Queue[trace_pb2.ResourceSpans] = Queue()
        self.url = ""

    def Export(  # noqa: N802 - the protocol's name
        self, request: trace_service_pb2.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        for spans in request.resource_spans:
            self._received.put(spans)
        return trace_service_pb2.ExportTraceServiceResponse()

    def next(self) -> trace_pb2.ResourceSpans:
        """What one server has sent, with its resource; waits for it."""
        return self._received.get(timeout=60)

    def spans(self, count: int) -> dict[str, trace_pb2.Span]:
        """That many spans, by name."""
        found: dict[str, trace_pb2.Span] = {}
        while len(found) < count:
            for scope in self.next().scope_spans:
                found |= {span.name: span for span in scope.spans}
        assert len(found) == count, sorted(found)
        return found


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    # The specification's variable: servers that the test starts send their spans soon.
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    server = grpc.server(ThreadPoolExecutor(2))
    collector = Collector()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]  # has no hints
    collector.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield collector
    server.stop(None).wait()


def attributes(span: trace_pb2.Span) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in span.attributes}


def choose_move(
    server: RunningServer, model: str = "", metadata: tuple[tuple[str, str | bytes], ...] = ()
) -> wire.ChooseMoveResponse:
    with grpc.insecure_channel(server.address) as channel:
        stub = connect4_pb2_grpc.Connect4ServiceStub(channel)
        request = wire.ChooseMoveRequest(position=wire.Position(moves="44"), model=model)
        return stub.ChooseMove(request, timeout=60, metadata=metadata)


def test_span_continues_the_callers_trace(repository: Path, collector: Collector) -> None:
    with run_server(repository, "--traces", collector.url) as server:
        choose_move(server, metadata=TRACEPARENT)
        received = collector.next()
    resource = {pair.key: pair.value.string_value for pair in received.resource.attributes}
    assert resource["service.name"] == "fourcast"
    assert resource["service.version"]
    (span,) = received.scope_spans[0].spans
    assert span.name == CHOOSE_MOVE
    assert span.kind == trace_pb2.Span.SPAN_KIND_SERVER
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE_ID, SPAN_ID)
    assert span.end_time_unix_nano > span.start_time_unix_nano
    assert span.status.code == trace_pb2.Status.STATUS_CODE_UNSET
    assert attributes(span) == {
        "rpc.system.name": "grpc",
        "rpc.method": CHOOSE_MOVE,
        "rpc.response.status_code": "OK",
        "fourcast.model": "connect4",
    }


def test_calls_without_a_trace_begin_one_each(repository: Path, collector: Collector) -> None:
    with run_server(repository, "--traces", collector.url) as server:
        choose_move(server)
        (first,) = collector.spans(1).values()
        choose_move(server, metadata=(("traceparent", "nonsense"),))
        (second,) = collector.spans(1).values()
    assert len({first.trace_id, second.trace_id}) == 2
    assert (first.parent_span_id, second.parent_span_id) == (b"", b"")


def test_failed_calls_carry_their_status(
    repository: Path, tmp_path: Path, collector: Collector
) -> None:
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    bearer = ("authorization", f"Bearer {token.read_text()}")
    flags = ("--traces", collector.url, "--token-file", str(token))
    with run_server(repository, *flags) as server:
        for calling, code in (
            (lambda: choose_move(server), "UNAUTHENTICATED"),
            (lambda: choose_move(server, "nonesuch", (bearer,)), "NOT_FOUND"),
            (lambda: choose_move(server, "other", (bearer,)), "INVALID_ARGUMENT"),
        ):
            assert failure(calling).code.name == code
            (span,) = collector.spans(1).values()
            assert attributes(span)["rpc.response.status_code"] == code
            assert attributes(span)["error.type"] == code
            # The caller's mistake is no error of the server.
            assert span.status.code == trace_pb2.Status.STATUS_CODE_UNSET
            assert not span.events


def test_server_faults_are_errors(collector: Collector) -> None:
    with run_front(f"grpc://127.0.0.1:{unused_port()}", "--traces", collector.url) as server:
        error = failure(lambda: choose_move(server))
        assert error.code is grpc.StatusCode.UNAVAILABLE
        (span,) = collector.spans(1).values()
    assert span.status.code == trace_pb2.Status.STATUS_CODE_ERROR
    assert span.status.message == error.message
    assert attributes(span)["rpc.response.status_code"] == "UNAVAILABLE"


def test_streams_are_traced_and_health_checks_are_not(
    repository: Path, collector: Collector
) -> None:
    with (
        run_server(repository, "--traces", collector.url) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        check = health_pb2_grpc.HealthStub(channel).Check
        assert check(health_pb2.HealthCheckRequest(), timeout=60).status
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        requests = [service_pb2.ModelInferRequest(model_name="nonesuch") for _ in range(3)]
        answers = list(stub.ModelStreamInfer(iter(requests), timeout=60))
        assert len(answers) == 3
        choose_move(server)
        spans = collector.spans(2)
    assert set(spans) == {STREAM_INFER, CHOOSE_MOVE}
    assert attributes(spans[STREAM_INFER])["rpc.response.status_code"] == "OK"


def test_trace_goes_on_through_the_backend(repository: Path, collector: Collector) -> None:
    with (
        run_server(repository, "--traces", collector.url) as back,
        run_front(f"grpc://{back.address}", "--traces", collector.url) as front,
    ):
        choose_move(front, metadata=TRACEPARENT)
        spans = collector.spans(2)
    asked, ran = spans[CHOOSE_MOVE], spans[MODEL_INFER]
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE_ID}
    assert asked.parent_span_id.hex() == SPAN_ID
    assert ran.parent_span_id == asked.span_id


def test_last_spans_are_sent_at_the_end(
    repository: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
    with run_server(repository, "--traces", collector.url) as server:
        choose_move(server)
        server.process.terminate()
        assert server.wait() == 0
        assert CHOOSE_MOVE in collector.spans(1)


def test_server_serves_and_ends_without_its_collector(repository: Path) -> None:
    with run_server(repository, "--traces", f"http://127.0.0.1:{unused_port()}") as server:
        assert choose_move(server).column
        server.process.terminate()
        assert server.wait() == 0
        assert "Traceback" not in server.log()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("localhost:4317", "with a port"),
        ("http://localhost", "with a port"),
        ("http://:4317", "with a port"),
        ("http://localhost:many", "many"),
        ("grpc://localhost:4317", "with a port"),
        ("http://localhost:4318/v1/traces", "no path"),
    ],
)
def test_addresses_that_are_none(url: str, reason: str) -> None:
    with pytest.raises(TracingError, match=reason) as caught:
        interceptors(url)
    assert str(caught.value).startswith(f"--traces is {url!r}")


def test_server_does_not_start_with_an_address_that_is_none(repository: Path) -> None:
    said = refused(repository, "--traces", "localhost:4317", status=1)
    assert "cannot start: --traces is 'localhost:4317'" in said


def in_python(program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


def test_nothing_is_imported_without_traces() -> None:
    done = in_python(
        "import sys\n"
        "from fourcast_services import server, tracing\n"
        "assert tracing.interceptors(None) == []\n"
        "assert tracing.outgoing_metadata() == ()\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))\n"
    )
    assert done.returncode == 0, done.stderr


def test_missing_extra_says_how_to_install_it() -> None:
    # None is how Python marks a package that must not be found.
    done = in_python(
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "from fourcast_services import tracing\n"
        "try:\n    tracing.interceptors('http://localhost:4317')\n"
        "except tracing.TracingError as error:\n    print(error)\n"
    )
    assert done.stdout == "--traces needs the package opentelemetry: pip install 'fourcast[otel]'\n"
