"""Ensemble SINDy: many fits to resampled data vote on the terms.

U. Fasel, J. N. Kutz, B. W. Brunton and S. L. Brunton, "Ensemble-SINDy: Robust sparse model
discovery in the low-data, high-noise limit, with active learning and control", Proceedings of the
Royal Society A 478 (2022), 20210904. The data are bagged, and terms that enough bags
found are kept.
"""

from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from fourcast_training.sindy.library import Floats
from fourcast_training.sindy.stlsq import fit_terms, stlsq

INCLUSION = 0.6
"""In what share of the bags a term must be found to be kept, as in the paper's examples."""


@dataclass(frozen=True)
class Ensemble:
    """What the bags say together.

    Attributes:
        inclusion: The share of the bags that found each term, 0 to 1, float64 [terms, variables].
        spread: Standard deviation of each coefficient over the bags, float64 [terms, variables].
        coefficients: Least squares to all data with the terms that enough bags found, float64
            [terms, variables].
    """

    inclusion: Floats
    spread: Floats
    coefficients: Floats


def ensemble(
    theta: Floats, derivatives: Floats, *, threshold: float, bags: int = 100, seed: int = 0
) -> Ensemble:
    """Thresholded least squares on bags of rows, each drawn with replacement.

    Args:
        theta: Every term at every sample, float64 [N, terms].
        derivatives: At the same samples, float64 [N, variables].
        threshold: Of `stlsq`.
        bags: How many.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    found = []
    for _ in tqdm(range(bags), desc="bags", leave=False, unit="bag", disable=None):
        rows = rng.integers(len(theta), size=len(theta))
        found.append(stlsq(theta[rows], derivatives[rows], threshold=threshold))
    coefficients = np.stack(found)
    inclusion = np.mean(coefficients != 0, axis=0)
    kept = inclusion >= INCLUSION
    fitted = [fit_terms(theta, b, c) for b, c in zip(derivatives.T, kept.T, strict=True)]
    return Ensemble(inclusion, coefficients.std(axis=0), np.stack(fitted, axis=1))
