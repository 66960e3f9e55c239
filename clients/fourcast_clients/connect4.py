"""Connect-4 as a caller sees it: calls with positions, frozen records coming back.

Columns are 1 to 7 from the left and rows 1 to 6 from the bottom, as on the wire. Scores are for
the side to move, -18 to 18: 0 is a draw, positive a forced win (18 is a win with the 4th stone, 1
with the 21st), negative a forced loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from fourcast.connect4.v1 import connect4_pb2, connect4_pb2_grpc
from fourcast_clients.calls import Calls
from fourcast_clients.cancellation import Cancellation

COLUMNS = 7
ROWS = 6


class Player(Enum):
    """One of the two players."""

    FIRST = "first"
    SECOND = "second"

    @property
    def opponent(self) -> "Player":
        """The other player."""
        return Player.SECOND if self is Player.FIRST else Player.FIRST


class Status(Enum):
    """Whether the game goes on, and if not, how it ended."""

    IN_PROGRESS = "in progress"
    FIRST_WON = "first player won"
    SECOND_WON = "second player won"
    DRAW = "draw"


class Level(Enum):
    """How the server chooses a move."""

    NETWORK = "network"
    """The network's most probable column, no search."""
    SEARCH = "search"
    """The network among the columns that a quarter of a second of search has not refuted."""
    PERFECT = "perfect"
    """The exact solver; what takes it a second is played as at `SEARCH`."""


class Source(Enum):
    """What an answer rests on."""

    NETWORK = "network"
    SEARCH = "search"
    SOLVER = "solver"
    BOOK = "book"
    RULES = "rules"


class Outcome(Enum):
    """How the game ends for the side to move under perfect play."""

    WIN = "win"
    DRAW = "draw"
    LOSS = "loss"


@dataclass(frozen=True, slots=True)
class Cell:
    """A square: column 1 to 7 from the left, row 1 to 6 from the bottom."""

    column: int
    row: int


@dataclass(frozen=True, slots=True)
class Board:
    """A position as the server's rules see it. ``str(board)`` draws it.

    Attributes:
        rows: Six strings of seven characters, top row first: ``.`` empty, ``1`` a stone of the
            first player, ``2`` of the second.
        side_to_move: Who moves next (who would, if the game were not over).
        status: Whether the game goes on.
        legal_columns: Columns that may be played, ascending; empty when the game is over.
        winning_cells: The cells of every line of four or more, by column and row; empty while
            nobody has won.
    """

    rows: tuple[str, ...]
    side_to_move: Player
    status: Status
    legal_columns: tuple[int, ...]
    winning_cells: tuple[Cell, ...]

    @property
    def is_over(self) -> bool:
        """Whether the game has ended."""
        return self.status is not Status.IN_PROGRESS

    @property
    def winner(self) -> Player | None:
        """Who has four in a row; None if nobody has."""
        return {Status.FIRST_WON: Player.FIRST, Status.SECOND_WON: Player.SECOND}.get(self.status)

    def stone(self, cell: Cell) -> Player | None:
        """Whose stone lies on a cell; None if it is empty."""
        return {"1": Player.FIRST, "2": Player.SECOND}.get(self.rows[-cell.row][cell.column - 1])

    def __str__(self) -> str:
        """The grid with the column numbers below it."""
        return "\n".join([*self.rows, "".join(str(column + 1) for column in range(COLUMNS))])


@dataclass(frozen=True, slots=True)
class Value:
    """What a network believes about the end of the game: three probabilities that sum to 1.

    Attributes:
        win: That the side to move wins.
        draw: That the game is drawn.
        loss: That the side to move loses.
    """

    win: float
    draw: float
    loss: float


@dataclass(frozen=True, slots=True)
class Move:
    """A chosen move.

    Attributes:
        column: The column played, 1 to 7.
        source: What the choice rests on.
        policy: The network's probability of each of the 7 columns from the left, 0 for a full
            one; None where no network was asked, as at `Level.PERFECT` in time.
        value: The network's estimate of the position before the move, for the side that moved;
            None where no network was asked.
        board: The position after the move.
        model: The model asked; None if none was.
        model_version: Its version, a whole number as text; None if no model was asked.
    """

    column: int
    source: Source
    policy: tuple[float, ...] | None
    value: Value | None
    board: Board
    model: str | None
    model_version: str | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """The exact truth about a position.

    Attributes:
        scores: The score of each of the 7 columns from the left, -18 to 18; None for a column
            that cannot be played.
        best_columns: The columns with the best score, ascending; empty when the game is over.
        score: The score of the position for the side to move.
        outcome: How the game ends under perfect play.
        distance: Plies until then.
        principal_variation: A line of perfect play to the end, columns ``1`` to ``7``.
        board: The position analysed.
        source: What the scores rest on.
        policy: What a network thinks beside the truth: its probability of each of the 7 columns
            from the left; None when the game is over, or if the server has no network to ask.
        value: The network's estimate of the end of the game; None where `policy` is.
        model: The model asked; None if none was.
        model_version: Its version, a whole number as text; None if no model was asked.
    """

    scores: tuple[int | None, ...]
    best_columns: tuple[int, ...]
    score: int
    outcome: Outcome
    distance: int
    principal_variation: str
    board: Board
    source: Source
    policy: tuple[float, ...] | None
    value: Value | None
    model: str | None
    model_version: str | None


Position: TypeAlias = str | Sequence[str] | Board
"""The columns played from the empty board (``"4453"``), six grid rows top first, or a `Board`."""


