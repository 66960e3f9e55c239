"""Whether a forecast knows anything of what came after it.

The closes after a day are replaced by others. Whatever was forecast up to that day must not change:
if it does, the future got in, by a scaler, by a shifted target, or by any other way.
"""

from collections.abc import Callable

import numpy as np

from fourcast_models.sequence.model import Model
from fourcast_models.sequence.series import Series
from fourcast_training.sequence.walk_forward import ProtocolConfig, walk_forward

_SHARES = (0.3, 0.7)
"""Of the test days, after which the closes are replaced."""

_LEAST_CHANGE = 1e-9
"""Relative; a forecast that changes less is the same."""


class LeakError(AssertionError):
    """A model used what it could not have known; the text says from when on."""


def check_no_leak(
    prepare: Callable[[Series], Model], series: Series, config: ProtocolConfig, seed: int
) -> None:
    """Walk forward through a series and through the same one with another future.

    Args:
        prepare: All that is done before the test, given the whole series: an honest one ignores it.
        series: To forecast.
        config: Of the test.
        seed: Of the fits.

    Raises:
        LeakError: If a forecast made before the two part is not the same.
    """
    expected = walk_forward(prepare(series), series, config, seed)
    for share in _SHARES:
        last = int(expected.origins[int(share * len(expected))])
        other = _with_another_future(series, last)
        actual = walk_forward(prepare(other), other, config, seed)
        before = expected.origins <= last
        for name in ("prices", "volatility", "magnitude"):
            old, new = getattr(expected, name)[before], getattr(actual, name)[before]
            changed = ~np.isclose(old, new, rtol=_LEAST_CHANGE, atol=0).reshape(len(old), -1)
            if changed.any():
                first = int(np.flatnonzero(changed.any(axis=1))[0])
                raise LeakError(
                    f"the {name} forecast on {series.days[expected.origins[first]]} changed when "
                    f"only closes after {series.days[last]} were changed: it knew of the future"
                )


def _with_another_future(series: Series, last: int) -> Series:
    """The same up to a day, much wilder and on another path afterwards."""
    closes = series.closes.copy()
    generator = np.random.default_rng(last)
    closes[last + 1 :] = closes[last] * np.exp(
        np.cumsum(0.1 + 0.3 * generator.standard_normal(len(closes) - last - 1))
    )
    return Series(series.name, series.days, closes)
