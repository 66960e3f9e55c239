"""Connect4Service: translate, delegate, translate back."""

from collections.abc import Callable
from threading import Timer
from typing import TYPE_CHECKING

from grpc.aio import ServicerContext

from fourcast.connect4.v1 import connect4_pb2 as wire
from fourcast.connect4.v1 import connect4_pb2_grpc
from fourcast_models.connect4 import board as rules
from fourcast_models.connect4 import player
from fourcast_models.connect4.board import Board, Status
from fourcast_models.connect4.book import Book
from fourcast_services import connect4_wire as translate
from fourcast_services.connect4_network import Opinion, ask_network, ask_network_if_any
from fourcast_services.inference_backend import InferenceBackend
from fourcast_services.solver_pool import SolverPool

if TYPE_CHECKING:
    # numba, which only a request that searches may cost.
    from fourcast_models.connect4.solver import Solver

SERVICE_NAME = wire.DESCRIPTOR.services_by_name["Connect4Service"].full_name

SEARCH_SHARE = 0.25
"""Of the longest time for a perfect move: the longest for LEVEL_SEARCH, too, which a perfect move
falls back to after the rest of it."""

_MoveContext = ServicerContext[wire.ChooseMoveRequest, wire.ChooseMoveResponse]
_AnalyzeContext = ServicerContext[wire.AnalyzeRequest, wire.AnalyzeResponse]
_DescribeContext = ServicerContext[wire.DescribePositionRequest, wire.DescribePositionResponse]


class Connect4Servicer(connect4_pb2_grpc.Connect4ServiceServicer):
    """Moves, exact analysis and the rules; the proto says what each method promises."""

    def __init__(
        self,
        backend: InferenceBackend,
        book: Book,
        solvers: SolverPool,
        scouts: SolverPool,
        *,
        thinking_seconds: float,
    ) -> None:
        """Offer Connect-4.

        Args:
            backend: Runs the networks.
            book: Solved openings, which need no solver.
            solvers: For exact scores, which without a book may take a minute.
            scouts: For what is forced soon, which takes milliseconds and so never waits for others.
            thinking_seconds: The longest search for a perfect move.
        """
        self._backend = backend
        self._book = book
        self._solvers = solvers
        self._scouts = scouts
        self._thinking_seconds = thinking_seconds

    async def ChooseMove(  # noqa: N802 - the name is the proto's
        self,
        request: wire.ChooseMoveRequest,
        context: _MoveContext,
    ) -> wire.ChooseMoveResponse:
        """The column that the chosen level plays, and the position that follows."""
        board = translate.read_unfinished_position(request)
        level = translate.read_level(request.level)
        if level == wire.LEVEL_PERFECT:
            return await self._perfect_move(board, request.model, request.model_version)
        opinion = await ask_network(self._backend, board, request.model, request.model_version)
        if level == wire.LEVEL_SEARCH:
            return await self._searched_move(board, opinion)
        column = player.most_probable(opinion.policy, rules.legal_columns(board))
        return translate.write_move(board, column, wire.SOURCE_NETWORK, opinion)

    async def Analyze(  # noqa: N802 - the name is the proto's
        self,
        request: wire.AnalyzeRequest,
        context: _AnalyzeContext,
    ) -> wire.AnalyzeResponse:
        """The exact score of every column, a line of perfect play, and what a network thinks."""
        board = translate.read_position(request)
        if rules.status(board) is not Status.IN_PROGRESS:
            return translate.write_finished(board)
        opinion = await ask_network_if_any(
            self._backend, board, request.model, request.model_version
        )
        analysis = await self._solvers.run(lambda solver: solver.analyze(board))
        return translate.write_analysis(board, analysis, opinion)

    async def DescribePosition(  # noqa: N802 - the name is the proto's
        self,
        request: wire.DescribePositionRequest,
        context: _DescribeContext,
    ) -> wire.DescribePositionResponse:
        """The rules alone."""
        board = translate.read_position(request)
        return wire.DescribePositionResponse(board=translate.write_board(board))

    async def _perfect_move(
        self, board: Board, model: str, version: str
    ) -> wire.ChooseMoveResponse:
        scores = self._book.scores(board)
        if scores is not None:
            return translate.write_move(board, player.best_column(scores), wire.SOURCE_BOOK)
        seconds = self._thinking_seconds * (1 - SEARCH_SHARE)
        column = await self._solvers.run(
            lambda solver: _in_time(solver, seconds, lambda: solver.best_column(board))
        )
        if column is None:
            opinion = await ask_network_if_any(self._backend, board, model, version)
            return await self._searched_move(board, opinion)
        return translate.write_move(board, column, wire.SOURCE_SOLVER)

    async def _searched_move(
        self, board: Board, opinion: Opinion | None
    ) -> wire.ChooseMoveResponse:
        known = self._book.scores(board)
        if known is not None and opinion is not None:
            column = player.choose_with_search(opinion.policy, known).column
            return translate.write_move(board, column, wire.SOURCE_BOOK, opinion)
        scores = await self._scouts.run(
            lambda scout: scout.forced_scores(board, player.search_horizon(board.plies))
        )
        if opinion is None:
            return translate.write_move(board, player.best_column(scores), wire.SOURCE_SEARCH)
        choice = player.choose_with_search(opinion.policy, scores)
        if choice.forced:
            return translate.write_move(board, choice.column, wire.SOURCE_SEARCH, opinion)
        seconds = self._thinking_seconds * SEARCH_SHARE
        keeping = await self._solvers.run(
            lambda solver: _in_time(
                solver, seconds, lambda: solver.keeping_column(board, choice.columns)
            )
        )
        if keeping is None or keeping == choice.column:
            return translate.write_move(board, choice.column, wire.SOURCE_NETWORK, opinion)
        return translate.write_move(board, keeping, wire.SOURCE_SEARCH, opinion)


def _in_time(solver: "Solver", seconds: float, search: Callable[[], int | None]) -> int | None:
    """The column that a search finds, or None if it finds none or takes longer."""
    from fourcast_models.connect4.solver import SearchStopped

    timer = Timer(seconds, solver.stop)
    timer.start()
    try:
        return search()
    except SearchStopped:
        return None
    finally:
        timer.cancel()
        # Its stop must not come during somebody else's search.
        timer.join()
