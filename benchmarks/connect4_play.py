"""Games between the served Connect-4 network, its search, perfect play and random play.

The network does not search: each of its moves is the one that the service answers at level NETWORK;
the search is level SEARCH, which has a quarter of a second a move. Every pair plays in both orders.
The same seed gives the same games with the same weights, as far as no search runs out of time.

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
from itertools import permutations
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

OPENING_STONES = 4
"""Random stones before the games of two players of whom neither chooses at random: without them,
every game would be the same."""

HEADER = """\
| first | second | games | won | drawn | lost | mean plies | value kept | kept while not lost |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""
"""Won and lost: by the first player. Value kept: where one side is perfect, the share of the
other's moves after which a won position was still won and a drawn one drawn. In a lost position
every move does, so the last column leaves those out."""


class Player(Enum):
    """Who plays."""

    NETWORK = "network"
    """The service at level NETWORK."""
    SEARCH = "search"
    """The service at level SEARCH."""
    PERFECT = "perfect"
    """Any of the columns with the best exact score, all with the same probability."""
    RANDOM = "random"
    """Any legal column, all with the same probability."""


SERVED = {Player.NETWORK: Level.NETWORK, Player.SEARCH: Level.SEARCH}

Choose = Callable[[str], int]
"""Gives a column, 1 to 7, for the moves so far."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A move against perfect play.

    Attributes:
        before: Exact score of the position for who moves, -18 to 18.
        after: Exact score of the column that was played; never higher.
    """

    before: int
    after: int

    @property
    def kept_value(self) -> bool:
        """Whether a win stayed a win, and a draw a draw."""
        return _sign(self.before) == _sign(self.after)


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Let the players play many games against each other, and print the results as a table.

    Without --server, a service is started for the benchmark and stopped at the end.

    Example: python -m benchmarks.connect4_play --players network random --games 200
    """

    players: Annotated[tuple[Player, ...], tyro.conf.arg(metavar="{network,search,...} ...")] = (
        tuple(Player)
    )
    """Who plays: network, search, perfect and random, at least two of them."""

    games: Annotated[int, tyro.conf.arg(metavar="N")] = 1000
    """Games of each pair in each order. Those against perfect play take longest: it must solve
    openings."""

    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """All random choices follow from this number."""

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
        if len(set(self.players)) < 2:
            raise ValueError("--players: name at least two of network, search, perfect and random")
        if self.games < 1:
            raise ValueError(f"--games is {self.games}, but must be at least 1")
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
            The report: what was served, and a table with a row for each pair.

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

            reply = fourcast.connect4.choose_move(self.moves, level=Level.NETWORK)
            solved = SolvedPositions()
            pairs = permutations(dict.fromkeys(self.players), 2)
            rows = [self._row(first, second, fourcast, solved) for first, second in pairs]
        where = f" Games begin after the moves {self.moves}." if self.moves else ""
        facts = (
            f"{reply.model} version {reply.model_version}, {weights_hash(reply, models)}, "
            f"seed {self.seed}.{where}"
        )
        return "\n".join([facts, "", HEADER, *rows])

    def _row(
        self, first: Player, second: Player, fourcast: Fourcast, solved: "SolvedPositions"
    ) -> str:
        """Let two players play and sum up."""
        random = Random(f"{first.value} {second.value} {self.seed}")

        def chooser(player: Player) -> Choose:
            if player in SERVED:
                level = SERVED[player]
                return lambda moves: fourcast.connect4.choose_move(moves, level=level).column
            choices = legal_columns if player is Player.RANDOM else solved.best_columns
            return lambda moves: random.choice(choices(parse_moves(moves))) + 1

        repeats = {first, second} <= SERVED.keys()
        starts, games = [], []
        pair = f"{first.value} against {second.value}"
        for _ in tqdm(range(self.games), desc=pair, unit="game"):
            starts.append(random_start(self.moves, random) if repeats else self.moves)
            games.append(play_game(starts[-1], chooser(first), chooser(second)))
        turns = []
        if Player.PERFECT in (first, second):
            for start, game in zip(starts, games, strict=True):
                turns += solved.turns(start, game, of_first=second is Player.PERFECT)
        return row(first, second, games, turns)


def random_start(moves: str, random: Random) -> str:
    """The moves and OPENING_STONES random ones, or as many as do not end the game."""
    for _ in range(OPENING_STONES):
        board = parse_moves(moves)
        going_on = [
            column
            for column in legal_columns(board)
            if status(play(board, column)) is Status.IN_PROGRESS
        ]
        if not going_on:
            break
        moves += str(random.choice(going_on) + 1)
    return moves


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

    def turns(self, start: str, moves: str, *, of_first: bool) -> list[Turn]:
        """The scores around each move of the player who is not perfect.

        The other's moves must be perfect: then only this player's moves change the score, and no
        position is solved in which the other has not had to choose anyway.

        Args:
            start: The moves that nobody chose.
            moves: All moves of the game, `start` included.
            of_first: Whether the first player is the one who is not perfect.
        """
        board = parse_moves(start)
        score = self.score(board) if board.first_to_move is of_first else -self.score(board)
        turns = []
        for character in moves[len(start) :]:
            is_own = board.first_to_move is of_first
            board = play(board, int(character) - 1)
            if is_own:
                before, score = score, -self.score(board)
                turns.append(Turn(before, after=score))
        return turns


def play_game(start: str, first: Choose, second: Choose) -> str:
    """One game.

    Args:
        start: The moves already played, as columns ``1`` to ``7``.
        first: The first player.
        second: The second.

    Returns:
        All moves of the game, `start` included.
    """
    moves, board = start, parse_moves(start)
    while status(board) is Status.IN_PROGRESS:
        column = (first if board.first_to_move else second)(moves)
        moves, board = moves + str(column), play(board, column - 1)
    return moves


def row(first: Player, second: Player, games: list[str], turns: list[Turn]) -> str:
    """A line of the table.

    Args:
        first: Who moved first.
        second: Who moved second.
        games: The moves of each game.
        turns: The moves against perfect play in them; empty if neither was perfect.
    """
    ends = [status(parse_moves(game)) for game in games]
    counts = [ends.count(end) for end in (Status.FIRST_WON, Status.DRAW, Status.SECOND_WON)]
    plies = fmean(map(len, games))
    shares = [_kept_share(turns), _kept_share([turn for turn in turns if turn.before >= 0])]
    cells = [first.value, second.value, len(games), *counts, f"{plies:.1f}", *shares]
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
