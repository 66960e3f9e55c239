"""Games of the served Connect-4 network against random and against perfect play.

The network moves first and does not search: each of its moves is the one that the service answers
at level NETWORK. The same seed gives the same games with the same weights.

    python -m benchmarks.connect4_play
"""

import hashlib
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Annotated

import tyro
from tqdm import tqdm

from benchmarks.own_service import ServiceError, own_service
from fourcast_clients.api import Fourcast, FourcastError, Level, Move
from fourcast_models.connect4.board import Board, Status, legal_columns, parse_moves, play, status
from fourcast_models.connect4.book import Book
from fourcast_models.repository import RepositoryError, default_repository, read_model

READY_SECONDS = 5.0
"""How long a service that listens may take to answer."""

TABLE_MEBIBYTES = 512
"""Memory of the solver's transposition table."""

HEADER = """\
| opponent | games | won | drawn | lost | mean plies | value kept | kept while not lost |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""
"""Value kept: the share of the network's moves after which a won position was still won and a drawn
one drawn. In a lost position every move does, so the last column leaves those out."""


class Opponent(Enum):
    """Who plays against the network."""

    RANDOM = "random"
    """Any legal column, all with the same probability."""
    PERFECT = "perfect"
    """Any of the columns with the best exact score, all with the same probability."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A move of the network.

    Attributes:
        before: Exact score of the position for the network, -18 to 18.
        after: Exact score of the column that it played; never higher.
    """

    before: int
    after: int

    @property
    def kept_value(self) -> bool:
        """Whether a win stayed a win, and a draw a draw."""
        return _sign(self.before) == _sign(self.after)


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Let the served network play many games, moving first, and print the results as a table.

    Without --server, a service is started for the benchmark and stopped at the end.

    Example: python -m benchmarks.connect4_play --opponents random --games 200
    """

    opponents: Annotated[tuple[Opponent, ...], tyro.conf.arg(metavar="{random,perfect} ...")] = (
        Opponent.RANDOM,
        Opponent.PERFECT,
    )
    """Who plays against the network."""

    games: Annotated[int, tyro.conf.arg(metavar="N")] = 1000
    """Games against random play."""

    perfect_games: Annotated[int, tyro.conf.arg(metavar="N")] = 100
    """Games against perfect play. The first ones take longest: their openings must be solved."""

    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """The opponents' choices follow from this number."""

    moves: Annotated[str, tyro.conf.arg(metavar="4453", help_behavior_hint="(default: none)")] = ""
    """The columns already played when every game begins."""

    server: Annotated[
        str | None,
        tyro.conf.arg(metavar="HOST:PORT", help_behavior_hint="(default: one of its own)"),
    ] = None
    """Where a fourcast-serve listens."""

    models: Annotated[
        Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: of this checkout)")
    ] = None
    """The model repository that is served. Beside --server: only read, to hash the weights."""

    def __post_init__(self) -> None:
        """Refuse what cannot be played.

        Raises:
            ValueError: If a flag's value is wrong; the text names the flag.
        """
        if not self.opponents:
            raise ValueError("--opponents: name at least one of random and perfect")
        for flag, games in (("--games", self.games), ("--perfect-games", self.perfect_games)):
            if games < 1:
                raise ValueError(f"{flag} is {games}, but must be at least 1")
        try:
            state = status(parse_moves(self.moves))
        except ValueError as error:
            raise ValueError(f"--moves: {error}") from None
        if state is not Status.IN_PROGRESS:
            raise ValueError(f"--moves: the game is over ({state.value})")
        if self.server is not None:
            try:
                Fourcast(self.server).close()  # connects to nothing yet
            except ValueError as error:
                raise ValueError(f"--server: {error}") from None

    def run(self) -> str:
        """Play.

        Returns:
            The report: what was served, and a table with a row for each opponent.

        Raises:
            FourcastError: If a call fails.
            RepositoryError: If there are no models to serve.
            ServiceError: If the benchmark's own service does not start.
        """
        with ExitStack() as stack:
            models = self.models
            if self.server is None:
                models = models or default_repository()
                server = stack.enter_context(own_service(models))
            else:
                server = self.server
            fourcast = stack.enter_context(Fourcast(server))
            fourcast.wait_until_ready(READY_SECONDS)

            def ask(moves: str) -> Move:
                return fourcast.connect4.choose_move(moves, level=Level.NETWORK)

            reply = ask(self.moves)
            rows = [
                self._row(opponent, lambda moves: ask(moves).column) for opponent in self.opponents
            ]
        where = f" after the moves {self.moves}" if self.moves else ""
        facts = (
            f"{reply.model} version {reply.model_version}, {weights_hash(reply, models)}, "
            f"seed {self.seed}. The network is the first player{where} and does not search."
        )
        return "\n".join([facts, "", HEADER, *rows])

    def _row(self, opponent: Opponent, ask_network: Callable[[str], int]) -> str:
        """Play against one opponent and sum up."""
        random = Random(f"{opponent.value} {self.seed}")
        if opponent is Opponent.RANDOM:
            count, choices, solved = self.games, legal_columns, None
        else:
            count, solved = self.perfect_games, SolvedPositions()
            choices = solved.best_columns
        games = [
            play_game(self.moves, ask_network, lambda board: random.choice(choices(board)))
            for _ in tqdm(range(count), desc=f"against {opponent.value} play", unit="game")
        ]
        measured = [solved.turns(self.moves, game) for game in games] if solved else []
        return row(opponent, games, [turn for turns in measured for turn in turns])


