"""``fourcast analyze``: the exact truth about Connect-4 positions."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import tyro
from rich.console import Console

from fourcast_clients.api import Analysis, FourcastError
from fourcast_clients.connect4 import Connect4
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.analysis_view import show, table_head, table_row
from fourcast_clients.terminal.connection import connected
from fourcast_clients.terminal.console import Output
from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.progress import progress
from fourcast_clients.terminal.server_access import ServerAccess

STANDARD_INPUT = "-"


@dataclass(frozen=True, kw_only=True)
class Analyze:
    """Tell the exact score of every column of a Connect-4 position, and how the game ends.

    MOVES are the columns played so far, 1 to 7 from the left: 4453 is a game of four moves. ""
    is the empty board. - reads many positions from standard input, one a line, of which the first
    word counts.

    A score is for the side to move: 0 is a draw, positive a win that nobody can prevent (18 with
    the 4th stone, 1 with the 21st), negative a loss. Below the scores stands what the network
    thinks: how probable each column is. Positions of few stones that the server's opening table
    does not hold take up to some minutes; Ctrl-C stops.

    Without --server it starts a service of its own and stops it at the end. With --json it prints
    one JSON object a line: moves, scores (null for a full column), best (columns 1 to 7), outcome,
    distance (plies to the end), variation, policy and value (what the network thinks; null without
    one), source.

    Example: fourcast analyze 44444

    Example: fourcast analyze 4453 --json

    Example: fourcast analyze - --json < positions.txt
    """

    moves: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MOVES")]
    """The columns played from the empty board, or - for standard input."""

    timeout: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 600.0
    """How long to wait for each answer."""

    json: bool = False
    """Print JSON, as above, in place of the board."""

    access: tyro.conf.OmitArgPrefixes[ServerAccess] = field(default_factory=ServerAccess)

    def run(self) -> int:
        """Ask the server and print what it answers.

        Returns:
            The exit code: 0, or 2 if a line of standard input was no game; the others are answered.

        Raises:
            UsageError: If MOVES are no game or a flag's value is wrong.
            FourcastError: If the server failed.
            LocalServiceError: If a service of its own did not start.
        """
        if not self.timeout > 0:
            raise UsageError(f"--timeout is {self.timeout:g}, but must be more than 0")
        if self.moves == STANDARD_INPUT:
            with connected(self.access) as connection:
                return self._answer_lines(connection.fourcast.connect4)
        with (
            progress(Console(stderr=True), "Solving the position ..."),
            connected(self.access) as connection,
        ):
            answer = self._ask(connection.fourcast.connect4, self.moves, "MOVES")
        if self.json:
            print(json.dumps(_plain(self.moves, answer)))
        else:
            show(answer, Output())
        return exit_codes.OK

    def _answer_lines(self, connect4: Connect4) -> int:
        """Answer every line of standard input as it comes."""
        code = exit_codes.OK
        if not self.json:
            print(table_head())
        for number, moves in _positions():
            try:
                answer = self._ask(connect4, moves, f"line {number}")
            except UsageError as error:
                print(f"fourcast analyze: {error}", file=sys.stderr)
                code = exit_codes.WRONG_USAGE
                continue
            line = json.dumps(_plain(moves, answer)) if self.json else table_row(moves, answer)
            print(line, flush=True)
        return code

    def _ask(self, connect4: Connect4, moves: str, where: str) -> Analysis:
        try:
            return connect4.analyze(moves, timeout=self.timeout)
        except FourcastError as error:
            if error.code == "INVALID_ARGUMENT":
                raise UsageError(f"{where}: {error.reason}") from None
            raise


def _positions() -> Iterator[tuple[int, str]]:
    """The number and the first word of each line of standard input that is not blank."""
    for number, line in enumerate(sys.stdin, start=1):
        if line.strip():
            yield number, line.split()[0]


def _plain(moves: str, answer: Analysis) -> dict[str, Any]:
    """An analysis as JSON takes it."""
    return {
        "moves": moves,
        "scores": answer.scores,
        "best": answer.best_columns,
        "outcome": answer.outcome.value,
        "distance": answer.distance,
        "variation": answer.principal_variation,
        "policy": answer.policy,
        "value": asdict(answer.value) if answer.value else None,
        "source": answer.source.value,
    }
