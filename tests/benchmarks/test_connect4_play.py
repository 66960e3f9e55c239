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

from benchmarks.connect4_play import Opponent, SolvedPositions, Turn, play_game, row
from fourcast_models.connect4 import minimax
from fourcast_models.connect4.board import legal_columns, parse_moves, play
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
    """What a successful run printed: the line of facts, and the table by opponent."""
    result = run(*flags)
    assert result.returncode == 0, result.stderr
    facts, _, _, _, *lines = result.stdout.splitlines()
    table = {}
    for line in lines:
        opponent, *counts, plies, kept, not_lost = (cell.strip() for cell in line.split("|")[1:-1])
        games, won, drawn, lost = map(int, counts)
        table[opponent] = Row(games, won, drawn, lost, float(plies), kept, not_lost)
    return facts, table


def test_report_names_the_weights_and_counts_every_game(repository: Path) -> None:
    flags = ("--models", repository, "--moves", LOST, "--games", 12, "--perfect-games", 3)
    facts, table = report(*flags)
    weights = (repository / "connect4" / "1" / "model.onnx").read_bytes()
    assert facts.startswith("connect4 version 1, sha256 of model.onnx ")
    assert hashlib.sha256(weights).hexdigest() in facts
    assert "seed 1." in facts
    assert list(table) == ["random play", "perfect play"]
    chance, perfect = table.values()
    assert (chance.games, chance.won + chance.drawn + chance.lost) == (12, 12)
    assert (chance.kept, chance.kept_while_not_lost) == ("-", "-")
    # A lost position stays lost against perfect play, so there is no value to lose.
    assert (perfect.games, perfect.won, perfect.drawn, perfect.lost) == (3, 0, 0, 3)
    assert re.fullmatch(r"100\.0% of \d+", perfect.kept)
    assert perfect.kept_while_not_lost == "-"


def test_perfect_play_wins_at_once_where_random_play_may_not(repository: Path) -> None:
    flags = ("--models", repository, "--moves", WON_WITH_NEXT_STONE, "--games", 12)
    _, table = report(*flags, "--perfect-games", 2)
    assert table["perfect play"].lost == 2
    assert table["perfect play"].plies == len(WON_WITH_NEXT_STONE) + 1
    assert table["random play"].plies > len(WON_WITH_NEXT_STONE) + 1


def test_seed_decides_the_games(repository: Path) -> None:
    with run_server(repository) as server:
        flags = ("--server", server.address, "--opponents", "random", "--games", 30)
        first, again = report(*flags, "--seed", 7), report(*flags, "--seed", 7)
        other = report(*flags, "--seed", 8)
    assert first == again
    assert first[1] != other[1]
    assert list(first[1]) == ["random play"]
    # Nothing is claimed about weights that somebody else serves.
    assert "weights of an unknown hash" in first[0]


def test_committed_network_beats_random_play() -> None:
    _, table = report("--opponents", "random", "--games", 200)
    assert table["random play"].won >= 190


@pytest.mark.parametrize("start", LATE)
def test_turns_have_the_scores_of_minimax(start: str) -> None:
    random = Random(start)
    solved = SolvedPositions()

    def any_column(moves: str) -> int:
        return random.choice(legal_columns(parse_moves(moves))) + 1

    seen = set()
    for _ in range(20):
        game = play_game(start, any_column, lambda board: random.choice(solved.best_columns(board)))
        turns = solved.turns(start, game)
        expected = []
        for length in range(len(start), len(game), 2):
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
    assert row(Opponent.PERFECT, [won, lost, won, drawn], turns) == (
        "| perfect play | 4 | 2 | 1 | 1 | 16.0 | 60.0% of 5 | 33.3% of 3 |"
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--games", "0"], ["--games is 0", "at least 1"]),
        (["--perfect-games", "-1"], ["--perfect-games is -1", "at least 1"]),
        (["--moves", "1212121"], ["--moves: the game is over"]),
        (["--moves", "18"], ["--moves: move 2 ('8') is not a column"]),
        (["--server", "nowhere"], ["--server: 'nowhere' is not HOST:PORT"]),
        (["--opponents"], ["--opponents: name at least one"]),
        (["--opponents", "best"], ["invalid choice 'best'"]),
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
    flags = ["--models", str(repository), "--opponents", "random", "--games", "1000000"]
    with subprocess.Popen([*COMMAND, *flags], stderr=subprocess.PIPE, text=True) as benchmark:
        assert benchmark.stderr is not None
        said = ""
        while "against random play" not in said:
            character = benchmark.stderr.read(1)
            assert character, said
            said += character
        benchmark.send_signal(signal.SIGINT)
        # This ends only when the service is gone, which writes there too.
        said += benchmark.stderr.read()
    assert benchmark.returncode == -signal.SIGINT
    assert "Traceback" not in said
