"""Whether one forecast is better than another, or only looks so.

The test of Diebold and Mariano (1995) on the differences of their losses, with the variance of
Newey and West (1987) because those are correlated in time, the correction for small samples of
Harvey, Leybourne and Newbold (1997), and Student's t.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fourcast_models.sequence.forecasts import Floats

SIGNIFICANCE = 0.05
"""Of the two-sided test: so many of a hundred comparisons of equals find a difference."""

_FEWEST = 10

Outcome = Literal["better than", "as good as", "worse than"]


@dataclass(frozen=True)
class Comparison:
    """What the test says.

    Attributes:
        statistic: Negative where the first forecast has the smaller losses.
        p: The chance of a statistic as far from 0 if both were equally good, two-sided, 0 to 1.
    """

    statistic: float
    p: float

    @property
    def outcome(self) -> Outcome:
        """What may be claimed of the first forecast."""
        if self.p >= SIGNIFICANCE:
            return "as good as"
        return "better than" if self.statistic < 0 else "worse than"

    def verdict(self, other: str = "repeating the last price") -> str:
        """In words."""
        return f"{self.outcome} {other} (p = {self.p:.3f})"


def compare(losses: Floats, others: Floats, ahead: int) -> Comparison:
    """Test whether two forecasts of the same days differ.

    Args:
        losses: Of the first forecast, float64 [N], in order of time.
        others: Of the second.
        ahead: How many days ahead they are, at least 1.

    Raises:
        ValueError: If there are fewer than 10 days, or the losses are not finite.
    """
    differences = losses - others
    count = len(differences)
    if count < max(_FEWEST, 2 * ahead):
        raise ValueError(f"{count} days are too few to compare forecasts {ahead} days ahead")
    if not np.isfinite(differences).all():
        raise ValueError("losses are not finite: take only days whose outcome is known")
    if not differences.any():
        return Comparison(0.0, 1.0)
    variance = _long_run_variance(differences, max(ahead - 1, _lags(count)))
    small = (count + 1 - 2 * ahead + ahead * (ahead - 1) / count) / count
    statistic = float(differences.mean() / np.sqrt(variance / count) * np.sqrt(small))
    return Comparison(statistic, _two_sided(statistic, count - 1))


def _two_sided(statistic: float, degrees: int) -> float:
    """How probable a value as far from 0 is under Student's t, by Wallace's normal deviate (1959).

    It is within 0.001 of the exact one from 9 degrees of freedom on, and needs no library.
    """
    deviate = math.sqrt(degrees * math.log1p(statistic**2 / degrees))
    deviate *= (8 * degrees + 1) / (8 * degrees + 3)
    return math.erfc(deviate / math.sqrt(2))


def _lags(count: int) -> int:
    """How far correlation is looked for: the rule of Newey and West (1994) for Bartlett weights."""
    return int(4 * (count / 100) ** (2 / 9))


def _long_run_variance(values: Floats, lags: int) -> float:
    """With Bartlett weights, which keep it above 0."""
    centred = values - values.mean()
    count = len(values)
    total = float(centred @ centred) / count
    for lag in range(1, lags + 1):
        weight = 1 - lag / (lags + 1)
        total += 2 * weight * float(centred[lag:] @ centred[:-lag]) / count
    return total
