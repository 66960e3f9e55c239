"""Series whose truth is known: what a forecast can find in them, and what it cannot.

They are the offline default, and the controls: on a random walk nobody can be better than the last
price, and on an autoregression everybody should be.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from fourcast_models.sequence.series import Series

Process = Literal["random_walk", "autoregression", "garch", "seasonal"]

FIRST_DAY = np.datetime64("2015-01-01")
_FIRST_PRICE = 100.0
_DAILY = 0.03
"""Standard deviation of the daily log returns, about that of Bitcoin."""

AUTOREGRESSION = 0.5
"""What tomorrow's return keeps of today's."""

GARCH_ALPHA, GARCH_BETA, GARCH_DEGREES = 0.09, 0.89, 5.0
"""GARCH(1, 1) (Bollerslev, 1986) with standardised t errors of that many degrees of freedom."""

SEASON_DAYS = 7
SEASON_SHARE = 0.7
"""Of the daily standard deviation: the amplitude of a weekly sine in the returns."""

_BURN_IN = 200


def generate(process: Process, days: int, seed: int) -> Series:
    """A series of this many days.

    Args:
        process: `random_walk`: independent normal log returns. `autoregression`: AR(1) log returns.
            `garch`: returns that nobody can predict with a volatility that one can. `seasonal`: a
            weekly sine in the returns.
        days: At least 2.
        seed: The same seed gives the same series.

    Raises:
        ValueError: If the days are fewer.
    """
    if days < 2:
        raise ValueError(f"a series of {days} days is asked for: it must have at least 2")
    generator = np.random.default_rng([seed, *process.encode()])
    returns = _returns(process, days - 1, generator)
    logs = np.concatenate([[0.0], np.cumsum(returns)])
    return Series(f"{process}-{seed}", FIRST_DAY + np.arange(days), _FIRST_PRICE * np.exp(logs))


def _returns(
    process: Process, days: int, generator: np.random.Generator
) -> npt.NDArray[np.float64]:
    shocks = generator.standard_normal(days + _BURN_IN)
    if process == "random_walk":
        return _DAILY * shocks[_BURN_IN:]
    if process == "seasonal":
        phase = 2 * np.pi * np.arange(days) / SEASON_DAYS
        return _DAILY * (SEASON_SHARE * np.sin(phase) + shocks[_BURN_IN:])
    if process == "autoregression":
        returns = np.empty_like(shocks)
        last = 0.0
        for day, shock in enumerate(shocks):
            last = AUTOREGRESSION * last + np.sqrt(1 - AUTOREGRESSION**2) * shock
            returns[day] = last
        return _DAILY * returns[_BURN_IN:]
    errors = generator.standard_t(GARCH_DEGREES, days + _BURN_IN)
    errors /= np.sqrt(GARCH_DEGREES / (GARCH_DEGREES - 2))
    returns = np.empty_like(errors)
    variance = 1.0
    for day, error in enumerate(errors):
        returns[day] = np.sqrt(variance) * error
        variance = (
            (1 - GARCH_ALPHA - GARCH_BETA) + GARCH_ALPHA * returns[day] ** 2 + GARCH_BETA * variance
        )
    return _DAILY * returns[_BURN_IN:]
