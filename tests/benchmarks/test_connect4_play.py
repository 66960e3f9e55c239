"""The benchmark of play: real games against a real service, and figures that fit the games."""

import hashlib
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from benchmarks.connect4_play import (
    OPENING_STONES,
    Player,
    SolvedPositions,
    Turn,
    play_game,
    random_start,
    row,
)
from fourcast_models.connect4 import minimax
from fourcast_models.connect4.board import Status, legal_columns, parse_moves, play, status
from tests.services.running import run_server
from tests.services.small_model import publish_small_model

CHECKOUT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "benchmarks.connect4_play"]

# The first player, the network, loses from here whatever it does.
LOST = "34135552157176"
# The second player wins with column 7 at once; after any other column it loses or takes longer.
WON_WITH_NEXT_STONE = "4717171"
# 34 stones, the first player to move: columns that win, draw and lose. Quick by minimax.
LATE = ("6122545622762661423133457573574617", "2237633141156345231432651177764756")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with an untrained network."""
    folder = tmp_path_factory.mktemp("repository")
    publish_small_model(folder)
    return folder


def run(*flags: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, flags)], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )


@dataclass(frozen=True)
class Row:
    """A line of the printed table."""

    games: int
    won: int
    drawn: int
    lost: int
    plies: float
    kept: str
    kept_while_not_lost: str


def report(*flags: object) -> tuple[str, dict[str, Row]]:
    """What a successful run printed: the line of facts, and the table by "first second"."""
    result = run(*flags)
    assert result.returncode == 0, result.stderr
    facts, _, _, _, *lines = result.stdout.splitlines()
    table = {}
    for line in lines:
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        first, second, *counts, plies, kept, not_lost = cells
        games, won, drawn, lost = map(int, counts)
        table[f"{first} {second}"] = Row(games, won, drawn, lost, float(plies), kept, not_lost)
    return facts, table


def test_report_names_the_weights_and_counts_every_game(repository: Path) -> None:
    facts, table = report("--models", repository, "--moves", LOST, "--games", 3)
    weights = (repository / "connect4" / "1" / "model.onnx").read_bytes()
    assert facts.startswith("connect4 version 1, sha256 of model.onnx ")
    assert hashlib.sha256(weights).hexdigest() in facts
    assert "seed 1." in facts
    names = [player.value for player in Player]
    assert list(table) == [f"{one} {two}" for one in names for two in names if one != two]
    for pair in table.values():
        assert (pair.games, pair.won + pair.drawn + pair.lost) == (3, 3)
    assert table["network random"].kept == table["network random"].kept_while_not_lost == "-"
    # A lost position stays lost against perfect play, so there is no value to lose.
    perfect = table["network perfect"]
    assert (perfect.won, perfect.drawn, perfect.lost) == (0, 0, 3)
    assert re.fullmatch(r"100\.0% of \d+", perfect.kept)
    assert perfect.kept_while_not_lost == "-"
    # The second player begins with a won position.
    assert table["perfect network"].kept.startswith(tuple("0123456789"))


def test_perfect_play_wins_at_once_where_random_play_may_not(repository: Path) -> None:
    flags = ("--models", repository, "--moves", WON_WITH_NEXT_STONE, "--games", 12)
    _, table = report(*flags, "--players", "network", "random", "perfect")
    assert table["network perfect"].lost == 12
    assert table["network perfect"].plies == len(WON_WITH_NEXT_STONE) + 1
    assert table["network random"].plies > len(WON_WITH_NEXT_STONE) + 1


def test_seed_decides_the_games(repository: Path) -> None:
    with run_server(repository) as server:
        players = ("--players", "network", "search", "random")
        flags = ("--server", server.address, *players, "--moves", LOST, "--games", 20)
        first, again = report(*flags, "--seed", 7), report(*flags, "--seed", 7)
        other = report(*flags, "--seed", 8)
    assert first == again
    assert first[1] != other[1]
    assert len(first[1]) == 6
    # Nothing is claimed about weights that somebody else serves.
    assert "weights of an unknown hash" in first[0]


def test_committed_network_beats_random_play() -> None:
    _, table = report("--players", "network", "random", "--games", 200)
    assert table["network random"].won >= 195
    assert table["random network"].lost >= 190


def test_players_without_chance_begin_at_random_positions() -> None:
    random = Random(1)
    starts = {random_start("44", random) for _ in range(50)}
    assert len(starts) > 25
    for start in starts:
        assert start.startswith("44")
        assert len(start) == 2 + OPENING_STONES
        assert status(parse_moves(start)) is Status.IN_PROGRESS
    # The last free cell: any stone ends the game.
    full = "547125662261271266215743771576315353334444"
    assert random_start(full[:-1], random) == full[:-1]


@pytest.mark.parametrize("start", LATE)
def test_turns_have_the_scores_of_minimax(start: str) -> None:
    random = Random(start)
    solved = SolvedPositions()

    def any_column(moves: str) -> int:
        return random.choice(legal_columns(parse_moves(moves))) + 1

    def best_column(moves: str) -> int:
        return random.choice(solved.best_columns(parse_moves(moves))) + 1

    seen = set()
    for number in range(20):
        of_first = number % 2 == 0
        players = (any_column, best_column) if of_first else (best_column, any_column)
        game = play_game(start, *players)
        turns = solved.turns(start, game, of_first=of_first)
        expected = []
        # The first player is to move at the start.
        for length in range(len(start) + (not of_first), len(game), 2):
            board = parse_moves(game[:length])
            child = play(board, int(game[length]) - 1)
            expected.append(Turn(before=minimax.score(board), after=-minimax.score(child)))
        assert turns == expected
        seen |= {turn.kept_value for turn in turns}
    assert seen == {True, False}


def test_best_columns_are_those_of_minimax() -> None:
    solved = SolvedPositions()
    for start in LATE:
        board = parse_moves(start)
        scores = {column: -minimax.score(play(board, column)) for column in legal_columns(board)}
        best = [column for column, score in scores.items() if score == max(scores.values())]
        assert solved.best_columns(board) == tuple(best)


def test_row_counts_ends_and_kept_values() -> None:
    won, lost = "1212121", "17172737"
    drawn = "547125662261271266215743771576315353334444"
    turns = [Turn(2, 1), Turn(1, 0), Turn(0, -3), Turn(-3, -5), Turn(-5, -5)]
    assert row(Player.NETWORK, Player.PERFECT, [won, lost, won, drawn], turns) == (
        "| network | perfect | 4 | 2 | 1 | 1 | 16.0 | 60.0% of 5 | 33.3% of 3 |"
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--games", "0"], ["--games is 0", "at least 1"]),
        (["--moves", "1212121"], ["--moves: the game is over"]),
        (["--moves", "18"], ["--moves: move 2 ('8') is not a column"]),
        (["--server", "nowhere"], ["--server: 'nowhere' is not HOST:PORT"]),
        (["--players", "search"], ["--players: name at least two"]),
        (["--players", "best"], ["invalid choice 'best'"]),
    ],
    ids=lambda flags: " ".join(flags) if flags[0].startswith("--") else "",
)
def test_wrong_flags_are_refused_in_words(flags: list[str], words: list[str]) -> None:
    result = run(*flags)
    assert (result.returncode, result.stdout) == (2, "")
    said = " ".join(result.stderr.replace("│", " ").split())
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--models", "missing"], "model repository missing is not a folder"),
        # Nothing listens on port 1: it belongs to a service that no machine runs today.
        (["--server", "127.0.0.1:1"], "no fourcast server answers at 127.0.0.1:1"),
    ],
    ids=["models", "server"],
)
def test_without_a_service_it_says_why_and_fails(flags: list[str], words: str) -> None:
    result = run(*flags)
    assert (result.returncode, result.stdout) == (1, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_ctrl_c_ends_it_and_its_service(repository: Path) -> None:
    flags = ["--models", str(repository), "--players", "network", "random"]
    flags += ["--games", "1000000"]
    with subprocess.Popen([*COMMAND, *flags], stderr=subprocess.PIPE, text=True) as benchmark:
        assert benchmark.stderr is not None
        said = ""
        while "network against random" not in said:
            character = benchmark.stderr.read(1)
            assert character, said
            said += character
        benchmark.send_signal(signal.SIGINT)
        # This ends only when the service is gone, which writes there too.
        said += benchmark.stderr.read()
    assert benchmark.returncode == -signal.SIGINT
    assert "Traceback" not in said
