"""Moves, truth and rules over gRPC, against what the models shelf says in-process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import grpc
import numpy as np
import pytest
from grpc.aio import ServicerContext
from hypothesis import given
from hypothesis import strategies as st

from fourcast.connect4.v1 import connect4_pb2 as wire
from fourcast.connect4.v1 import connect4_pb2_grpc
from fourcast_models.connect4 import board as rules
from fourcast_models.connect4.board import Board
from fourcast_models.connect4.book import Book
from fourcast_models.connect4.codec import POLICY, VALUE, decode
from fourcast_models.connect4.solver import Solver
from fourcast_models.model_config import Arrays
from fourcast_models.repository import default_repository, read_golden, read_model
from fourcast_services.connect4 import Connect4Servicer
from fourcast_services.connect4_wire import read_position, write_board
from fourcast_services.engine.errors import UnknownModelError
from fourcast_services.inference_backend import Inference, InferenceBackend
from fourcast_services.solver_pool import SolverPool
from tests.services.running import run_server

Connect4 = connect4_pb2_grpc.Connect4ServiceStub

# Solved in a moment. Whether scores are true is shown in test_analyze.py.
LATE = "2252576253462244111563365343671351441"
WIN_NEXT = "4746471212"
# Nothing is forced for either side within the search's horizon, and no book holds it.
QUIET = "2577713147"


def choose(
    connect4: Connect4, moves: str, level: wire.Level.ValueType, **fields: str
) -> wire.ChooseMoveResponse:
    request = wire.ChooseMoveRequest(position=wire.Position(moves=moves), level=level, **fields)
    return connect4.ChooseMove(request, timeout=120)


def describe(connect4: Connect4, position: wire.Position) -> wire.BoardState:
    request = wire.DescribePositionRequest(position=position)
    return connect4.DescribePosition(request).board


@st.composite
def reachable_boards(draw: st.DrawFn) -> Board:
    board = rules.EMPTY_BOARD
    for _ in range(draw(st.integers(0, rules.CELLS))):
        columns = rules.legal_columns(board)
        if not columns:
            break
        board = rules.play(board, draw(st.sampled_from(columns)))
    return board


@given(reachable_boards())
def test_boards_survive_the_wire(board: Board) -> None:
    state = wire.BoardState.FromString(write_board(board).SerializeToString())
    request = wire.AnalyzeRequest(position=wire.Position(grid=state.grid))
    assert read_position(request) == board
    assert [column - 1 for column in state.legal_columns] == list(rules.legal_columns(board))
    cells = tuple((cell.column - 1, cell.row - 1) for cell in state.winning_cells)
    assert cells == rules.winning_cells(board)


def test_describe_the_empty_board(connect4: Connect4) -> None:
    board = describe(connect4, wire.Position(moves=""))
    assert list(board.grid.rows) == ["......."] * 6
    assert board.grid.side_to_move == wire.PLAYER_FIRST
    assert board.status == wire.GAME_STATUS_IN_PROGRESS
    assert list(board.legal_columns) == [1, 2, 3, 4, 5, 6, 7]
    assert not board.winning_cells


def test_describe_a_won_game(connect4: Connect4) -> None:
    board = describe(connect4, wire.Position(moves="1212121"))
    assert board.status == wire.GAME_STATUS_FIRST_WON
    assert not board.legal_columns
    assert [(cell.column, cell.row) for cell in board.winning_cells] == [
        (1, 1),
        (1, 2),
        (1, 3),
        (1, 4),
    ]


def test_moves_and_grid_are_the_same_position(connect4: Connect4) -> None:
    by_moves = describe(connect4, wire.Position(moves="4453"))
    assert describe(connect4, wire.Position(grid=by_moves.grid)) == by_moves
    unsaid = wire.Grid(rows=by_moves.grid.rows)
    assert describe(connect4, wire.Position(grid=unsaid)) == by_moves


def test_network_move_is_the_policys_argmax(connect4: Connect4) -> None:
    response = choose(connect4, "4453", wire.LEVEL_NETWORK)
    assert len(response.policy) == 7
    assert sum(response.policy) == pytest.approx(1, abs=1e-5)
    assert response.column == 1 + int(np.argmax(response.policy))
    assert response.source == wire.SOURCE_NETWORK
    assert response.value.win + response.value.draw + response.value.loss == pytest.approx(1)
    assert (response.model, response.model_version) == ("connect4", "2")
    assert response.board == describe(connect4, wire.Position(moves=f"4453{response.column}"))


def test_no_level_is_the_network(connect4: Connect4) -> None:
    unsaid = choose(connect4, "4453", wire.LEVEL_UNSPECIFIED)
    assert unsaid == choose(connect4, "4453", wire.LEVEL_NETWORK)


def test_versions_answer_by_number(connect4: Connect4) -> None:
    old = choose(connect4, "4453", wire.LEVEL_NETWORK, model="connect4", model_version="1")
    new = choose(connect4, "4453", wire.LEVEL_NETWORK, model_version="2")
    assert (old.model_version, new.model_version) == ("1", "2")
    assert list(old.policy) != list(new.policy)


def test_full_columns_are_never_played(connect4: Connect4) -> None:
    response = choose(connect4, "111111222222", wire.LEVEL_NETWORK)
    assert list(response.policy[:2]) == [0, 0]
    assert response.column > 2


def test_search_plays_a_win_at_once(connect4: Connect4) -> None:
    response = choose(connect4, WIN_NEXT, wire.LEVEL_SEARCH)
    assert (response.column, response.source) == (4, wire.SOURCE_SEARCH)
    assert response.board.status == wire.GAME_STATUS_FIRST_WON
    assert len(response.policy) == 7
    assert response.model_version == "2"


def test_search_blocks_the_only_way(connect4: Connect4) -> None:
    # The first player threatens the fourth stone of column 4.
    response = choose(connect4, "414247776", wire.LEVEL_SEARCH)
    assert (response.column, response.source) == (4, wire.SOURCE_SEARCH)


def test_search_resists_longest_when_all_is_lost(connect4: Connect4) -> None:
    # Three in a row on the bottom, open at both ends: one end can be closed, not both.
    response = choose(connect4, "334457777", wire.LEVEL_SEARCH)
    assert response.source == wire.SOURCE_SEARCH


def test_search_leaves_quiet_positions_to_the_network(connect4: Connect4) -> None:
    network = choose(connect4, QUIET, wire.LEVEL_NETWORK)
    searched = choose(connect4, QUIET, wire.LEVEL_SEARCH)
    assert searched.source == wire.SOURCE_NETWORK
    assert (searched.column, searched.policy) == (network.column, network.policy)


def test_search_chooses_among_the_best_of_a_solved_opening(connect4: Connect4) -> None:
    network = choose(connect4, "4453", wire.LEVEL_NETWORK)
    searched = choose(connect4, "4453", wire.LEVEL_SEARCH)
    position = wire.Position(moves="4453")
    best = connect4.Analyze(wire.AnalyzeRequest(position=position), timeout=60).best_columns
    assert len(best) == 3
    assert searched.column == max(best, key=lambda column: network.policy[column - 1])
    assert searched.source == wire.SOURCE_BOOK
    assert searched.policy == network.policy


def test_perfect_move_has_the_best_score(connect4: Connect4) -> None:
    position = wire.Position(moves=LATE)
    truth = connect4.Analyze(wire.AnalyzeRequest(position=position), timeout=120)
    response = choose(connect4, LATE, wire.LEVEL_PERFECT)
    assert response.column == min(truth.best_columns, key=lambda column: abs(column - 4))
    assert response.source == wire.SOURCE_SOLVER
    assert not response.policy
    assert not response.HasField("value")
    assert (response.model, response.model_version) == ("", "")


def test_perfect_needs_no_model(connect4: Connect4) -> None:
    response = choose(connect4, LATE, wire.LEVEL_PERFECT, model="chess", model_version="9")
    assert response.source == wire.SOURCE_SOLVER


@dataclass
class Opinionated:
    """A backend whose only network always thinks the same."""

    policy: tuple[float, ...]

    async def infer(self, model: str, inputs: Arrays, version: str = "") -> Inference:
        del model, inputs, version
        policy = np.array([self.policy], dtype=np.float32)
        value = np.array([[1, 0, 0]], dtype=np.float32)
        return Inference({POLICY.name: policy, VALUE.name: value}, "1")

    async def close(self) -> None:
        pass


class NoModels:
    """A backend without a single model."""

    async def infer(self, model: str, inputs: Arrays, version: str = "") -> Inference:
        del inputs, version
        raise UnknownModelError(model)

    async def close(self) -> None:
        pass


@asynccontextmanager
async def bookless(
    thinking_seconds: float, backend: InferenceBackend | None = None
) -> AsyncIterator[Connect4Servicer]:
    """A service without openings, which takes very long for the empty board; without a network,
    too, unless a backend is given."""
    empty = Book(np.zeros(0, dtype=np.int64), np.zeros((0, 7), dtype=np.int8))
    solvers, scouts = (
        SolverPool(lambda: Solver(table_mebibytes=1), slots=1, max_waiting=1) for _ in range(2)
    )
    backend = backend or NoModels()
    yield Connect4Servicer(backend, empty, solvers, scouts, thinking_seconds=thinking_seconds)
    assert await solvers.close(patience=60)
    assert await scouts.close(patience=60)


async def test_perfect_gives_up_in_time_and_says_so() -> None:
    context = cast("ServicerContext[Any, Any]", None)  # which neither method looks at
    early = wire.ChooseMoveRequest(position=wire.Position(moves=""), level=wire.LEVEL_PERFECT)
    async with bookless(thinking_seconds=0.05) as hasty:
        response = await hasty.ChooseMove(early, context)
        assert (response.source, response.column) == (wire.SOURCE_SEARCH, 4)
        # The search that was given up harms nobody.
        truth = wire.AnalyzeRequest(position=wire.Position(moves=LATE))
        assert (await hasty.Analyze(truth, context)).source == wire.SOURCE_SOLVER
    late = wire.ChooseMoveRequest(position=wire.Position(moves=LATE), level=wire.LEVEL_PERFECT)
    async with bookless(thinking_seconds=60) as patient:
        assert (await patient.ChooseMove(late, context)).source == wire.SOURCE_SOLVER


@pytest.mark.parametrize(
    ("policy", "column", "source"),
    [
        # Columns 4, 5 and 7 win, 2 and 6 draw, 1 and 3 lose; none of them soon.
        ((0.1, 0.1, 0.1, 0.3, 0.2, 0.1, 0.1), 4, wire.SOURCE_NETWORK),
        ((0.0, 0.1, 0.0, 0.2, 0.4, 0.2, 0.1), 5, wire.SOURCE_NETWORK),
        ((0.4, 0.2, 0.2, 0.0, 0.0, 0.1, 0.1), 7, wire.SOURCE_SEARCH),
        ((0.1, 0.4, 0.1, 0.1, 0.2, 0.1, 0.0), 5, wire.SOURCE_SEARCH),
    ],
)
async def test_search_plays_the_most_probable_column_that_keeps_the_win(
    policy: tuple[float, ...], column: int, source: wire.Source.ValueType
) -> None:
    context = cast("ServicerContext[Any, Any]", None)
    position = wire.Position(moves="3163741574345141")
    request = wire.ChooseMoveRequest(position=position, level=wire.LEVEL_SEARCH)
    async with bookless(thinking_seconds=60, backend=Opinionated(policy)) as service:
        truth = await service.Analyze(wire.AnalyzeRequest(position=position), context)
        assert [one.score for one in truth.scores] == [-2, 0, -2, 4, 2, 0, 4]
        response = await service.ChooseMove(request, context)
        assert (response.column, response.source) == (column, source)


async def test_search_gives_up_in_time_and_leaves_it_to_the_network() -> None:
    context = cast("ServicerContext[Any, Any]", None)
    request = wire.ChooseMoveRequest(position=wire.Position(moves="1"), level=wire.LEVEL_SEARCH)
    backend = Opinionated((0.1, 0.1, 0.1, 0.1, 0.4, 0.1, 0.1))
    async with bookless(thinking_seconds=0.2, backend=backend) as service:
        response = await service.ChooseMove(request, context)
        assert (response.column, response.source) == (5, wire.SOURCE_NETWORK)


async def test_truth_needs_no_network_unless_one_is_named() -> None:
    context = cast("ServicerContext[Any, Any]", None)
    request = wire.AnalyzeRequest(position=wire.Position(moves=LATE))
    async with bookless(thinking_seconds=1) as service:
        response = await service.Analyze(request, context)
        assert (response.score, response.source) == (-1, wire.SOURCE_SOLVER)
        assert not response.policy
        assert not response.HasField("value")
        request.model = "chess"
        with pytest.raises(UnknownModelError):
            await service.Analyze(request, context)


def test_the_truth_has_an_opinion_beside_it(connect4: Connect4) -> None:
    request = wire.AnalyzeRequest(position=wire.Position(moves=LATE), model_version="1")
    response = connect4.Analyze(request, timeout=120)
    network = choose(connect4, LATE, wire.LEVEL_NETWORK, model_version="1")
    assert list(response.policy) == list(network.policy)
    assert response.value == network.value
    assert (response.model, response.model_version) == ("connect4", "1")


def test_committed_model_replays_its_golden_file_over_grpc() -> None:
    repository = default_repository()
    model = read_model(repository, "connect4")
    golden = read_golden(model.golden(model.versions[0]), model.config)
    boards = decode(golden.inputs["board"])
    with run_server(repository) as server, grpc.insecure_channel(server.address) as channel:
        stub = connect4_pb2_grpc.Connect4ServiceStub(channel)
        for board, policy, value in zip(
            boards, golden.outputs["policy"], golden.outputs["value"], strict=True
        ):
            request = wire.ChooseMoveRequest(
                position=wire.Position(grid=write_board(board).grid), level=wire.LEVEL_NETWORK
            )
            response = stub.ChooseMove(request)
            assert np.allclose(response.policy, policy, atol=1e-4)
            probabilities = (response.value.win, response.value.draw, response.value.loss)
            assert np.allclose(probabilities, value, atol=1e-4)
