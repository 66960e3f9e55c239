"""What a network has to be better than, by well-kept libraries: exponential smoothing and GARCH.

Those that need no library, the last price and drift, are in `fourcast_models`; HAR is in `net.py`,
because the networks begin with it.
"""

import warnings

import numpy as np
from arch import arch_model
from arch.univariate.base import ARCHModel
from scipy import stats
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from fourcast_models.sequence.baselines import drift, fan_of, naive
from fourcast_models.sequence.codec import QUANTILES
from fourcast_models.sequence.forecasts import Floats, Forecasts, Places
from fourcast_models.sequence.model import Fitted, Model
from fourcast_models.sequence.series import Series

_PER_CENT = 100.0
"""The optimisers work best on numbers around 1, so returns go in as per cent."""


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
                fan_of(
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
                fan_of(series, origins, moves, np.broadcast_to(total, moves.shape), offsets),
                volatility,
                mean_size * volatility,
            )

        return forecast

    return fit


BASELINES = {"naive": naive, "drift": drift, "ets": ets, "garch": garch}
"""By name, each a function of the horizon."""


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
