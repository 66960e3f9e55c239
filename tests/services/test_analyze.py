"""Analyze over gRPC against the published benchmark sets."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fourcast.connect4.v1 import connect4_pb2 as wire
from fourcast.connect4.v1 import connect4_pb2_grpc

Connect4 = connect4_pb2_grpc.Connect4ServiceStub

CONCURRENT_CALLS = 8
EVERY_POSITION = "FOURCAST_EVERY_POSITION"
"""Environment variable: set it to compare all 3,000 positions, some minutes on two cores."""

OUTCOMES = {1: wire.OUTCOME_WIN, 0: wire.OUTCOME_DRAW, -1: wire.OUTCOME_LOSS}


def analyze(connect4: Connect4, moves: str) -> wire.AnalyzeResponse:
    request = wire.AnalyzeRequest(position=wire.Position(moves=moves))
    return connect4.Analyze(request, timeout=240)


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


def check_whole(moves: str, response: wire.AnalyzeResponse) -> None:
    """An answer agrees with itself and its principal variation ends the game as it says."""
    scores = {entry.column: entry.score for entry in response.scores}
    assert list(scores) == list(response.board.legal_columns)
    assert max(scores.values()) == response.score
    assert list(response.best_columns) == [
        column for column, score in scores.items() if score == response.score
    ]
    assert response.outcome == OUTCOMES[sign(response.score)]
    assert len(response.principal_variation) == response.distance
    assert int(response.principal_variation[0]) in response.best_columns
    if response.score == 0:
        assert response.distance == 42 - len(moves)
    else:
        winner_is_mover = response.score > 0
        stones_of_winner = 22 - abs(response.score)
        end = len(moves) + response.distance
        assert stones_of_winner == (end + 1) // 2
        assert (response.distance % 2 == 1) == winner_is_mover


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("name", "every"), [("Test_L3_R1", 1), ("Test_L2_R1", 1), ("Test_L1_R1", 20)]
)
def test_published_scores(connect4: Connect4, shared_data: Path, name: str, every: int) -> None:
    """All of the quick sets and every 20th of the slow one; all of it where it is asked for."""
    lines = (shared_data / "connect4" / f"{name}.txt").read_text().splitlines()
    assert len(lines) == 1000
    if EVERY_POSITION in os.environ:
        every = 1
    positions = [line.split() for line in lines[::every]]
    with ThreadPoolExecutor(CONCURRENT_CALLS) as callers:
        answers = callers.map(lambda position: analyze(connect4, position[0]), positions)
        for (moves, score), response in zip(positions, answers, strict=True):
            assert response.score == int(score), moves
            check_whole(moves, response)


def test_a_late_position_is_answered_whole(connect4: Connect4) -> None:
    moves = "2252576253462244111563365343671351441"
    response = analyze(connect4, moves)
    assert response.score == -1
    assert response.source == wire.SOURCE_SOLVER
    check_whole(moves, response)


@pytest.mark.parametrize(
    ("moves", "score", "outcome"),
    [("1212121", -18, wire.OUTCOME_LOSS), ("71212121", -18, wire.OUTCOME_LOSS)],
)
def test_a_finished_game_has_an_outcome_and_no_scores(
    connect4: Connect4, moves: str, score: int, outcome: wire.Outcome.ValueType
) -> None:
    response = analyze(connect4, moves)
    assert (response.score, response.outcome) == (score, outcome)
    assert response.source == wire.SOURCE_RULES
    assert response.distance == 0
    assert not response.scores
    assert not response.best_columns
    assert response.principal_variation == ""
