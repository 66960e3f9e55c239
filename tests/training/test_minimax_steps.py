"""The steps from minimax to the solver: all exact, and each later one looks at less."""

from collections.abc import Callable
from functools import cache

import pytest

from fourcast_models.connect4 import minimax
from fourcast_models.connect4.board import Board, parse_moves
from fourcast_models.connect4.solver import Solver
from fourcast_training.connect4 import minimax_steps as steps
from fourcast_training.connect4.minimax_steps import Effort
from fourcast_training.lessons.minimax import random_positions, searches
from fourcast_training.lessons.presentation import Text

WON = "1212121"


@cache
def late_positions() -> list[tuple[Board, int]]:
    """Positions of several numbers of stones, and their scores by the definition."""
    boards = [board for stones in (33, 37, 40, 41) for board in random_positions(stones, 10)]
    return [(board, minimax.score(board)) for board in boards]


@pytest.mark.parametrize("name", list(searches()), ids=lambda name: name.en)
def test_every_step_is_exact(name: Text) -> None:
    search = searches()[name]
    for board, truth in late_positions():
        assert search(board, Effort()) == truth


@pytest.mark.parametrize(
    "search", [steps.careful, steps.null_windows, steps.threats_first], ids=lambda s: s.__name__
)
def test_later_steps_are_exact_on_earlier_positions(
    search: Callable[[Board, Effort], int],
) -> None:
    solver = Solver(table_mebibytes=1)
    for board in random_positions(22, 15):
        assert search(board, Effort()) == solver.score(board)


def test_each_cut_off_looks_at_fewer_positions() -> None:
    boards = random_positions(33, 30)
    nodes = {}
    for search in (steps.minimax, steps.alpha_beta, steps.centre_first, steps.remembering):
        efforts = [Effort() for _ in boards]
        for board, effort in zip(boards, efforts, strict=True):
            search(board, effort)
        nodes[search.__name__] = sum(effort.nodes for effort in efforts)
    counts = list(nodes.values())
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) == len(counts)


@pytest.mark.parametrize("name", list(searches()), ids=lambda name: name.en)
def test_a_finished_game_has_its_score(name: Text) -> None:
    if searches()[name] is not steps.careful:  # which is asked about games that go on
        assert searches()[name](parse_moves(WON), Effort()) == -18


def test_a_window_bounds_from_its_own_side() -> None:
    for board in random_positions(34, 10):
        truth = minimax.score(board)
        for alpha in range(-8, 8, 3):
            for search in (steps.remembering, steps.careful):
                found = search(board, Effort(), alpha, alpha + 1)
                assert (found > alpha) == (truth > alpha)
