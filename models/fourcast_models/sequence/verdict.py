"""What may be claimed of a forecast, in words, on days that its training did not see.

A network that was tried on the days it learnt from looks better than it is. So only later days
count, where the dates are known; where they are not, the words say so.
"""

from dataclasses import dataclass

import numpy as np

from fourcast_models.sequence.forecasts import Forecasts
from fourcast_models.sequence.scores import outcomes, price_losses
from fourcast_models.sequence.series import Series
from fourcast_models.sequence.significance import Comparison, compare

FEWEST = 60
"""Days below which nothing is claimed."""


@dataclass(frozen=True)
class Verdict:
    """What was found at one distance.

    Attributes:
        ahead: How many days ahead.
        days: How many forecasts were compared with the last price.
        comparison: What the test says; None if the days are too few.
        are_unseen: Whether training saw none of those days; None if nobody knows.
        repeats: Whether the forecast was the last price itself on every day.
    """

    ahead: int
    days: int
    comparison: Comparison | None
    are_unseen: bool | None
    repeats: bool = False

    @property
    def text(self) -> str:
        """In words."""
        distance = "One day ahead" if self.ahead == 1 else f"{self.ahead} days ahead"
        days = f"{self.days} days" + (" after its training" if self.are_unseen else "")
        if self.comparison is None:
            return (
                f"{distance} nothing can be said beside repeating the last price: {days} have an "
                f"outcome, and {FEWEST} are needed."
            )
        found = f"{distance} it is {self.comparison.verdict()} on {days}"
        if self.repeats:
            found += ": it repeats it"
        if self.are_unseen is None:
            found += "; without dates nobody knows which of them its training saw"
        return f"{found}."


def judge(
    forecasts: Forecasts, series: Series, ahead: int, trained_until: np.datetime64 | None
) -> Verdict:
    """Compare the medians of a network with the last price.

    Args:
        forecasts: Of consecutive origins.
        series: What they were made from.
        ahead: How many days ahead.
        trained_until: The last day that its training saw; None if everything was learnt on the
            days before each forecast.
    """
    counts = np.isfinite(outcomes(forecasts, series)[:, ahead - 1])
    days = series.days[forecasts.origins]
    are_unseen: bool | None = True
    if trained_until is not None:
        are_unseen = None if np.isnat(days).any() else True
        if are_unseen:
            counts &= days >= trained_until
    chosen = forecasts.select(counts)
    if len(chosen) < max(FEWEST, 2 * ahead):
        return Verdict(ahead, len(chosen), None, are_unseen)
    last = series.closes[chosen.origins]
    # The median went through an exponential, so the last price comes back with a rounding.
    repeats = bool(np.allclose(chosen.medians[:, ahead - 1], last, rtol=1e-9, atol=0))
    if repeats:
        comparison = Comparison(0.0, 1.0)
    else:
        moves = np.abs(series.closes[chosen.origins + ahead] - last)
        comparison = compare(price_losses(chosen, series, ahead), moves, ahead)
    return Verdict(ahead, len(chosen), comparison, are_unseen, repeats)
