"""What an epoch shows: few positions of a ply more often, easy ones by turns."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fourcast_models.connect4.board import Board, parse_moves
from fourcast_training.connect4.dataset import Dataset
from fourcast_training.connect4.sampling import (
    LATE,
    MOST_REPEATS,
    SURE,
    late,
    repeats,
    sample,
    surely_kept,
)


def test_an_epoch_shows_the_few_positions_of_a_ply_more_often() -> None:
    plies = np.array([0] * 1 + [4] * 20 + [9] * 100 + [20] * 39_879)
    times = repeats(plies)
    # A two-hundredth of 40,000 are 200: once is shown as often as allowed, twenty ten times.
    assert [int(times[plies == ply][0]) for ply in (0, 4, 9, 20)] == [MOST_REPEATS, 10, 2, 1]
    assert repeats(np.arange(42)).tolist() == [1] * 42


def test_easy_positions_come_by_turns_and_all_others_always() -> None:
    plies, easy = np.full(400, 20), np.arange(400) >= 100
    epochs = [sample(plies, easy, 1 / 3, np.random.default_rng(seed)) for seed in range(20)]
    assert {len(one) for one in epochs} == {100 + 100}
    for one in epochs:
        assert len(np.unique(one)) == len(one)
        assert np.isin(np.arange(100), one).all()
    assert len(np.unique(np.concatenate(epochs))) == 400
    assert not np.array_equal(np.sort(epochs[0]), np.sort(epochs[1]))


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_repeats_stay_and_the_order_is_random(share: float) -> None:
    plies = np.array([0] + [20] * 400 + [30] * 599)
    shown = sample(plies, plies == 30, share, np.random.default_rng(0))
    assert (shown == 0).sum() == repeats(plies)[0] == 5
    assert len(shown) == 5 + 400 + round(share * 599)
    assert not np.array_equal(shown, np.sort(shown))


def test_of_a_ply_with_few_positions_easy_ones_are_repeated_less() -> None:
    plies = np.array([0, 1] + [20] * 998)
    shown = sample(plies, plies == 1, 0.4, np.random.default_rng(0))
    assert ((shown == 0).sum(), (shown == 1).sum()) == (5, 2)


def test_late_positions_are_easy_before_there_is_a_network() -> None:
    moves = "2252576253462244111563365343671351441"
    boards = [parse_moves(moves[:plies]) for plies in (1, LATE - 1, LATE, 37)]
    assert late(dataset_of(boards, np.zeros((4, 7)))).tolist() == [False, False, True, True]


def test_a_network_finds_easy_where_it_puts_next_to_nothing_on_columns_that_spoil() -> None:
    scores = [[3, 1, 0, -2, -128, 1, 1], [-2, -5, -1, -3, -128, -9, -4], [0, 0, 1, -1, -1, 0, 0]]
    boards = [parse_moves("4" * n) for n in range(3)]
    sure, doubtful = SURE / 2, SURE
    policy = [
        [1 - sure, 0, sure, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0, 0],  # the best loses, too
        [0, 0, 1 - 2 * doubtful, 0, 0, doubtful, doubtful],
    ]
    easy = surely_kept(np.array(policy, np.float32), dataset_of(boards, np.array(scores)))
    assert easy.tolist() == [True, True, False]


def dataset_of(boards: list[Board], scores: npt.NDArray[Any]) -> Dataset:
    bits = np.array([(board.mover, board.occupied) for board in boards], np.int64)
    return Dataset(bits[:, 0], bits[:, 1], scores.astype(np.int8))