class SolvedPositions:
    """Exact scores, each position solved once: games against perfect play share their openings."""

    def __init__(self) -> None:
        # Here and not above: numba, which it imports, costs a second that random play is spared.
        from fourcast_models.connect4.solver import Solver, finished_score

        self._finished_score = finished_score
        self._column_scores = cache(
            Solver(table_mebibytes=TABLE_MEBIBYTES, book=Book.load()).column_scores
        )

    def best_columns(self, board: Board) -> tuple[int, ...]:
        """The columns (0 to 6) with the best score of a position that is not over."""
        best = self.score(board)
        scores = self._column_scores(board)
        return tuple(column for column, score in enumerate(scores) if score == best)

    def score(self, board: Board) -> int:
        """The score for the side to move, in the solver's convention."""
        if status(board) is not Status.IN_PROGRESS:
            return self._finished_score(board)
        return max(score for score in self._column_scores(board) if score is not None)

    def turns(self, start: str, moves: str) -> list[Turn]:
        """The scores around each move of the first player.

        The second player's moves must be perfect: then only the first player's moves change the
        score, and no position is solved in which the second player has not had to choose anyway.

        Args:
            start: The moves that nobody chose.
            moves: All moves of the game, `start` included.
        """
        board = parse_moves(start)
        score = self.score(board) if board.first_to_move else -self.score(board)
        turns = []
        for character in moves[len(start) :]:
            by_first = board.first_to_move
            board = play(board, int(character) - 1)
            if by_first:
                before, score = score, -self.score(board)
                turns.append(Turn(before, after=score))
        return turns


def play_game(start: str, ask_network: Callable[[str], int], choose: Callable[[Board], int]) -> str:
    """One game, the network being the first player.

    Args:
        start: The moves already played, as columns ``1`` to ``7``.
        ask_network: The network's column, 1 to 7, for the moves so far.
        choose: The opponent's column, 0 to 6, in a position that is not over.

    Returns:
        All moves of the game, `start` included.
    """
    moves, board = start, parse_moves(start)
    while status(board) is Status.IN_PROGRESS:
        column = ask_network(moves) if board.first_to_move else choose(board) + 1
        moves, board = moves + str(column), play(board, column - 1)
    return moves


def row(opponent: Opponent, games: list[str], turns: list[Turn]) -> str:
    """A line of the table.

    Args:
        opponent: Who played against the network.
        games: The moves of each game.
        turns: The network's moves in them; empty if they were not measured.
    """
    ends = [status(parse_moves(game)) for game in games]
    counts = [ends.count(end) for end in (Status.FIRST_WON, Status.DRAW, Status.SECOND_WON)]
    plies = fmean(map(len, games))
    shares = [_kept_share(turns), _kept_share([turn for turn in turns if turn.before >= 0])]
    cells = [f"{opponent.value} play", len(games), *counts, f"{plies:.1f}", *shares]
    return f"| {' | '.join(map(str, cells))} |"


def weights_hash(reply: Move, models: Path | None) -> str:
    """What to say about the weights that gave a reply, if their repository is known."""
    if models is None:
        return "weights of an unknown hash (--models would name the server's repository)"
    assert reply.model is not None  # the network levels always ask one
    assert reply.model_version is not None
    weights = read_model(models, reply.model).weights(int(reply.model_version))
    try:
        return f"sha256 of {weights.name} {hashlib.sha256(weights.read_bytes()).hexdigest()}"
    except OSError as error:
        raise RepositoryError(f"cannot read {weights}: {error.strerror}") from None


def main() -> int:
    """Run the benchmark from the command line.

    Returns:
        The exit code: 0, or 1 if something needed failed. Wrong flags exit with 2.
    """
    # A search runs outside the interpreter, where Python's own handler would wait for its end.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    benchmark = tyro.cli(Benchmark, config=(tyro.conf.EnumChoicesFromValues,))
    try:
        print(benchmark.run())
    except (FourcastError, RepositoryError, ServiceError) as error:
        print(f"connect4_play.py: {error}", file=sys.stderr)
        return 1
    return 0


def _kept_share(turns: list[Turn]) -> str:
    return f"{fmean(turn.kept_value for turn in turns):.1%} of {len(turns)}" if turns else "-"


def _sign(score: int) -> int:
    return (score > 0) - (score < 0)


if __name__ == "__main__":
    sys.exit(main())
