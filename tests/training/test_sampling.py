"""What an epoch shows: few positions of a ply more often, late ones by turns."""

import numpy as np
import pytest

from fourcast_training.connect4.sampling import LATE, MOST_REPEATS, repeats, sample


def test_an_epoch_shows_the_few_positions_of_a_ply_more_often() -> None:
    plies = np.array([0] * 1 + [4] * 20 + [9] * 100 + [20] * 39_879)
    times = repeats(plies)
    # A two-hundredth of 40,000 are 200: once is shown as often as allowed, twenty ten times.
    assert [int(times[plies == ply][0]) for ply in (0, 4, 9, 20)] == [MOST_REPEATS, 10, 2, 1]
    assert repeats(np.arange(42)).tolist() == [1] * 42


def test_late_positions_come_by_turns_and_all_others_always() -> None:
    plies = np.array([LATE - 1] * 100 + [LATE] * 150 + [41] * 150)
    epochs = [sample(plies, 1 / 3, np.random.default_rng(seed)) for seed in range(20)]
    assert {len(one) for one in epochs} == {100 + 100}
    for one in epochs:
        assert len(np.unique(one)) == len(one)
        assert np.isin(np.arange(100), one).all()
    assert len(np.unique(np.concatenate(epochs))) == 400
    assert not np.array_equal(np.sort(epochs[0]), np.sort(epochs[1]))


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_early_repeats_stay_and_the_order_is_random(share: float) -> None:
    plies = np.array([0] + [20] * 400 + [30] * 599)
    shown = sample(plies, share, np.random.default_rng(0))
    assert (shown == 0).sum() == repeats(plies)[0] == 5
    assert len(shown) == 5 + 400 + round(share * 599)
    assert not np.array_equal(shown, np.sort(shown))
