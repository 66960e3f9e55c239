"""Connect4Service: translate, delegate, translate back."""

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
            scouts: For shallow searches, which take milliseconds and so never wait for the others.
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
        column = await self._solvers.run(
            lambda solver: _best_column_in_time(solver, board, self._thinking_seconds)
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
        source = wire.SOURCE_SEARCH if choice.forced else wire.SOURCE_NETWORK
        return translate.write_move(board, choice.column, source, opinion)


def _best_column_in_time(solver: "Solver", board: Board, seconds: float) -> int | None:
    """The column of perfect play, or None if it takes longer to find."""
    from fourcast_models.connect4.solver import SearchStopped

    timer = Timer(seconds, solver.stop)
    timer.start()
    try:
        return solver.best_column(board)
    except SearchStopped:
        return None
    finally:
        timer.cancel()
        # Its stop must not come during somebody else's search.
        timer.join()
