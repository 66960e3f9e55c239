"""How moves are chosen from a policy and from scores."""

import pytest

from fourcast_models.connect4.board import CELLS
from fourcast_models.connect4.player import (
    best_column,
    choose_with_search,
    most_probable,
    search_horizon,
)

POLICY = (0.05, 0.1, 0.3, 0.2, 0.2, 0.1, 0.05)


def test_most_probable_of_the_columns_asked_for() -> None:
    assert most_probable(POLICY, range(7)) == 2
    assert most_probable(POLICY, (0, 3, 4, 6)) == 3


def test_the_search_sees_the_end_in_late_positions_and_far_in_early_ones() -> None:
    assert search_horizon(0) == 12
    assert all(search_horizon(plies) < CELLS - plies for plies in range(22))
    assert all(search_horizon(plies) >= CELLS - plies for plies in range(22, CELLS))


@pytest.mark.parametrize(
    ("scores", "column"),
    [
        ((0, 0, 0, 0, 0, 0, 0), 3),
        ((None, -2, 5, 0, 5, 1, None), 2),
        ((4, -1, -1, -1, -1, -1, 4), 0),
        ((None, None, None, None, None, -18, None), 5),
    ],
)
def test_best_column_is_the_most_central_of_the_best(
    scores: tuple[int | None, ...], column: int
) -> None:
    assert best_column(scores) == column


@pytest.mark.parametrize(
    ("scores", "column", "forced"),
    [
        # Nothing is forced: the policy.
        ((0, 0, 0, 0, 0, 0, 0), 2, False),
        ((0, 0, None, 0, 0, 0, 0), 3, False),
        # The shortest win, whatever the policy says.
        ((17, 0, 0, 16, 0, 0, -18), 0, True),
        # Two wins of one length: the policy between them.
        ((17, 17, 0, 0, 0, 0, 0), 1, True),
        # Losing columns are dropped, the policy chooses among the others.
        ((0, 0, -18, 0, -17, 0, 0), 3, False),
        # One is left.
        ((-18, -18, -18, -18, -18, 0, -18), 5, True),
        # All lose: the longest resistance.
        ((-18, -18, -18, -17, -16, -16, None), 4, True),
        # One column is legal at all: nothing was refuted.
        ((None, None, None, None, None, None, 0), 6, False),
    ],
)
def test_search_drops_what_loses_and_plays_what_wins(
    scores: tuple[int | None, ...], column: int, *, forced: bool
) -> None:
    choice = choose_with_search(POLICY, scores)
    assert (choice.column, choice.forced) == (column, forced)


def test_what_a_shallow_search_leaves_comes_in_the_order_of_the_policy() -> None:
    assert choose_with_search(POLICY, (0, 0, -18, 0, -17, None, 0)).columns == (3, 1, 0, 6)
    assert choose_with_search(POLICY, (17, 0, 0, 17, 0, 0, 0)).columns == (3, 0)
