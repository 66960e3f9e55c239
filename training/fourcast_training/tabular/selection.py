"""Which four features to use, chosen from the training rows alone.

Each of the 126 sets of four is tried with kernel ridge regression on the labels (a support vector
machine with squared loss), because its leave-one-out errors need no second fit: with K the kernel
matrix, A = (K + λI)⁻¹ and a = A y, the error at row i is a_i / A_ii (D. M. Allen, "The relationship
between variable selection and data augmentation", Technometrics 16 (1974), 125-127; for kernels
J. Shawe-Taylor and N. Cristianini, "Kernel Methods for Pattern Analysis" (2004)).
"""

from itertools import combinations

import numpy as np
import numpy.typing as npt

from fourcast_training.tabular.data import Floats, Labels

CHOSEN = 4
"""Features in a set, as many as in the publisher's article."""

_RIDGE = 1.0
_WIDTH = 1.0 / CHOSEN
"""Factor of the squared distance in the Gaussian kernel: scikit-learn's own for such inputs."""

_SETS_AT_ONCE = 42


def choose_features(features: Floats, labels: Labels) -> tuple[int, ...]:
    """The set of four with the least squared leave-one-out error.

    Args:
        features: Of the training rows, float64 [n, F].
        labels: 0 or 1, int64 [n].

    Returns:
        Places among the F features, ascending.
    """
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    # Squared distances by feature, so that those of a set are a sum; float64 [F, n, n].
    squares = (scaled.T[:, :, None] - scaled.T[:, None, :]) ** 2
    target = (2 * labels - 1).astype(np.float64)
    sets = np.array(list(combinations(range(features.shape[1]), CHOSEN)))
    errors = [
        _errors(squares, target, sets[start : start + _SETS_AT_ONCE])
        for start in range(0, len(sets), _SETS_AT_ONCE)
    ]
    return tuple(sets[np.argmin(np.concatenate(errors))].tolist())


def _errors(squares: Floats, target: Floats, sets: npt.NDArray[np.int64]) -> Floats:
    """The mean squared leave-one-out error of each set, float64 [S]."""
    kernels = np.exp(-_WIDTH * squares[sets].sum(axis=1))
    inverses = np.linalg.inv(kernels + _RIDGE * np.eye(len(target)))
    residuals = (inverses @ target) / np.diagonal(inverses, axis1=1, axis2=2)
    errors: Floats = (residuals**2).mean(axis=1)
    return errors
