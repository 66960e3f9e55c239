"""Perfect play: the solver against plain minimax, against published scores, and against itself."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fourcast_models.connect4 import minimax
from fourcast_models.connect4.board import (
    COLUMNS,
    EMPTY_BOARD,
    Board,
    Status,
    legal_columns,
    mirror,
    parse_grid,
    parse_moves,
    play,
    status,
)
from fourcast_models.connect4.solver import (
    HIGHEST_SCORE,
    Outcome,
    SearchStopped,
    Solver,
    finished_score,
)
from tests.models.naive import board_after, games, late_boards

DRAWN_GAME = "162425751166561157146745773222576443433323"


@pytest.fixture(scope="module")
def solver() -> Solver:
    """One for all tests: what its table holds from one of them must not mislead another."""
    return Solver(table_mebibytes=16)


def minimax_columns(board: Board) -> tuple[int | None, ...]:
    legal = legal_columns(board)
    return tuple(
        -minimax.score(play(board, column)) if column in legal else None
        for column in range(COLUMNS)
    )


def plies_left(board: Board, score: int) -> int:
    """Plies to the end of a game with this score, by the definition of a score."""
    if score == 0:
        return 42 - board.plies
    stones_of_winner = 22 - abs(score)
    if score > 0:
        return 2 * (stones_of_winner - board.mover.bit_count()) - 1
    return 2 * (stones_of_winner - board.opponent.bit_count())


@given(late_boards(32, 41))
def test_late_scores_are_those_of_minimax(solver: Solver, board: Board) -> None:
    assert solver.score(board) == minimax.score(board)
    assert solver.column_scores(board) == minimax_columns(board)


@given(games(fewest=30))
def test_scores_of_random_games_are_those_of_minimax(
    solver: Solver, columns: tuple[int, ...]
) -> None:
    # From the end of a game backwards, as far as minimax is quick.
    for length in range(len(columns), max(len(columns) - 7, 31), -1):
        board = board_after(columns[:length])
        assert solver.score(board) == minimax.score(board)


@settings(max_examples=50)
@given(late_boards(18, 34))
def test_a_mirror_reverses_the_columns(solver: Solver, board: Board) -> None:
    scores = solver.column_scores(board)
    # Another solver: this one would find the mirror image in its table.
    assert Solver(table_mebibytes=1).column_scores(mirror(board)) == scores[::-1]
    assert solver.score(mirror(board)) == solver.score(board)


@settings(max_examples=50)
@given(late_boards(16, 30))
def test_a_position_is_worth_its_best_column(solver: Solver, board: Board) -> None:
    assume(legal_columns(board))
    score = Solver(table_mebibytes=1).score(board)
    assert score == max(known for known in solver.column_scores(board) if known is not None)
    assert -HIGHEST_SCORE <= score <= HIGHEST_SCORE


@settings(max_examples=50)
@given(late_boards(14, 30))
def test_a_small_table_gives_the_same_scores(solver: Solver, board: Board) -> None:
    assert Solver(table_mebibytes=1).column_scores(board) == solver.column_scores(board)


def published(file: Path) -> Iterator[tuple[str, int]]:
    for line in file.read_text().splitlines():
        moves, score = line.split()
        yield moves, int(score)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["Test_L3_R1", "Test_L2_R1", "Test_L1_R1"])
def test_published_scores(solver: Solver, shared_data: Path, name: str) -> None:
    cases = list(published(shared_data / "connect4" / f"{name}.txt"))
    assert len(cases) == 1000
    wrong = [(moves, score) for moves, score in cases if solver.score(parse_moves(moves)) != score]
    assert wrong == []


@settings(max_examples=50)
@given(late_boards(14, 38), st.integers(1, 12))
def test_forced_scores_are_the_exact_ones_within_the_horizon(
    solver: Solver, board: Board, horizon: int
) -> None:
    expected = tuple(
        None
        if score is None
        else score
        if score != 0 and plies_left(board, score) <= horizon
        else 0
        for score in solver.column_scores(board)
    )
    assert solver.forced_scores(board, horizon) == expected


@settings(max_examples=50)
@given(late_boards(14, 41), st.permutations(range(COLUMNS)))
def test_the_column_that_keeps_is_the_first_of_the_best_outcome(
    solver: Solver, board: Board, order: list[int]
) -> None:
    scores = solver.column_scores(board)
    outcomes = {
        column: (score > 0) - (score < 0)
        for column, score in ((column, scores[column]) for column in order)
        if score is not None
    }
    assume(outcomes)
    best = max(outcomes.values())
    first = next(column for column, outcome in outcomes.items() if outcome == best)
    assert solver.keeping_column(board, list(outcomes)) == (first if best >= 0 else None)


def test_forced_scores_by_hand(solver: Solver) -> None:
    # Three of the first player in column 4, and his move.
    assert solver.forced_scores(parse_moves("414141"), 1) == (0, 0, 0, 18, 0, 0, 0)
    # The same, and the second player's move: block it or lose to the fourth stone.
    threatened = parse_moves("41414")
    assert solver.forced_scores(threatened, 1) == (0,) * 7
    assert solver.forced_scores(threatened, 2) == (-18, -18, -18, 0, -18, -18, -18)


@settings(max_examples=50)
@given(late_boards(14, 41))
def test_the_best_column_is_the_most_central_of_the_best(solver: Solver, board: Board) -> None:
    assume(legal_columns(board))
    best = solver.analyze(board).best
    assert solver.best_column(board) == min(best, key=lambda column: (abs(column - 3), column))


@settings(max_examples=50)
@given(late_boards(12, 41))
def test_an_analysis_tells_the_truth(solver: Solver, board: Board) -> None:
    assume(legal_columns(board))
    analysis = solver.analyze(board)
    assert analysis.scores == solver.column_scores(board)
    known = {column: score for column, score in enumerate(analysis.scores) if score is not None}
    assert tuple(known) == legal_columns(board)
    assert analysis.score == max(known.values())
    assert analysis.best == tuple(c for c, score in known.items() if score == analysis.score)
    assert not analysis.from_book
    assert analysis.distance == plies_left(board, analysis.score)
    assert len(analysis.variation) == analysis.distance
    assert analysis.variation[0] in analysis.best

    end = board
    for column in analysis.variation:
        end = play(end, column)
    if analysis.outcome is Outcome.DRAW:
        assert analysis.score == 0
        assert status(end) is Status.DRAW
    else:
        assert (analysis.outcome is Outcome.WIN) == (analysis.score > 0)
        winner_is_first = board.first_to_move == (analysis.outcome is Outcome.WIN)
        assert status(end) is (Status.FIRST_WON if winner_is_first else Status.SECOND_WON)


@pytest.mark.parametrize(
    ("moves", "outcome", "score"),
    [
        ("1212121", Outcome.LOSS, -18),
        ("71122334", Outcome.LOSS, -18),
        ("12234334544", Outcome.LOSS, -16),
        (DRAWN_GAME, Outcome.DRAW, 0),
    ],
)
def test_a_finished_game_has_an_outcome_and_no_columns(
    solver: Solver, moves: str, outcome: Outcome, score: int
) -> None:
    board = parse_moves(moves)
    analysis = solver.analyze(board)
    assert (analysis.outcome, analysis.score) == (outcome, score)
    assert analysis.score == finished_score(board) == minimax.score(board) == solver.score(board)
    assert analysis.scores == (None,) * 7
    assert (analysis.best, analysis.variation, analysis.distance) == ((), (), 0)
    with pytest.raises(ValueError, match="the game is over"):
        solver.best_column(board)


def test_the_position_of_the_course_slides(solver: Solver) -> None:
    # Printed in the slides' table with the best action 4, counted from 0.
    board = parse_grid(
        """
        1......
        12.....
        21.....
        22.....
        12.2.1.
        2211.11
        """
    )
    assert board.plies == 17
    analysis = solver.analyze(board)
    assert analysis.best == (4,)
    assert [c for c, score in enumerate(analysis.scores) if score is not None and score > 0] == [4]
    assert solver.best_column(board) == 4


def test_a_search_can_be_stopped_and_the_next_one_is_right() -> None:
    # Without a book the empty board takes a minute or more: it cannot end before it is stopped.
    solver = Solver(table_mebibytes=1)
    raised: list[BaseException] = []

    def search() -> None:
        try:
            solver.analyze(EMPTY_BOARD)
        except SearchStopped as stopped:
            raised.append(stopped)

    for _ in range(2):
        before = solver.nodes
        thread = threading.Thread(target=search)
        thread.start()
        while solver.nodes < before + 10_000:
            time.sleep(0.001)
        solver.stop()
        thread.join()
    assert len(raised) == 2

    board = parse_moves(DRAWN_GAME[:32])
    assert solver.score(board) == minimax.score(board)
    assert solver.column_scores(board) == minimax_columns(board)


def test_stopping_when_nothing_runs_does_nothing(solver: Solver) -> None:
    solver.stop()
    board = parse_moves(DRAWN_GAME[:34])
    assert solver.analyze(board).scores == minimax_columns(board)


@pytest.mark.parametrize("size", [0, -1, 3, 100])
def test_a_table_size_that_is_no_power_of_two_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"table_mebibytes must be a power of two.*not {size}"):
        Solver(table_mebibytes=size)
