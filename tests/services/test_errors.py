"""Every wrong request gets its status, field and reason, and nothing else leaves the server."""

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from fourcast.connect4.v1 import connect4_pb2 as wire
from fourcast.connect4.v1 import connect4_pb2_grpc
from fourcast_services.admission import OpenCalls
from fourcast_services.guard import Guard, GuardedServer
from tests.services.running import RunningServer
from tests.services.status import failure

Connect4 = connect4_pb2_grpc.Connect4ServiceStub
Call: TypeAlias = "grpc.UnaryUnaryMultiCallable[bytes, bytes]"

EMPTY_ROWS = ["......."] * 6
WON_BY_FIRST = "1212121"


def moves(text: str) -> wire.Position:
    return wire.Position(moves=text)


def grid(rows: list[str], side: int = 0) -> wire.Position:
    return wire.Position(grid=wire.Grid(rows=rows, side_to_move=wire.Player.ValueType(side)))


@pytest.mark.parametrize(
    ("position", "field", "reason"),
    [
        (None, "position", "missing"),
        (wire.Position(), "position", "missing"),
        (moves("8"), "position.moves", "move 1 ('8') is not a column"),
        (moves("12x"), "position.moves", "move 3 ('x')"),
        (moves("4٤"), "position.moves", "move 2 ('٤')"),
        (moves("4444444"), "position.moves", "column 4 is full"),
        (moves(WON_BY_FIRST + "1"), "position.moves", "the game is over (first player won)"),
        (moves("1" * 43), "position.moves", "43 characters"),
        (moves("1" * 500_000), "position.moves", "500000 characters"),
        (grid([]), "position.grid.rows", "0 rows"),
        (grid(EMPTY_ROWS[:5]), "position.grid.rows", "5 rows"),
        (grid([*EMPTY_ROWS, "       "]), "position.grid.rows", "7 rows"),
        (grid(["......", *EMPTY_ROWS[1:]]), "position.grid.rows", "row 1 from the top has 6"),
        (grid(["......\n", *EMPTY_ROWS[1:]]), "position.grid.rows", "6 cells"),
        (grid([".......\n", *EMPTY_ROWS[1:]]), "position.grid.rows", "8 characters"),
        (grid(["...x...", *EMPTY_ROWS[1:]]), "position.grid.rows", "column 4, row 6 holds 'x'"),
        (grid(["...1...", *EMPTY_ROWS[1:]]), "position.grid.rows", "floats"),
        (grid([*EMPTY_ROWS[:5], "11....."]), "position.grid.rows", "impossible stone counts"),
        (grid([*EMPTY_ROWS[:4], "2222...", "1111..."]), "position.grid.rows", "two winners"),
        (grid(EMPTY_ROWS, side=2), "position.grid.side_to_move", "the second player cannot move"),
        (grid(EMPTY_ROWS, side=7), "position.grid.side_to_move", "7 is no player"),
    ],
)
def test_wrong_position_names_field_and_reason(
    connect4: Connect4, position: wire.Position | None, field: str, reason: str
) -> None:
    for error in (
        failure(lambda: connect4.ChooseMove(wire.ChooseMoveRequest(position=position))),
        failure(lambda: connect4.Analyze(wire.AnalyzeRequest(position=position))),
        failure(lambda: connect4.DescribePosition(wire.DescribePositionRequest(position=position))),
    ):
        named, description = error.field_violation()
        assert named == field
        assert reason in description
        assert error.message == f"{field}: {description}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (WON_BY_FIRST, "first player won"),
        ("71212121", "second player won"),
    ],
)
@pytest.mark.parametrize("level", [wire.LEVEL_NETWORK, wire.LEVEL_SEARCH, wire.LEVEL_PERFECT])
def test_no_move_in_a_finished_game(
    connect4: Connect4, text: str, reason: str, level: wire.Level.ValueType
) -> None:
    request = wire.ChooseMoveRequest(position=moves(text), level=level)
    field, description = failure(lambda: connect4.ChooseMove(request)).field_violation()
    assert field == "position"
    assert reason in description


def test_unknown_level(connect4: Connect4) -> None:
    request = wire.ChooseMoveRequest(position=moves(""), level=wire.Level.ValueType(9))
    field, description = failure(lambda: connect4.ChooseMove(request)).field_violation()
    assert field == "level"
    assert "9 is no level" in description
    assert "3 (LEVEL_PERFECT)" in description


@pytest.mark.parametrize(
    ("model", "version", "text"),
    [
        ("chess", "", "no model 'chess'; this server has connect4, other"),
        ("../connect4", "", "no model '../connect4'"),
        ("/etc/passwd", "", "no model '/etc/passwd'"),
        ("connect4/1", "", "no model"),
        ("x" * 100_000, "", "no model 'xxx"),
        ("connect4", "3", "no version '3'; it serves 2, 1"),
        ("connect4", "01", "no version '01'"),
        ("", "../1", "no version '../1'"),
    ],
)
def test_unknown_model_or_version(connect4: Connect4, model: str, version: str, text: str) -> None:
    request = wire.ChooseMoveRequest(position=moves("44"), model=model, model_version=version)
    error = failure(lambda: connect4.ChooseMove(request))
    assert error.code is grpc.StatusCode.NOT_FOUND
    assert text in error.message


@pytest.mark.parametrize("level", [wire.LEVEL_NETWORK, wire.LEVEL_SEARCH])
def test_a_model_for_something_else_plays_no_connect4(
    connect4: Connect4, level: wire.Level.ValueType
) -> None:
    request = wire.ChooseMoveRequest(position=moves("44"), level=level, model="other")
    field, description = failure(lambda: connect4.ChooseMove(request)).field_violation()
    assert field == "model"
    assert "'other' is no Connect-4 model" in description


def test_bytes_that_are_no_message(channel: grpc.Channel) -> None:
    call: Call = channel.unary_unary("/fourcast.connect4.v1.Connect4Service/DescribePosition")
    error = failure(lambda: call(b"\xff\xff\xff"))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.message == "the bytes sent are not a request of this method"


def test_unknown_method(channel: grpc.Channel, server: RunningServer) -> None:
    call: Call = channel.unary_unary("/fourcast.connect4.v1.Connect4Service/Resign")
    assert failure(lambda: call(b"")).code is grpc.StatusCode.UNIMPLEMENTED
    assert "Traceback" not in server.log()


class BrokenHealth(health_pb2_grpc.HealthServicer):  # type: ignore[misc] # it has no type hints
    """A servicer with a bug that would leak what it was asked."""

    async def Check(  # noqa: N802 - the name is the proto's
        self, request: health_pb2.HealthCheckRequest, context: object
    ) -> health_pb2.HealthCheckResponse:
        raise KeyError(request.service)


@pytest.fixture
async def broken_channel() -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    guarded: Any = GuardedServer(server, Guard(OpenCalls(limit=8)))
    health_pb2_grpc.add_HealthServicer_to_server(BrokenHealth(), guarded)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(None)


async def test_a_bug_is_internal_without_traceback_or_echo(
    broken_channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    stub = health_pb2_grpc.HealthStub(broken_channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(health_pb2.HealthCheckRequest(service="secret"))
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert caught.value.details() == "the server failed on this call; its log says why"
    assert "secret" not in str(caught.value.trailing_metadata())
    assert "KeyError: 'secret'" in caplog.text
