"""The ten points on the unit square: where a well found oil, and where it did not.

From C. F. Higham and D. J. Higham, "Deep Learning: An Introduction for Applied Mathematicians",
SIAM Review 61 (2019), 860-891, figure 2.1.
"""

import hashlib

import numpy as np

POINTS = np.array(
    [
        *((0.1, 0.1), (0.3, 0.4), (0.1, 0.5), (0.6, 0.9), (0.4, 0.2)),  # category A: oil
        *((0.6, 0.3), (0.5, 0.6), (0.9, 0.2), (0.4, 0.4), (0.7, 0.6)),  # category B: none
    ]
)
"""Where the wells are, float64 [10, 2] in [0, 1]."""

TARGETS = np.repeat([[1.0, 0.0], [0.0, 1.0]], 5, axis=0)
"""y(x) of equation 2.4, float64 [10, 2]: (1, 0) for category A, (0, 1) for category B."""


def points_hash() -> str:
    """SHA-256 of points and targets, which tells whether a model learnt from these."""
    return hashlib.sha256(POINTS.tobytes() + TARGETS.tobytes()).hexdigest()
