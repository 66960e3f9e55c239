"""What a network has to be better than: the last price, drift, exponential smoothing, GARCH.

HAR is in `net.py`, because the networks begin with it.
"""

import warnings

import numpy as np
from arch import arch_model
from arch.univariate.base import ARCHModel
from scipy import stats
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from fourcast_models.sequence.codec import QUANTILES
from fourcast_models.sequence.forecasts import Floats, Forecasts, Places
from fourcast_models.sequence.series import Series
from fourcast_training.sequence.model import Fitted, Model

_RECENT = 30
"""Returns whose standard deviation is naive's volatility."""

_PER_CENT = 100.0
"""The optimisers work best on numbers around 1, so returns go in as per cent."""


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
        if len(returns) <= 2 * _RECENT:
            raise ValueError(
                f"{past.name} has {len(past)} days, but quantiles of the past need more than "
                f"{2 * _RECENT + 1}"
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
                _fan(
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


def garch(horizon: int) -> Model:
    """GARCH(1, 1) with t errors around the last price (Bollerslev, 1987), by the package `arch`."""

    def fit(past: Series, _seed: int) -> Fitted:
        returns = past.log_returns * _PER_CENT
        fitted = _garch_of(returns).fit(disp="off", show_warning=False)
        degrees = float(fitted.params["nu"])
        # Of a t distribution with variance 1.
        shrink = np.sqrt((degrees - 2) / degrees)
        offsets = shrink * stats.t.ppf(QUANTILES, degrees)
        offsets[len(offsets) // 2] = 0.0
        mean_size = shrink * float(stats.t.expect(abs, (degrees,)))

        def forecast(series: Series, origins: Places) -> Forecasts:
            model = _garch_of(series.log_returns[: origins[-1]] * _PER_CENT)
            answer = model.fix(fitted.params).forecast(
                horizon=horizon, start=int(origins[0]) - 1, reindex=False
            )
            variance = np.asarray(answer.variance)[origins - origins[0]] / _PER_CENT**2
            volatility = np.sqrt(variance)
            return Forecasts(
                origins,
                _fan(
                    series,
                    origins,
                    np.zeros_like(volatility),
                    np.sqrt(np.cumsum(variance, axis=1)),
                    offsets,
                ),
                volatility,
                mean_size * volatility,
            )

        return forecast

    return fit


def ets(horizon: int) -> Model:
    """Exponential smoothing of log prices with a damped trend (Hyndman et al., 2008), ETS(A,Ad,N).

    Fitted by `statsmodels`; between two fits the states go on with the same parameters.
    """

    def fit(past: Series, _seed: int) -> Fitted:
        fitted = _smoother(past.closes).fit(disp=False)
        names = dict(zip(fitted.model.param_names, fitted.params, strict=True))
        level, trend = names["smoothing_level"], names["smoothing_trend"]
        damping = np.cumsum(names["damping_trend"] ** np.arange(1, horizon + 1))
        sigma = float(np.std(fitted.resid)) / _PER_CENT
        # Class 1 of Hyndman et al. (2008), table 6.1.
        weights = np.concatenate([[1.0], level + trend * damping[:-1]])
        total = sigma * np.sqrt(np.cumsum(weights**2))
        offsets = np.asarray(stats.norm.ppf(QUANTILES))
        mean_size = float(np.sqrt(2 / np.pi))

        def forecast(series: Series, origins: Places) -> Forecasts:
            states = _smoother(series.closes[: origins[-1] + 1]).smooth(fitted.params)
            levels = np.asarray(states.level)[origins, None]
            slopes = np.asarray(states.slope)[origins, None]
            ahead = (levels + slopes * damping) / _PER_CENT
            moves = ahead - np.log(series.closes[origins])[:, None]
            volatility = np.full_like(moves, sigma)
            return Forecasts(
                origins,
                _fan(series, origins, moves, np.broadcast_to(total, moves.shape), offsets),
                volatility,
                mean_size * volatility,
            )

        return forecast

    return fit


BASELINES = {"naive": naive, "drift": drift, "ets": ets, "garch": garch}
"""By name, each a function of the horizon."""


def _fan(series: Series, origins: Places, moves: Floats, total: Floats, offsets: Floats) -> Floats:
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


def _garch_of(returns: Floats) -> ARCHModel:
    return arch_model(returns, mean="Zero", vol="GARCH", p=1, q=1, dist="t", rescale=False)


def _smoother(closes: Floats) -> ETSModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ETSModel(
            np.log(closes) * _PER_CENT,
            error="add",
            trend="add",
            damped_trend=True,
            initialization_method="heuristic",
        )