class Connect4:
    """The Connect-4 calls of a server; reached as ``Fourcast.connect4``.

    A position is the columns played from the empty board (``"4453"``), six grid rows of ``.12``
    with the top row first, or a `Board` from an earlier answer.

    Every call takes ``timeout`` (seconds; None is the client's own) and ``cancellation``, and
    raises `FourcastError`: code ``"INVALID_ARGUMENT"`` with the ``field`` for an impossible
    position, ``"NOT_FOUND"`` for an unknown model or version, ``"UNAVAILABLE"`` if no server
    answers or one of the two does not trust the other's certificate, ``"UNAUTHENTICATED"`` if the
    server wants another token, ``"DEADLINE_EXCEEDED"`` after the timeout, ``"CANCELLED"`` after a
    cancellation.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = connect4_pb2_grpc.Connect4ServiceStub(calls.channel)

    def choose_move(
        self,
        position: Position,
        *,
        level: Level = Level.NETWORK,
        model: str = "",
        model_version: str = "",
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Move:
        """The column that a level plays, and the position that follows.

        Args:
            position: The position before the move; it must not be over.
            level: How to choose.
            model: The model in the server's repository; ``""`` is its Connect-4 network.
            model_version: A whole-number version; ``""`` is the one that serves by default.
            timeout: See the class.
            cancellation: See the class.
        """
        request = connect4_pb2.ChooseMoveRequest(
            position=_position_message(position),
            level=_level_message(level),
            model=model,
            model_version=model_version,
        )
        return _read_move(self._calls.call(self._stub.ChooseMove, request, timeout, cancellation))

    def analyze(
        self,
        position: Position,
        *,
        model: str = "",
        model_version: str = "",
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Analysis:
        """The exact score of every column, a line of perfect play, and what a network thinks.

        A finished position is answered with its outcome and no column scores. Early positions
        that are not in the server's opening table take up to a minute.

        Args:
            position: Any position.
            model: Whose opinion stands beside the truth; ``""`` is the server's Connect-4 network,
                if it has one.
            model_version: A whole-number version; ``""`` is the one that serves by default.
            timeout: See the class.
            cancellation: See the class.
        """
        request = connect4_pb2.AnalyzeRequest(
            position=_position_message(position), model=model, model_version=model_version
        )
        return _read_analysis(self._calls.call(self._stub.Analyze, request, timeout, cancellation))

    def describe(
        self,
        position: Position,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Board:
        """The position as the rules see it: stones, status, legal columns, winning cells."""
        request = connect4_pb2.DescribePositionRequest(position=_position_message(position))
        reply = self._calls.call(self._stub.DescribePosition, request, timeout, cancellation)
        return _read_board(reply.board)


def _position_message(position: Position) -> connect4_pb2.Position:
    """The wire form of a position."""
    if isinstance(position, str):
        return connect4_pb2.Position(moves=position)
    rows = position.rows if isinstance(position, Board) else position
    return connect4_pb2.Position(grid=connect4_pb2.Grid(rows=rows))


def _level_message(level: Level) -> "connect4_pb2.Level.ValueType":
    """The wire form of a level."""
    return connect4_pb2.Level.Value(f"LEVEL_{level.name}")


def _read_board(message: connect4_pb2.BoardState) -> Board:
    """The record of a position."""
    grid = message.grid
    return Board(
        rows=tuple(grid.rows),
        side_to_move=Player[_bare(connect4_pb2.Player.Name(grid.side_to_move), "PLAYER_")],
        status=Status[_bare(connect4_pb2.GameStatus.Name(message.status), "GAME_STATUS_")],
        legal_columns=tuple(message.legal_columns),
        winning_cells=tuple(Cell(cell.column, cell.row) for cell in message.winning_cells),
    )


def _read_move(message: connect4_pb2.ChooseMoveResponse) -> Move:
    """The record of a chosen move."""
    return Move(
        column=message.column,
        source=_read_source(message.source),
        policy=tuple(message.policy) or None,
        value=_read_value(message),
        board=_read_board(message.board),
        model=message.model or None,
        model_version=message.model_version or None,
    )


def _read_analysis(message: connect4_pb2.AnalyzeResponse) -> Analysis:
    """The record of an analysis."""
    scores = {entry.column: entry.score for entry in message.scores}
    return Analysis(
        scores=tuple(scores.get(column) for column in range(1, COLUMNS + 1)),
        best_columns=tuple(message.best_columns),
        score=message.score,
        outcome=Outcome[_bare(connect4_pb2.Outcome.Name(message.outcome), "OUTCOME_")],
        distance=message.distance,
        principal_variation=message.principal_variation,
        board=_read_board(message.board),
        source=_read_source(message.source),
        policy=tuple(message.policy) or None,
        value=_read_value(message),
        model=message.model or None,
        model_version=message.model_version or None,
    )


def _read_value(
    message: connect4_pb2.ChooseMoveResponse | connect4_pb2.AnalyzeResponse,
) -> Value | None:
    if not message.HasField("value"):
        return None
    return Value(message.value.win, message.value.draw, message.value.loss)


def _read_source(number: "connect4_pb2.Source.ValueType") -> Source:
    return Source[_bare(connect4_pb2.Source.Name(number), "SOURCE_")]


def _bare(name: str, prefix: str) -> str:
    """An enum value's name without the prefix that protobuf's style asks for."""
    return name.removeprefix(prefix)
