"""Connect-4 on the wire and in code: positions in, boards out.

Columns and rows are numbered from 1 on the wire and from 0 in code; this file alone adds the one.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fourcast.connect4.v1 import connect4_pb2 as wire
from fourcast_models.connect4 import board as rules
from fourcast_models.connect4 import minimax
from fourcast_models.connect4.board import Board, Status
from fourcast_services.connect4_network import Opinion
from fourcast_services.errors import FieldError

if TYPE_CHECKING:
    # The solver's module imports numba, which only a request that searches may cost.
    from fourcast_models.connect4.solver import Analysis

_STATUS = {
    Status.IN_PROGRESS: wire.GAME_STATUS_IN_PROGRESS,
    Status.FIRST_WON: wire.GAME_STATUS_FIRST_WON,
    Status.SECOND_WON: wire.GAME_STATUS_SECOND_WON,
    Status.DRAW: wire.GAME_STATUS_DRAW,
}
_PLAYERS = {wire.PLAYER_FIRST: "the first player", wire.PLAYER_SECOND: "the second player"}


_LEVELS = (wire.LEVEL_NETWORK, wire.LEVEL_SEARCH, wire.LEVEL_PERFECT)

Request = wire.ChooseMoveRequest | wire.AnalyzeRequest | wire.DescribePositionRequest
"""Any request with a position."""


def read_position(request: Request) -> Board:
    """The position of a request.

    Raises:
        FieldError: If it is missing, malformed or impossible.
    """
    position = request.position
    notation = position.WhichOneof("notation") if request.HasField("position") else None
    if notation == "moves":
        return _read_moves(position.moves)
    if notation == "grid":
        return _read_grid(position.grid)
    raise FieldError("position", "missing; set moves (the empty string is the empty board) or grid")


def read_unfinished_position(request: Request) -> Board:
    """The position of a request, in which there is a move to make.

    Raises:
        FieldError: If it is missing, malformed, impossible or already over.
    """
    board = read_position(request)
    status = rules.status(board)
    if status is not Status.IN_PROGRESS:
        raise FieldError("position", f"the game is over ({status.value}), so there is no move")
    return board


def read_level(level: wire.Level.ValueType) -> wire.Level.ValueType:
    """The level, `LEVEL_NETWORK` where none is said.

    Raises:
        FieldError: If there is no such level.
    """
    if level == wire.LEVEL_UNSPECIFIED:
        return wire.LEVEL_NETWORK
    if level not in _LEVELS:
        known = ", ".join(f"{number} ({wire.Level.Name(number)})" for number in _LEVELS)
        raise FieldError("level", f"{level} is no level; known are {known}")
    return level


def write_move(
    board: Board, column: int, source: wire.Source.ValueType, opinion: Opinion | None = None
) -> wire.ChooseMoveResponse:
    """A chosen move.

    Args:
        board: The position before it.
        column: 0 to 6.
        source: What chose it.
        opinion: What the network thinks of the position before it, if one was asked.
    """
    response = wire.ChooseMoveResponse(
        column=column + 1, source=source, board=write_board(rules.play(board, column))
    )
    _write_opinion(response, opinion)
    return response


def write_analysis(
    board: Board, analysis: "Analysis", opinion: Opinion | None
) -> wire.AnalyzeResponse:
    """The exact truth about a game that goes on, and what a network thinks, if one was asked."""
    response = wire.AnalyzeResponse(
        scores=[
            wire.ColumnScore(column=column + 1, score=score)
            for column, score in enumerate(analysis.scores)
            if score is not None
        ],
        best_columns=_write_columns(analysis.best),
        score=analysis.score,
        outcome=wire.Outcome.Value(f"OUTCOME_{analysis.outcome.name}"),
        distance=analysis.distance,
        principal_variation="".join(map(str, _write_columns(analysis.variation))),
        board=write_board(board),
        source=wire.SOURCE_BOOK if analysis.from_book else wire.SOURCE_SOLVER,
    )
    _write_opinion(response, opinion)
    return response


def write_finished(board: Board) -> wire.AnalyzeResponse:
    """The truth about a game that is over, which the rules alone know."""
    score = minimax.score(board)
    return wire.AnalyzeResponse(
        score=score,
        outcome=wire.OUTCOME_LOSS if score < 0 else wire.OUTCOME_DRAW,
        board=write_board(board),
        source=wire.SOURCE_RULES,
    )


def write_board(board: Board) -> wire.BoardState:
    """A position as the rules see it."""
    return wire.BoardState(
        grid=wire.Grid(
            rows=rules.format_grid(board).split("\n"), side_to_move=_side_to_move(board)
        ),
        status=_STATUS[rules.status(board)],
        legal_columns=_write_columns(rules.legal_columns(board)),
        winning_cells=[
            wire.Cell(column=column + 1, row=row + 1) for column, row in rules.winning_cells(board)
        ],
    )


def _read_moves(moves: str) -> Board:
    # Before parsing: a message of megabytes must not cost more than a glance.
    if len(moves) > rules.CELLS:
        raise FieldError(
            "position.moves", f"{len(moves)} characters; a game has at most {rules.CELLS} moves"
        )
    try:
        return rules.parse_moves(moves)
    except ValueError as error:
        raise FieldError("position.moves", str(error)) from None


def _read_grid(grid: wire.Grid) -> Board:
    # `parse_grid` forgives blank lines and spaces around lines in text; the wire has no lines.
    if len(grid.rows) != rules.ROWS:
        raise FieldError(
            "position.grid.rows", f"{len(grid.rows)} rows; a grid has {rules.ROWS}, top row first"
        )
    for number, row in enumerate(grid.rows, start=1):
        if len(row) != rules.COLUMNS:
            raise FieldError(
                "position.grid.rows",
                f"row {number} from the top has {len(row)} characters, not {rules.COLUMNS}",
            )
    try:
        board = rules.parse_grid("\n".join(grid.rows))
    except ValueError as error:
        raise FieldError("position.grid.rows", str(error)) from None
    _check_side_to_move(grid.side_to_move, board)
    return board


def _check_side_to_move(side: wire.Player.ValueType, board: Board) -> None:
    field = "position.grid.side_to_move"
    if side == wire.PLAYER_UNSPECIFIED:
        return
    if side not in _PLAYERS:
        raise FieldError(field, f"{side} is no player; 1 is the first, 2 the second")
    if side != _side_to_move(board):
        raise FieldError(
            field,
            f"{_PLAYERS[side]} cannot move after {board.plies} stones: the first player moves on "
            "an even number of them",
        )


def _side_to_move(board: Board) -> wire.Player.ValueType:
    return wire.PLAYER_FIRST if board.first_to_move else wire.PLAYER_SECOND


def _write_opinion(
    response: wire.ChooseMoveResponse | wire.AnalyzeResponse, opinion: Opinion | None
) -> None:
    if opinion is not None:
        response.policy.extend(opinion.policy)
        response.value.CopyFrom(wire.Value(win=opinion.win, draw=opinion.draw, loss=opinion.loss))
        response.model = opinion.model
        response.model_version = opinion.version


def _write_columns(columns: Iterable[int]) -> list[int]:
    return [column + 1 for column in columns]
