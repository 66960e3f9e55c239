"""What a forecast has to be better than, with no library at all: the last price, and drift."""

import numpy as np

from fourcast_models.sequence.codec import QUANTILES
from fourcast_models.sequence.forecasts import Floats, Forecasts, Places
from fourcast_models.sequence.model import Fitted, Model
from fourcast_models.sequence.series import Series

_RECENT = 30
"""Returns whose standard deviation is naive's volatility."""

FEWEST_DAYS = 2 * _RECENT + 2
"""The shortest past that `naive` and `drift` can be fitted to."""


def naive(horizon: int) -> Model:
    """The last price again; tomorrow moves as far as today.

    Its volatility is the standard deviation of the last 30 returns, and the quantiles of its prices
    are those of the past in that unit, wider with the root of the days.
    """
    return _last_price(horizon, has_drift=False)


def drift(horizon: int) -> Model:
    """The last price, moved each day by the mean log return of the past."""
    return _last_price(horizon, has_drift=True)


def _last_price(horizon: int, *, has_drift: bool) -> Model:
    def fit(past: Series, _seed: int) -> Fitted:
        returns = past.log_returns
        if len(past) < FEWEST_DAYS:
            raise ValueError(
                f"{past.name} has {len(past)} days, but quantiles of the past need at least "
                f"{FEWEST_DAYS}"
            )
        recent = _recent_volatility(past, np.arange(_RECENT, len(returns)))
        offsets = np.quantile(returns[_RECENT:] / recent, QUANTILES)
        step = returns.mean() if has_drift else 0.0
        days = np.arange(1, horizon + 1)

        def forecast(series: Series, origins: Places) -> Forecasts:
            volatility = np.repeat(_recent_volatility(series, origins)[:, None], horizon, axis=1)
            yesterday = np.abs(series.log_returns[origins - 1])
            return Forecasts(
                origins,
                fan_of(
                    series,
                    origins,
                    np.broadcast_to(step * days, volatility.shape),
                    volatility * np.sqrt(days),
                    offsets - offsets[len(offsets) // 2],
                ),
                volatility,
                np.repeat(yesterday[:, None], horizon, axis=1),
            )

        return forecast

    return fit


def fan_of(
    series: Series, origins: Places, moves: Floats, total: Floats, offsets: Floats
) -> Floats:
    """Quantiles of prices [N, H, Q] from log moves [N, H], their sizes [N, H] and offsets [Q]."""
    logs = moves[:, :, None] + total[:, :, None] * offsets
    prices: Floats = series.closes[origins][:, None, None] * np.exp(logs)
    return prices


def _recent_volatility(series: Series, origins: Places) -> Floats:
    """The root mean square of the returns of the last days up to each origin, [N]."""
    places = origins[:, None] - np.arange(1, _RECENT + 1)
    recent: Floats = np.sqrt((series.log_returns[places] ** 2).mean(axis=1))
    # After thirty days without a move nobody knows how far the next one goes.
    return np.maximum(recent, np.finfo(np.float64).tiny)
