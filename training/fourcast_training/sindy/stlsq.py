"""Sequentially thresholded least squares: fit, drop the small coefficients, fit again.

S. L. Brunton, J. L. Proctor and J. N. Kutz, "Discovering governing equations from data by sparse
identification of nonlinear dynamical systems", PNAS 113 (2016), 3932-3937:

    dX/dt ≈ Θ(X) Ξ        with as few numbers in Ξ other than 0 as the data allow
"""

import numpy as np
import numpy.typing as npt

from fourcast_training.sindy.library import Floats


def stlsq(
    theta: Floats,
    derivatives: Floats,
    *,
    threshold: float,
    ridge: float = 0.0,
    iterations: int = 20,
) -> Floats:
    """The sparse coefficients Ξ, float64 [terms, variables].

    Args:
        theta: Θ(X), every term at every sample, float64 [N, terms].
        derivatives: dX/dt at the same samples, float64 [N, variables].
        threshold: Terms whose coefficients are smaller than this are dropped.
        ridge: The factor α of α |ξ|², which is added while terms are chosen. The coefficients that
            are returned are fitted without it.
        iterations: How often terms are dropped at most.
    """
    terms = theta.shape[1]
    # An orthogonal transformation leaves |Θ ξ - b| as it is. The one that makes Θ triangular turns
    # thousands of rows into as many as there are columns; the rest of them would only add zeros.
    both = np.hstack([theta, derivatives])
    reduced: Floats = np.linalg.qr(both, "r")  # type: ignore[assignment]  # numpy's types know pairs
    columns = [
        _sparse_column(reduced[:, :terms], target, threshold, ridge, iterations)
        for target in reduced[:, terms:].T
    ]
    return np.stack(columns, axis=1)


def fit_terms(
    theta: Floats, target: Floats, chosen: npt.NDArray[np.bool_], ridge: float = 0.0
) -> Floats:
    """Least squares with the chosen terms only.

    Args:
        theta: Float64 [N, terms].
        target: Float64 [N].
        chosen: Which terms may be used, bool [terms].
        ridge: The factor of the squared length of the coefficients.

    Returns:
        Coefficients [terms], 0 where a term was not chosen.
    """
    coefficients = np.zeros(len(chosen))
    some = theta[:, chosen]
    # |Θ ξ - b|² + α |ξ|² is a sum of squares itself: that of more rows. The normal equations would
    # square the condition number.
    rows = np.vstack([some, np.sqrt(ridge) * np.eye(some.shape[1])])
    zeros = np.zeros(some.shape[1])
    coefficients[chosen] = np.linalg.lstsq(rows, np.concatenate([target, zeros]))[0]
    return coefficients


def _sparse_column(
    theta: Floats, target: Floats, threshold: float, ridge: float, iterations: int
) -> Floats:
    chosen = np.ones(theta.shape[1], dtype=bool)
    for _ in range(iterations):
        large = np.abs(fit_terms(theta, target, chosen, ridge)) >= threshold
        kept = chosen & large
        if np.array_equal(kept, chosen):
            break
        chosen = kept
    return fit_terms(theta, target, chosen)
