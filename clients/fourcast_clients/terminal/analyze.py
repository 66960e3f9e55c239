"""``fourcast analyze``: the exact truth about a Connect-4 position."""

import json
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.text import Text

from fourcast_clients.api import Analysis, Cell, FourcastError, Outcome, Player
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.board_view import STONE_COLOURS
from fourcast_clients.terminal.connection import connected
from fourcast_clients.terminal.console import Output
from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.progress import progress
from fourcast_clients.terminal.server_access import ServerAccess
from fourcast_clients.terminal.wording import SOURCES, STONES, ending

CELL_WIDTH = 4
"""Characters of a column, so that a score with its sign fits."""

NAMES = {player: f"the {player.value} player" for player in Player}


@dataclass(frozen=True, kw_only=True)
class Analyze:
    """Tell the exact score of every column of a Connect-4 position, and how the game ends.

    MOVES are the columns played so far, 1 to 7 from the left: 4453 is a game of four moves. ""
    is the empty board.

    A score is for the side to move: 0 is a draw, positive a win that nobody can prevent (18 with
    the 4th stone, 1 with the 21st), negative a loss. Positions of few stones that the server's
    opening table does not hold take up to some minutes; Ctrl-C stops.

    Without --server it starts a service of its own and stops it at the end. With --json it prints
    one JSON object: scores (null for a full column), best_columns, score, outcome, distance (plies
    to the end), principal_variation, board, source.

    Example: fourcast analyze 44444

    Example: fourcast analyze 4453 --json
    """

    moves: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MOVES")]
    """The columns played from the empty board."""

    timeout: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 600.0
    """How long to wait for the answer."""

    json: bool = False
    """Print one JSON object, as above, in place of the board."""

    access: tyro.conf.OmitArgPrefixes[ServerAccess] = field(default_factory=ServerAccess)

    def run(self) -> int:
        """Ask the server and print what it answers.

        Returns:
            The exit code: 0.

        Raises:
            UsageError: If MOVES are no game or a flag's value is wrong.
            FourcastError: If the server failed.
            LocalServiceError: If a service of its own did not start.
        """
        if not self.timeout > 0:
            raise UsageError(f"--timeout is {self.timeout:g}, but must be more than 0")
        with (
            progress(Console(stderr=True), "Solving the position ..."),
            connected(self.access) as connection,
        ):
            try:
                answer = connection.fourcast.connect4.analyze(self.moves, timeout=self.timeout)
            except FourcastError as error:
                if error.code == "INVALID_ARGUMENT":
                    raise UsageError(f"MOVES: {error.reason}") from None
                raise
        if self.json:
            print(json.dumps(asdict(answer, dict_factory=_plain)))
        else:
            show(answer, Output())
        return exit_codes.OK


def show(answer: Analysis, console: Console) -> None:
    """Print the board, the score of each column below it, and what they mean."""
    board = answer.board
    for row in range(len(board.rows), 0, -1):
        text = Text()
        for column in range(1, len(answer.scores) + 1):
            cell = Cell(column, row)
            player = board.stone(cell)
            style = STONE_COLOURS[player] if player else "dim"
            if cell in board.winning_cells:
                style += " reverse"
            text.append(" " * (CELL_WIDTH - 1))
            text.append(STONES[player] if player else "·", style)
        console.print(text)
    columns = range(1, len(answer.scores) + 1)
    console.print(Text("".join(f"{column:>{CELL_WIDTH}}" for column in columns), "dim"))
    if board.is_over:
        console.print(f"The game is over. {ending(board, NAMES)}.")
        return
    text = Text()
    for column, score in zip(columns, answer.scores, strict=True):
        figure = "" if score is None else f"{score:+d}" if score else "0"
        text.append(f"{figure:>{CELL_WIDTH}}", "bold" if column in answer.best_columns else "")
    console.print(text, "\n", sep="")
    mover = f"{STONES[board.side_to_move]} {NAMES[board.side_to_move]}"
    best = ", ".join(map(str, answer.best_columns))
    word = "column" if len(answer.best_columns) == 1 else "columns"
    console.print(f"{mover} is to move and {_fate(answer)}. Best: {word} {best}.", soft_wrap=True)
    console.print(f"A line of perfect play: {answer.principal_variation}", soft_wrap=True)
    console.print(f"From the {SOURCES[answer.source]}.", style="dim")


def _fate(answer: Analysis) -> str:
    """How the game ends under perfect play, as what the side to move does."""
    if answer.outcome is Outcome.DRAW:
        return "draws"
    verb = "wins" if answer.outcome is Outcome.WIN else "loses"
    plies = answer.distance
    return f"{verb} in {plies} {'ply' if plies == 1 else 'plies'}"


def _plain(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """A record as JSON takes it: enums by their values."""
    return {name: value.value if isinstance(value, Enum) else value for name, value in items}
