"""Figures of held-out rows by fold, how they scatter, and whether two models differ."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn.metrics import roc_auc_score, roc_curve

from fourcast_training.tabular.data import Floats, Labels
from fourcast_training.tabular.folds import FOLDS, Split

RATES = ("TPR", "TNR", "FNR", "FPR", "FDR", "FOR")
"""True positive and negative rates (sensitivity, specificity), false negative and positive rates,
false discovery and omission rates; positive is class 1."""


@dataclass(frozen=True)
class Spread:
    """How a figure scatters over R repeats of K folds.

    Attributes:
        mean: Of all folds.
        by_fold: Standard deviation of the R K folds.
        by_repeat: Standard deviation of the R means, each over all rows; not a number for R = 1.
        low: 2.5th percentile of the folds.
        high: 97.5th percentile of the folds.
    """

    mean: float
    by_fold: float
    by_repeat: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """A corrected resampled t-test: the statistic, and its two-sided p."""

    statistic: float
    p: float


def fold_aucs(splits: Sequence[Split], scores: Sequence[Floats]) -> Floats:
    """Area under the ROC curve of each held-out fold, float64 [splits]."""
    return np.array(
        [
            roc_auc_score(split.labels[split.test], score)
            for split, score in zip(splits, scores, strict=True)
        ]
    )


def fold_rates(
    splits: Sequence[Split], scores: Sequence[Floats], *, best_threshold: bool = False
) -> Floats:
    """The `RATES` of each held-out fold, float64 [splits, 6]; NaN where there is none to count.

    Args:
        splits: The folds.
        scores: Above 0 for class 1.
        best_threshold: Choose each fold's threshold on the fold itself, by the largest sum of TPR
            and TNR. That is wrong, and shows how much is won by it.
    """
    rows = []
    for split, score in zip(splits, scores, strict=True):
        labels = split.labels[split.test]
        rows.append(
            _rates(labels, score > (_best_threshold(labels, score) if best_threshold else 0))
        )
    return np.array(rows)


def spread(values: Floats) -> Spread:
    """How figures by fold scatter.

    Args:
        values: Float64 [R K], the folds of a repeat together.
    """
    repeats = np.nanmean(values.reshape(-1, FOLDS), axis=1)
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Spread(
        mean=float(np.nanmean(values)),
        by_fold=float(np.nanstd(values, ddof=1)),
        by_repeat=float(np.std(repeats, ddof=1)) if len(repeats) > 1 else float("nan"),
        low=float(low),
        high=float(high),
    )


def corrected_t_test(first: Floats, second: Floats) -> Difference:
    """Whether two models differ on the same folds.

    The folds share most of their training rows, so their variance is raised by the rows of a test
    fold over those of its training part: C. Nadeau and Y. Bengio, "Inference for the generalization
    error", Machine Learning 52 (2003), 239-281, section 4.

    Args:
        first: A figure by fold, float64 [J].
        second: The same of the other model, float64 [J].
    """
    differences = first - second
    count = len(differences)
    variance = float(differences.var(ddof=1)) * (1 / count + 1 / (FOLDS - 1))
    if variance == 0:
        return Difference(0.0, 1.0)
    statistic = float(differences.mean()) / variance**0.5
    return Difference(statistic, 2 * float(stats.t.sf(abs(statistic), count - 1)))


def auc_deviation(auc: float, positives: float, negatives: float) -> float:
    """Standard deviation of the AUC of that many independent rows.

    J. A. Hanley and B. J. McNeil, "The meaning and use of the area under a receiver operating
    characteristic (ROC) curve", Radiology 143 (1982), 29-36, equation 1.
    """
    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = (
        auc * (1 - auc) + (positives - 1) * (first - auc**2) + (negatives - 1) * (second - auc**2)
    ) / (positives * negatives)
    return float(variance**0.5)


def _best_threshold(labels: Labels, scores: Floats) -> float:
    """Just below the score from which on TPR - FPR is largest."""
    false, true, thresholds = roc_curve(labels, scores)
    return float(np.nextafter(thresholds[np.argmax(true - false)], -np.inf))


def _rates(labels: Labels, positive: npt.NDArray[np.bool_]) -> list[float]:
    tp, fn = np.sum(positive & (labels == 1)), np.sum(~positive & (labels == 1))
    fp, tn = np.sum(positive & (labels == 0)), np.sum(~positive & (labels == 0))
    return [
        _share(tp, tp + fn),
        _share(tn, tn + fp),
        _share(fn, tp + fn),
        _share(fp, tn + fp),
        _share(fp, tp + fp),
        _share(fn, tn + fn),
    ]


def _share(part: int, whole: int) -> float:
    return float(part / whole) if whole else float("nan")
