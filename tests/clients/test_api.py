"""The typed client against a real service."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from fourcast_clients.api import (
    Cancellation,
    Cell,
    Fourcast,
    FourcastError,
    Level,
    Outcome,
    Player,
    Source,
    Status,
)
from tests.clients.positions import (
    HARD,
    LATE_LOSS,
    LATE_LOSS_SCORES,
    LATE_WIN,
    LATE_WIN_SCORES,
    WON,
)

EMPTY_ROWS = (".......",) * 6


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


class Overloaded(grpc.GenericRpcHandler):
    """A server that refuses every call for a while, as a full queue does."""

    def service(self, _: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        return grpc.unary_unary_rpc_method_handler(self._refuse)

    def _refuse(self, _: bytes, context: grpc.ServicerContext) -> bytes:
        retry = AnyMessage()
        retry.Pack(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000)))
        status = status_pb2.Status(
            code=code_pb2.RESOURCE_EXHAUSTED, message="queue full", details=[retry]
        )
        context.abort_with_status(rpc_status.to_status(status))
        raise AssertionError("unreachable: abort raises")


@pytest.fixture
def other_servers() -> Iterator[tuple[str, str]]:
    """The addresses of a server without any service and of an overloaded one."""
    plain, overloaded = (grpc.server(ThreadPoolExecutor(1)) for _ in range(2))
    overloaded.add_generic_rpc_handlers((Overloaded(),))
    ports = [server.add_insecure_port("127.0.0.1:0") for server in (plain, overloaded)]
    for server in (plain, overloaded):
        server.start()
    yield f"127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}"
    for server in (plain, overloaded):
        server.stop(None).wait()


@pytest.mark.parametrize("level", [Level.NETWORK, Level.SEARCH])
def test_network_levels_give_policy_and_value(fourcast: Fourcast, level: Level) -> None:
    move = fourcast.connect4.choose_move("4453", level=level)
    assert move.policy is not None
    assert len(move.policy) == 7
    assert sum(move.policy) == pytest.approx(1, abs=1e-5)
    assert move.value is not None
    assert move.value.win + move.value.draw + move.value.loss == pytest.approx(1, abs=1e-5)
    assert move.model == "connect4"
    assert move.model_version is not None
    assert int(move.model_version) >= 1
    assert move.source is (Source.NETWORK if level is Level.NETWORK else Source.BOOK)
    if level is Level.NETWORK:
        assert move.column == 1 + move.policy.index(max(move.policy))
    assert move.board == fourcast.connect4.describe(f"4453{move.column}")


def test_full_columns_have_no_probability(fourcast: Fourcast) -> None:
    move = fourcast.connect4.choose_move(LATE_WIN)
    assert move.policy is not None
    assert move.policy[4] == 0


def test_perfect_play_wins_and_asks_no_network(fourcast: Fourcast) -> None:
    move = fourcast.connect4.choose_move(LATE_WIN, level=Level.PERFECT)
    assert move.column == 4
    assert move.source is Source.SOLVER
    assert (move.policy, move.value, move.model, move.model_version) == (None, None, None, None)
    assert move.board.status is Status.FIRST_WON
    assert move.board.winner is Player.FIRST


def test_analysis_of_a_won_position(fourcast: Fourcast) -> None:
    analysis = fourcast.connect4.analyze(LATE_WIN)
    assert analysis.scores == LATE_WIN_SCORES
    assert analysis.best_columns == (4,)
    assert (analysis.score, analysis.outcome, analysis.distance) == (7, Outcome.WIN, 1)
    assert analysis.principal_variation == "4"
    assert analysis.source is Source.SOLVER


def test_analysis_of_a_lost_position(fourcast: Fourcast) -> None:
    analysis = fourcast.connect4.analyze(LATE_LOSS)
    assert analysis.scores == LATE_LOSS_SCORES
    assert (analysis.score, analysis.outcome, analysis.distance) == (-4, Outcome.LOSS, 8)
    end = fourcast.connect4.describe(LATE_LOSS + analysis.principal_variation)
    assert end.status is Status.SECOND_WON


def test_analysis_of_a_finished_game(fourcast: Fourcast) -> None:
    analysis = fourcast.connect4.analyze(WON)
    assert analysis.scores == (None,) * 7
    assert (analysis.best_columns, analysis.principal_variation) == ((), "")
    assert (analysis.outcome, analysis.distance) == (Outcome.LOSS, 0)
    assert analysis.source is Source.RULES


def test_describe_says_what_the_rules_say(fourcast: Fourcast) -> None:
    empty = fourcast.connect4.describe("")
    assert empty.rows == EMPTY_ROWS
    assert empty.legal_columns == (1, 2, 3, 4, 5, 6, 7)
    assert (empty.side_to_move, empty.is_over, empty.winner) == (Player.FIRST, False, None)
    won = fourcast.connect4.describe(WON)
    assert won.rows[-2:] == ("222....", "1111...")
    assert won.status is Status.FIRST_WON
    assert won.winning_cells == tuple(Cell(column, 1) for column in (1, 2, 3, 4))
    assert won.legal_columns == ()
    assert won.stone(Cell(1, 2)) is Player.SECOND
    assert won.stone(Cell(1, 3)) is None
    assert str(won).endswith("222....\n1111...\n1234567")


def test_one_position_in_three_notations(fourcast: Fourcast) -> None:
    board = fourcast.connect4.describe("4453")
    assert fourcast.connect4.describe(board) == board
    assert fourcast.connect4.describe(list(board.rows)) == board


def test_a_bad_position_names_the_field_and_the_reason(fourcast: Fourcast) -> None:
    with pytest.raises(FourcastError, match=r"move 3 .*'8'") as caught:
        fourcast.connect4.choose_move("448")
    assert caught.value.code == "INVALID_ARGUMENT"
    assert caught.value.field == "position.moves"
    floating = (*EMPTY_ROWS[:4], "...1...", ".......")
    with pytest.raises(FourcastError, match="floats") as caught:
        fourcast.connect4.describe(floating)
    assert caught.value.field is not None
    assert caught.value.field.startswith("position.grid")


def test_a_move_after_the_end_is_refused(fourcast: Fourcast) -> None:
    with pytest.raises(FourcastError, match="over") as caught:
        fourcast.connect4.choose_move(WON)
    assert caught.value.code == "INVALID_ARGUMENT"


@pytest.mark.parametrize(("model", "version"), [("nonesuch", ""), ("connect4", "999")])
def test_an_unknown_model_or_version_is_not_found(
    fourcast: Fourcast, model: str, version: str
) -> None:
    with pytest.raises(FourcastError, match=version or model) as caught:
        fourcast.connect4.choose_move("", model=model, model_version=version)
    assert caught.value.code == "NOT_FOUND"
    assert not caught.value.is_passing


def test_a_call_that_takes_too_long_ends(slow_thinker: Fourcast) -> None:
    with pytest.raises(FourcastError, match=r"within 0\.05 s") as caught:
        slow_thinker.connect4.analyze(HARD, timeout=0.05)
    assert caught.value.code == "DEADLINE_EXCEEDED"
    assert caught.value.is_passing


def test_a_call_can_be_cancelled_from_another_thread(slow_thinker: Fourcast) -> None:
    cancellation = Cancellation()
    threading.Timer(0.3, cancellation.cancel).start()
    with pytest.raises(FourcastError) as caught:
        slow_thinker.connect4.analyze(HARD, cancellation=cancellation)
    assert caught.value.code == "CANCELLED"
    with pytest.raises(FourcastError) as caught:
        slow_thinker.connect4.analyze(HARD, cancellation=cancellation)
    assert caught.value.code == "CANCELLED"


def test_a_closed_client_says_so(fourcast: Fourcast) -> None:
    client = Fourcast(fourcast.server)
    client.close()
    with pytest.raises(FourcastError, match="closed"):
        client.connect4.describe("")


def test_nobody_there_says_how_to_start_a_server(nobody: str) -> None:
    with Fourcast(nobody) as client:
        with pytest.raises(FourcastError, match="fourcast-serve") as caught:
            client.connect4.describe("")
        assert caught.value.code == "UNAVAILABLE"
        assert caught.value.is_passing
        with pytest.raises(FourcastError, match=nobody):
            client.wait_until_ready(0.2)


def test_another_kind_of_server_is_recognised(other_servers: tuple[str, str]) -> None:
    with Fourcast(other_servers[0]) as client:
        with pytest.raises(FourcastError, match="something else") as caught:
            client.wait_until_ready(5)
        assert caught.value.code == "UNIMPLEMENTED"


def test_a_busy_server_says_when_to_try_again(other_servers: tuple[str, str]) -> None:
    with Fourcast(other_servers[1]) as client:
        with pytest.raises(FourcastError, match=r"busy: try again in 1\.5 s") as caught:
            client.connect4.describe("")
        assert caught.value.retry_after == 1.5
        assert caught.value.is_passing


@pytest.mark.parametrize(
    "server", ["", "localhost", "localhost:", ":50051", "h:0", "h:65536", "h:x"]
)
def test_an_address_that_is_none_is_refused(server: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        Fourcast(server)
