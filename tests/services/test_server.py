"""The server as a process: how it starts, says that it is well, and stops."""

import signal
import socket
import subprocess
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from fourcast.connect4.v1 import connect4_pb2 as wire
from fourcast.connect4.v1 import connect4_pb2_grpc
from tests.services.running import RunningServer, command, run_server
from tests.services.small_model import publish_small_model
from tests.services.status import failure

SERVICE = "fourcast.connect4.v1.Connect4Service"


@pytest.mark.parametrize("service", ["", SERVICE])
def test_health(channel: grpc.Channel, service: str) -> None:
    request = health_pb2.HealthCheckRequest(service=service)
    response = health_pb2_grpc.HealthStub(channel).Check(request)
    assert response.status == health_pb2.HealthCheckResponse.SERVING


def test_health_of_an_unknown_service(channel: grpc.Channel) -> None:
    request = health_pb2.HealthCheckRequest(service="chess")
    error = failure(lambda: health_pb2_grpc.HealthStub(channel).Check(request))
    assert error.code is grpc.StatusCode.NOT_FOUND


def test_reflection_describes_the_services(channel: grpc.Channel) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)
    assert {SERVICE, "grpc.health.v1.Health"} <= set(database.get_services())
    file = database.FindFileContainingSymbol(SERVICE)
    (service,) = file.service
    assert {method.name for method in service.method} == {
        "ChooseMove",
        "Analyze",
        "DescribePosition",
    }


def test_network_never_loads_the_solver(repository: Path) -> None:
    with run_server(repository) as server, grpc.insecure_channel(server.address) as channel:
        stub = connect4_pb2_grpc.Connect4ServiceStub(channel)
        stub.ChooseMove(wire.ChooseMoveRequest(position=wire.Position(moves="44")))
        maps = Path(f"/proc/{server.process.pid}/maps").read_text()
        assert "onnxruntime" in maps
        assert "llvmlite" not in maps


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_server_with_0(repository: Path, number: signal.Signals) -> None:
    with run_server(repository) as server:
        server.process.send_signal(number)
        assert server.wait() == 0
        assert "Traceback" not in server.log()


def test_health_says_not_serving_while_calls_drain(repository: Path) -> None:
    with run_server(repository) as server, grpc.insecure_channel(server.address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(service=SERVICE)
        )
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        server.process.send_signal(signal.SIGTERM)
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert server.wait() == 0
        assert "Traceback" not in server.log()


def test_second_signal_ends_the_server_at_once(repository: Path) -> None:
    with run_server(repository) as server, grpc.insecure_channel(server.address) as channel:
        # An open stream makes the first signal wait for its grace.
        watch = health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(service=SERVICE)
        )
        next(watch)
        server.process.send_signal(signal.SIGTERM)
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 128 + signal.SIGTERM


def test_server_ends_with_its_parents_pipe(repository: Path) -> None:
    with run_server(repository, "--exit-with-parent") as server:
        assert server.process.stdin is not None
        server.process.stdin.write("words are passed over\n")
        server.process.stdin.flush()
        with grpc.insecure_channel(server.address) as channel:
            request = health_pb2.HealthCheckRequest()
            assert health_pb2_grpc.HealthStub(channel).Check(request).status
        server.process.stdin.close()
        assert server.wait() == 0
        assert "Traceback" not in server.log()


def test_server_outlives_standard_input_unless_told(repository: Path) -> None:
    with run_server(repository) as server:
        assert server.process.stdin is not None
        server.process.stdin.close()
        with grpc.insecure_channel(server.address) as channel:
            request = health_pb2.HealthCheckRequest()
            response = health_pb2_grpc.HealthStub(channel).Check(request)
            assert response.status == health_pb2.HealthCheckResponse.SERVING


def refused(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A server that must not start."""
    finished = subprocess.run(
        arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    assert finished.stdout == ""
    assert "Traceback" not in finished.stderr
    return finished


def test_taken_port(server: RunningServer, repository: Path) -> None:
    port = server.address.rpartition(":")[2]
    finished = refused(*command(repository, "--port", port))
    assert finished.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in finished.stderr


def test_port_taken_by_another_program(repository: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert refused(*command(repository, "--port", port)).returncode == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "is not a folder"),
        ({}, "holds no model"),
        ({"connect4/1/model.onnx": ""}, "cannot read"),
        ({"connect4/config.pbtxt": "colour: 3"}, "config.pbtxt:1:1"),
    ],
)
def test_bad_repository(tmp_path: Path, content: dict[str, str] | None, reason: str) -> None:
    folder = tmp_path / "models"
    if content is not None:
        folder.mkdir()
        for name, text in content.items():
            (folder / name).parent.mkdir(parents=True)
            (folder / name).write_text(text)
    finished = refused(*command(folder))
    assert finished.returncode == 1
    assert reason in finished.stderr
    assert str(folder) in finished.stderr


def test_no_version_that_can_serve(tmp_path: Path) -> None:
    publish_small_model(tmp_path, golden_error=1)
    finished = refused(*command(tmp_path))
    assert finished.returncode == 1
    assert "cannot start: no version of model 'connect4'" in finished.stderr


def test_an_opening_book_that_is_none(tmp_path: Path, repository: Path) -> None:
    book = tmp_path / "book.npz"
    book.write_text("4453")
    finished = refused(*command(repository, "--opening-book", str(book)))
    assert finished.returncode == 1
    assert f"cannot start: {book} is no opening book" in finished.stderr


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (("--thinking-seconds", "0"), "--thinking-seconds is 0"),
        (("--prot", "1"), "--prot"),
        (("--port", "70000"), "--port is 70000"),
        (("--port", "many"), "many"),
        (("--device", "tpu"), "tpu"),
        (("--solver-slots", "0"), "--solver-slots is 0"),
        (("--table-mebibytes", "0"), "--table-mebibytes is 0"),
        (("--table-mebibytes", "100"), "power of"),
    ],
)
def test_wrong_flags(repository: Path, flags: tuple[str, str], word: str) -> None:
    finished = refused(*command(repository, *flags))
    assert finished.returncode == 2
    assert word in finished.stderr


def test_help_teaches(repository: Path) -> None:
    finished = subprocess.run(
        command(repository, "--help"), capture_output=True, text=True, timeout=60, check=True
    )
    for flag in ("--models", "--host", "--port", "--device", "--exit-with-parent"):
        assert flag in finished.stdout
    assert "Examples:" in finished.stdout
