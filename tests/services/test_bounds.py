"""Searches over gRPC end with their calls and queue up to a bound."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from fourcast.connect4.v1 import connect4_pb2 as wire
from fourcast.connect4.v1 import connect4_pb2_grpc
from tests.services.no_openings import write_no_openings
from tests.services.running import RunningServer, run_server
from tests.services.status import failure

Connect4 = connect4_pb2_grpc.Connect4ServiceStub

# Eight stones and nothing forced nearby: seconds of search.
HARD = wire.AnalyzeRequest(position=wire.Position(moves="76357377"))
EASY = wire.AnalyzeRequest(position=wire.Position(moves="2252576253462244111563365343671351441"))
# Five stones each: together half a minute and more for one slot.
MORE_THAN_THE_GRACE = [f"{start}{last}" for start in ("4426", "1234") for last in "1234567"]
STOPPED = "stopped the search of a call that was cancelled"


@pytest.fixture
def one_slot(repository: Path, tmp_path: Path) -> Iterator[RunningServer]:
    flags = ("--solver-slots", "1", "--table-mebibytes", "1")
    with run_server(
        repository, *flags, "--opening-book", str(write_no_openings(tmp_path))
    ) as server:
        yield server


@pytest.fixture
def stub(one_slot: RunningServer) -> Iterator[Connect4]:
    with grpc.insecure_channel(one_slot.address) as channel:
        stub = Connect4(channel)
        # The solver is there: later calls begin to search at once.
        assert stub.Analyze(EASY, timeout=240).score == -1
        yield stub


def wait_for_log(server: RunningServer, text: str) -> None:
    end = time.monotonic() + 60
    while text not in server.log():
        assert time.monotonic() < end, server.log()
        time.sleep(0.02)


def test_an_expired_call_stops_its_search(one_slot: RunningServer, stub: Connect4) -> None:
    error = failure(lambda: stub.Analyze(HARD, timeout=0.3))
    assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_for_log(one_slot, STOPPED)
    assert stub.Analyze(EASY, timeout=60).score == -1


def test_a_cancelled_call_stops_its_search(one_slot: RunningServer, stub: Connect4) -> None:
    call = stub.Analyze.future(HARD)
    time.sleep(0.3)
    call.cancel()
    wait_for_log(one_slot, STOPPED)
    assert stub.Analyze(EASY, timeout=60).score == -1


def test_calls_beyond_the_queue_are_told_when_to_come_back(stub: Connect4) -> None:
    calls = [stub.Analyze.future(HARD) for _ in range(100)]
    failed = [call for call in calls if call.exception(timeout=240) is not None]
    refused = [failure(call.result) for call in failed]
    assert 1 <= len(refused) < len(calls)
    assert all(error.retry_seconds() > 0 for error in refused)
    assert all(error.message.startswith("every solver is busy") for error in refused)
    assert stub.Analyze(EASY, timeout=60).score == -1


def test_rules_and_network_answer_while_the_solver_is_busy(stub: Connect4) -> None:
    busy = stub.Analyze.future(HARD)
    position = wire.Position(moves="44")
    for level in (wire.LEVEL_NETWORK, wire.LEVEL_SEARCH):
        request = wire.ChooseMoveRequest(position=position, level=level)
        assert stub.ChooseMove(request, timeout=60).column
    described = stub.DescribePosition(wire.DescribePositionRequest(position=position), timeout=60)
    assert described.board.status == wire.GAME_STATUS_IN_PROGRESS
    busy.cancel()


def test_sigterm_during_a_search_ends_the_server_with_0(
    one_slot: RunningServer, stub: Connect4
) -> None:
    calls = [
        stub.Analyze.future(wire.AnalyzeRequest(position=wire.Position(moves=moves)))
        for moves in MORE_THAN_THE_GRACE
    ]
    time.sleep(0.3)
    one_slot.process.send_signal(signal.SIGTERM)
    assert one_slot.wait() == 0
    assert "Traceback" not in one_slot.log()
    # The search that ran and the last call of the queue hear why.
    errors = [failure(call.result) for call in calls if call.exception() is not None]
    assert {error.code for error in errors} == {grpc.StatusCode.UNAVAILABLE}
    assert {error.message for error in errors} == {
        "the server is stopping; try again when it is back"
    }
