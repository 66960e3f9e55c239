"""How far two pictures are apart: PSNR and SSIM, as the literature measures them."""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fourcast_models.stego.codec import Pixels

_WINDOW, _SIGMA = 11, 1.5
_STABILISERS = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_PART = 64
"""Pixels down, and for SSIM across, that are worked on at once: its matrices are of this size."""


def psnr(one: Pixels, other: Pixels) -> float:
    """The peak signal-to-noise ratio over all three colours, in dB; infinite for equal pictures."""
    total = 0
    # Some rows at a time: the squares of the largest pictures would fill a gigabyte.
    for top in range(0, len(one), _PART):
        difference = one[top : top + _PART].astype(np.int16) - other[top : top + _PART]
        total += int(np.square(difference, dtype=np.int32).sum(dtype=np.int64))
    error = total / one.size
    return 10.0 * math.log10(255**2 / error) if error else math.inf


def ssim(one: Pixels, other: Pixels) -> float:
    """The mean structural similarity, at most 1, averaged over the three colours.

    Wang, Bovik, Sheikh and Simoncelli (2004): a Gaussian window of 11x11 with a standard deviation
    of 1.5, K1 = 0.01, K2 = 0.03, only where the window lies wholly inside.

    Args:
        one: Uint8 [height, width, 3], each side at least 11.
        other: Of the same shape.
    """
    margin = _WINDOW - 1
    height, width = one.shape[0] - margin, one.shape[1] - margin
    total = 0.0
    for top in range(0, height, _PART):
        for left in range(0, width, _PART):
            rows = slice(top, min(top + _PART, height) + margin)
            columns = slice(left, min(left + _PART, width) + margin)
            total += _sum(one[rows, columns], other[rows, columns])
    return float(total / (3 * height * width))


def _sum(one: Pixels, other: Pixels) -> float:
    """The similarity summed over the colours and the places of the window."""
    x, y = (pixels.transpose(2, 0, 1).astype(np.float64) for pixels in (one, other))
    down, across = _windows(x.shape[1]), _windows(x.shape[2]).T
    mean_x, mean_y, square_x, square_y, product = (
        down @ part @ across for part in (x, y, x * x, y * y, x * y)
    )
    first, second = _STABILISERS
    covariance = product - mean_x * mean_y
    variances = square_x - mean_x**2 + square_y - mean_y**2
    similarity = ((2 * mean_x * mean_y + first) * (2 * covariance + second)) / (
        (mean_x**2 + mean_y**2 + first) * (variances + second)
    )
    return float(similarity.sum())


@lru_cache(maxsize=8)
def _windows(size: int) -> npt.NDArray[np.float64]:
    """The one-dimensional window at each of its places: [size - 10, size]."""
    offsets = np.arange(_WINDOW) - _WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    weights /= weights.sum()
    matrix = np.zeros((size - _WINDOW + 1, size))
    for place, weight in enumerate(weights):
        matrix[np.arange(len(matrix)), np.arange(len(matrix)) + place] = weight
    return matrix
