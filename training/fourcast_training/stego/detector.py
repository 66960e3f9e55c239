"""A small detector of hidden texts: what somebody who suspects one would try first.

Features in the manner of subtractive pixel adjacency (Pevný, Bas and Fridrich, 2010): how often
differences between neighbours, clipped to -T to T, follow each other, along rows and columns.
Photographs are smooth, so hidden bits show in these frequencies. Logistic regression weighs them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import rankdata

from fourcast_models.stego.codec import Pixels

_CLIPPED = 4
"""T."""

_PENALTY = 0.01
"""Of the squared weights, beside the mean logarithmic loss."""

Features = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Detector:
    """A linear score of standardised features.

    Attributes:
        mean: Float64 [F], of the features in training.
        deviation: Float64 [F].
        weights: Float64 [F].
    """

    mean: Features
    deviation: Features
    weights: Features

    def scores(self, pictures: Sequence[Pixels]) -> npt.NDArray[np.float64]:
        """Float64 [n]: the larger, the more likely a text is hidden."""
        found = np.stack([features(picture) for picture in pictures])
        return np.asarray((found - self.mean) / self.deviation @ self.weights)


def features(picture: Pixels) -> Features:
    """Float64 [4 * (2T + 1)**2] of a picture, uint8 [height, width, 3].

    For green, red, and what red and blue differ from green: the joint frequencies of two
    differences that follow each other, forwards and backwards taken together, down and across, too.
    """
    wide = picture.astype(np.int16)
    red, green, blue = wide[..., 0], wide[..., 1], wide[..., 2]
    planes = (green, red, red - green, blue - green)
    return np.concatenate([_frequencies(plane) for plane in planes])


def train_detector(covers: Sequence[Pixels], stegos: Sequence[Pixels]) -> Detector:
    """Fit a detector to pictures without and with a text.

    Raises:
        ValueError: If either is empty.
    """
    if not covers or not stegos:
        raise ValueError("a detector needs pictures without and with a text")
    found = np.stack([features(picture) for picture in (*covers, *stegos)])
    signs = np.repeat([-1.0, 1.0], [len(covers), len(stegos)])
    mean, deviation = found.mean(axis=0), found.std(axis=0) + 1e-9
    inputs = np.c_[(found - mean) / deviation, np.ones(len(found))]

    def loss(weights: Features) -> tuple[float, Features]:
        margins = signs * (inputs @ weights)
        value = np.logaddexp(0, -margins).mean() + _PENALTY * weights[:-1] @ weights[:-1]
        slope = -(inputs.T @ (signs * expit(-margins))) / len(inputs)
        slope[:-1] += 2 * _PENALTY * weights[:-1]
        return float(value), slope

    fitted = minimize(loss, np.zeros(inputs.shape[1]), jac=True, method="L-BFGS-B")
    return Detector(mean, deviation, np.asarray(fitted.x[:-1]))


def area_under_curve(without: npt.NDArray[np.float64], with_text: npt.NDArray[np.float64]) -> float:
    """The share of pairs in which the picture with a text scores higher; a half is guessing."""
    ranks = rankdata(np.concatenate([without, with_text]))
    count = len(with_text)
    return float((ranks[len(without) :].sum() - count * (count + 1) / 2) / (count * len(without)))


def _frequencies(plane: npt.NDArray[np.int16]) -> Features:
    total = np.zeros((2 * _CLIPPED + 1) ** 2)
    for turned in (plane, plane.T):
        differences = np.diff(turned, axis=1).clip(-_CLIPPED, _CLIPPED)
        for steps in (differences, -differences[:, ::-1]):
            pairs = (steps[:, :-1] + _CLIPPED) * (2 * _CLIPPED + 1) + steps[:, 1:] + _CLIPPED
            total += np.bincount(pairs.ravel(), minlength=len(total))
    return np.asarray(total / total.sum())
