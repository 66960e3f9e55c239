"""The figures of an evaluation, beside plain definitions of them."""

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import confusion_matrix

from fourcast_training.tabular.folds import Split, repeated_splits
from fourcast_training.tabular.metrics import (
    auc_deviation,
    corrected_t_test,
    fold_aucs,
    fold_rates,
    spread,
)
from fourcast_training.tabular.published import PUBLISHED

LABELS = np.array([0, 1] * 30)


def random_scores(splits: list[Split], shift: float) -> list[npt.NDArray[np.float64]]:
    """Normal, and higher by the shift for class 1."""
    random = np.random.default_rng(0)
    return [
        random.normal(size=len(split.test)) + shift * (split.labels[split.test] - 0.5)
        for split in splits
    ]


@pytest.mark.parametrize("shuffled", [False, True])
def test_every_repeat_holds_every_row_out_once(shuffled: bool) -> None:
    splits = repeated_splits(LABELS, repeats=3, seed=5, shuffled=shuffled)
    assert [split.repeat for split in splits] == [0] * 5 + [1] * 5 + [2] * 5
    for repeat in range(3):
        own = [split for split in splits if split.repeat == repeat]
        held = np.concatenate([split.test for split in own])
        np.testing.assert_array_equal(np.sort(held), np.arange(60))
        for split in own:
            assert set(split.train) | set(split.test) == set(range(60))
            assert split.labels[split.test].mean() == 0.5
        assert np.array_equal(own[0].labels, LABELS) != shuffled
    again = repeated_splits(LABELS, repeats=3, seed=5, shuffled=shuffled)
    assert all(np.array_equal(a.test, b.test) for a, b in zip(splits, again, strict=True))
    other = repeated_splits(LABELS, repeats=3, seed=6, shuffled=shuffled)
    assert not all(np.array_equal(a.test, b.test) for a, b in zip(splits, other, strict=True))


def test_the_auc_is_the_share_of_pairs_in_order() -> None:
    splits = repeated_splits(LABELS, repeats=2, seed=0)
    scores = random_scores(splits, 1.0)
    for split, score, auc in zip(splits, scores, fold_aucs(splits, scores), strict=True):
        labels = split.labels[split.test]
        pairs = score[labels == 1][:, None] > score[labels == 0][None, :]
        assert auc == pytest.approx(pairs.mean())


def test_rates_are_those_of_the_confusion_matrix() -> None:
    splits = repeated_splits(LABELS, repeats=2, seed=0)
    scores = random_scores(splits, 1.0)
    for split, score, rates in zip(splits, scores, fold_rates(splits, scores), strict=True):
        (tn, fp), (fn, tp) = confusion_matrix(split.labels[split.test], score > 0)
        expected = [
            *(tp / (tp + fn), tn / (tn + fp), fn / (tp + fn), fp / (tn + fp)),
            *(fp / (fp + tp), fn / (fn + tn)),
        ]
        assert rates == pytest.approx(expected)


def test_rates_of_nothing_are_no_numbers() -> None:
    splits = repeated_splits(LABELS, repeats=1, seed=0)
    nobody = [np.full(len(split.test), -1.0) for split in splits]
    rates = fold_rates(splits, nobody)
    np.testing.assert_array_equal(rates[:, :4], [[0, 1, 1, 0]] * 5)
    assert np.isnan(rates[:, 4]).all()
    np.testing.assert_array_equal(rates[:, 5], 0.5)


def test_a_threshold_chosen_on_the_test_fold_only_ever_wins() -> None:
    splits = repeated_splits(LABELS, repeats=4, seed=0)
    scores = random_scores(splits, 0.0)  # there is nothing to find
    fair = fold_rates(splits, scores)[:, :2].sum(axis=1)
    peeked = fold_rates(splits, scores, best_threshold=True)[:, :2].sum(axis=1)
    assert (peeked >= fair).all()
    assert peeked.mean() > 1.2  # 1 is chance


def test_spread_by_fold_and_by_repeat() -> None:
    values = np.array([0.6, 0.8, 0.7, 0.9, 0.5, 0.7, 0.7, 0.7, 0.8, 0.6])
    one = spread(values)
    assert one.mean == pytest.approx(0.7)
    assert one.by_fold == pytest.approx(np.std(values, ddof=1))
    assert one.by_repeat == pytest.approx(0.0)
    assert (one.low, one.high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))


def test_the_corrected_t_test() -> None:
    differences = np.random.default_rng(3).normal(0.02, 0.05, 100)
    test = corrected_t_test(0.7 + differences, np.full(100, 0.7))
    plain = differences.mean() / (differences.std(ddof=1) / 10)
    # 1/J + 1/4 in place of 1/J, J = 100: five times the standard error and a little more.
    assert test.statistic == pytest.approx(plain / np.sqrt(26))
    assert 0 < test.p < 1
    assert corrected_t_test(differences, differences).p == 1
    mirrored = corrected_t_test(np.full(100, 0.7), 0.7 + differences)
    assert (mirrored.statistic, mirrored.p) == pytest.approx((-test.statistic, test.p))


def test_the_deviation_of_an_auc_is_that_of_repeated_draws() -> None:
    random = np.random.default_rng(1)
    # Exponential scores, for which the formula is exact: P(positive above negative) = 0.8.
    positive = random.exponential(4.0, (20_000, 13, 1))
    negative = random.exponential(1.0, (20_000, 1, 10))
    aucs = (positive > negative).mean(axis=(1, 2))
    assert aucs.mean() == pytest.approx(0.8, abs=0.005)
    assert auc_deviation(0.8, 13, 10) == pytest.approx(aucs.std(), rel=0.03)


def test_the_sources_tables_agree_with_themselves() -> None:
    assert len(PUBLISHED) == 8
    for row in PUBLISHED.values():
        tpr, tnr, fnr, fpr, _, _ = row.rates
        assert tpr + fnr == pytest.approx(1, abs=1.5e-4)
        assert tnr + fpr == pytest.approx(1, abs=1.5e-4)
        assert row.low < row.mean < row.high
        assert row.deviations[0] == row.deviations[2]
