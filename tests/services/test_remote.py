"""Models that another server runs: a second fourcast, KServe's and MLServer's own."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from fourcast.connect4.v1 import connect4_pb2 as wire
from fourcast.connect4.v1 import connect4_pb2_grpc
from fourcast_services.remote import RemoteBackend
from tests.services.certificates import Authority
from tests.services.fronts import NO_MODELS, run_front, unused_port
from tests.services.peer_servers import run_peer
from tests.services.refusals import refused
from tests.services.running import RunningServer, run_server
from tests.services.status import failure
from tests.services.waiting import until

MOVES = ("", "44", "4453", "123456712345")


def choose_move(
    server: RunningServer, moves: str = "44", model: str = "", version: str = ""
) -> wire.ChooseMoveResponse:
    with grpc.insecure_channel(server.address) as channel:
        stub = connect4_pb2_grpc.Connect4ServiceStub(channel)
        request = wire.ChooseMoveRequest(
            position=wire.Position(moves=moves), model=model, model_version=version
        )
        return stub.ChooseMove(request, timeout=60)


@pytest.fixture(scope="module")
def front(server: RunningServer) -> Iterator[RunningServer]:
    """A fourcast before the fourcast of the other tests."""
    with run_front(f"grpc://{server.address}") as running:
        yield running


def test_same_answers_as_without_a_second_server(
    front: RunningServer, server: RunningServer
) -> None:
    for moves in MOVES:
        for version in ("", "1"):
            ours = choose_move(front, moves, version=version)
            assert ours == choose_move(server, moves, version=version)
            assert ours.model_version == (version or "2")


@pytest.mark.parametrize(
    ("model", "version", "code"),
    [
        ("nonesuch", "", grpc.StatusCode.NOT_FOUND),
        ("", "9", grpc.StatusCode.NOT_FOUND),
        ("other", "", grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_same_errors_as_without_a_second_server(
    front: RunningServer, server: RunningServer, model: str, version: str, code: grpc.StatusCode
) -> None:
    ours = failure(lambda: choose_move(front, "44", model, version))
    assert ours == failure(lambda: choose_move(server, "44", model, version))
    assert ours.code is code


def test_request_id_goes_on_to_the_backend(repository: Path) -> None:
    with (
        run_server(repository, "--log-calls", "--log-format", "json") as back,
        run_front(f"grpc://{back.address}") as running,
        grpc.insecure_channel(running.address) as channel,
    ):
        request = wire.ChooseMoveRequest(position=wire.Position(moves="44"))
        stub = connect4_pb2_grpc.Connect4ServiceStub(channel)
        stub.ChooseMove(request, timeout=60, metadata=(("x-request-id", "r-1"),))
        lines = [json.loads(line) for line in back.log().splitlines()]
    ids = [line["request_id"] for line in lines if line.get("method", "").endswith("ModelInfer")]
    assert ids == ["r-1"]


def test_backend_that_wants_a_token(repository: Path, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("0123456789abcdef\n")
    with (
        run_server(repository, "--token-file", str(token_file)) as back,
        run_front(f"grpc://{back.address}") as stranger,
        run_front(f"grpc://{back.address}", "--backend-token-file", str(token_file)) as known,
    ):
        assert choose_move(known, "44").model_version == "2"
        error = failure(lambda: choose_move(stranger, "44"))
    assert error.code is grpc.StatusCode.UNAVAILABLE
    assert "UNAUTHENTICATED" in error.message


def test_front_offers_no_models_itself(front: RunningServer) -> None:
    with grpc.insecure_channel(front.address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        error = failure(lambda: stub.ServerLive(service_pb2.ServerLiveRequest(), timeout=60))
        assert error.code is grpc.StatusCode.UNIMPLEMENTED


def test_backend_that_goes_away_and_comes_back(repository: Path) -> None:
    port = str(unused_port())
    with run_front(f"grpc://127.0.0.1:{port}") as running:

        def answers() -> bool:
            try:
                return bool(choose_move(running).column)
            except grpc.RpcError:
                return False

        for _ in range(2):
            for _ in range(3):
                error = failure(lambda: choose_move(running))
                assert error.code is grpc.StatusCode.UNAVAILABLE
                assert "cannot be reached" in error.message
                # Where models run is no caller's business.
                assert port not in error.message
            with run_server(repository, "--port", port):
                until(answers, "the front to find its backend again")
            until(lambda: not answers(), "the backend to be missed")
        running.process.send_signal(signal.SIGTERM)
        assert running.wait() == 0
        log = running.log()
    # Once each time that it went away: at the start, and after either of its lives.
    assert log.count("cannot be reached") == 3
    assert log.count("answers again") == 2
    assert "Traceback" not in log


def test_backend_over_tls(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority.make(tmp_path / "authority")
    with run_server(repository, *authority.server_flags()) as back:
        with run_front(f"grpcs://{back.address}") as stranger:
            assert failure(lambda: choose_move(stranger)).code is grpc.StatusCode.UNAVAILABLE
        monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(authority.ca))
        with run_front(f"grpcs://{back.address}") as trusting:
            assert choose_move(trusting).column


@pytest.mark.timeout(1200)  # pip fills an environment on the first run
@pytest.mark.parametrize("name", ["kserve", "mlserver"])
def test_other_peoples_servers(
    name: str, repository: Path, server: RunningServer, tmp_path: Path
) -> None:
    weights = repository / "connect4" / "2" / "model.onnx"
    with run_peer(name, weights, tmp_path) as address, run_front(f"grpc://{address}") as running:
        for moves in MOVES:
            theirs, ours = choose_move(running, moves), choose_move(server, moves)
            assert theirs.column == ours.column
            assert theirs.board == ours.board
            assert list(theirs.policy) == pytest.approx(list(ours.policy), abs=1e-6)
            assert theirs.model == "connect4"
            # Neither says a version of a model that has none, and nobody guesses one.
            assert theirs.model_version == ""
        error = failure(lambda: choose_move(running, model="nonesuch"))
        assert error.code is grpc.StatusCode.NOT_FOUND
        assert "nonesuch" in error.message
        running.process.send_signal(signal.SIGTERM)
        assert running.wait() == 0
        assert "Traceback" not in running.log()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8001",
        "grpc://",
        "grpc://host",
        "grpc://:8001",
        "grpc://host:0",
        "grpc://host:65536",
        "grpc://host:many",
        "grpc://host:8001/path",
        "grpc://user@host:8001",
        "http://host:8001",
        "grpc://[::1:8001",
    ],
)
async def test_address_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match=r"--backend is .* grpc://HOST:PORT"):
        RemoteBackend(url)


def test_server_does_not_start_with_an_address_that_is_none() -> None:
    assert "grpc://HOST:PORT" in refused(NO_MODELS, "--backend", "host:8001", status=2)
