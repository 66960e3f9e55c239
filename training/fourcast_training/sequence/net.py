"""The forecasting network: raw closes in, quantiles of future prices and volatility out.

All scaling is in the graph. Log returns are taken in float64 from quotients of neighbouring closes,
so that neither a price of 1e-9 nor one of 1e9 loses a digit; divided by the unit, how far a usual
day of the series moves, they go into a small network in float32.

The network corrects what simple statistics say already, and begins at zero correction:

- The median of the price begins at the last close.
- Volatility begins at a heterogeneous autoregression (HAR; Corsi, 2009) on absolute returns of 1, 7
  and 30 days, with leverage (falls count apart) and the day of the week, fitted by least squares on
  the training part.
- The quantiles begin where they were in the training part, in units of that volatility.

So a network that finds nothing answers as HAR around the last price, and what it finds beyond can
be seen in the difference. `har` is exactly that: no network at all. And where the network's median
is not significantly better than the last price on the newest part of the past, `trust` is 0 and the
last price stays: it claims no more than it can show.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fourcast_models.sequence.codec import LONGEST_HORIZON, MEDIAN, QUANTILES, SHORTEST_WINDOW
from fourcast_training.sequence.cells import Gru, Lstm, Perceptron

WEEK = 7
LONG = 30
"""Returns in HAR's longer averages."""

_FEATURES = 4 + WEEK
_CHANNELS = 2
_CLIP = 8.0
"""Units; a larger return says no more to the network than this one."""

_LEAST = 0.1
"""Of the mean magnitude in training: HAR's sum may be as small as this, never smaller."""

_STEEPEST = 0.5
"""By which factor, as a logarithm, the network can change HAR's volatility."""


@dataclass(frozen=True)
class NetConfig:
    """The shape of a network."""

    cells: Literal["none", "mlp", "lstm", "gru"] = "lstm"
    """What reads the window; `none` is HAR alone."""

    window: int = SHORTEST_WINDOW
    """Closes that it reads, at least 31."""

    horizon: int = LONGEST_HORIZON
    """Days that it forecasts, 1 to 30."""

    hidden: int = 16
    """Size of the state."""

    layers: int = 1
    """Layers of LSTM cells."""

    dropout: float = 0.0
    """Share of the state that is left out in training; the course advises 0.2 to 0.5."""

    l1: float = 0.0
    """Of the absolute weights, added to the loss."""

    l2: float = 0.0
    """Of the squared weights, added to the loss."""


@dataclass(frozen=True)
class Outlook:
    """What the network says of the days 1 to H, in units of its scale.

    Attributes:
        returns: Quantiles of the log return from the last close to each day, [N, H, Q].
        volatility: Standard deviation of the log return of each single day, [N, H].
        magnitude: Mean of its absolute value, [N, H].
        magnitudes: Quantiles of its absolute value, [N, H, Q].
    """

    returns: Tensor
    volatility: Tensor
    magnitude: Tensor
    magnitudes: Tensor


class ForecastNet(nn.Module):
    """See the module. `calibrate` comes first, then training."""

    har: Tensor
    least: Tensor
    ratio: Tensor
    trust: Tensor

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        horizon, quantiles = config.horizon, len(QUANTILES)
        self.register_buffer("har", torch.zeros(_FEATURES, horizon))
        self.register_buffer("least", torch.ones(()))
        self.register_buffer("ratio", torch.ones(horizon))
        self.register_buffer("trust", torch.ones(horizon))
        self.spacing = nn.Parameter(torch.zeros(horizon, quantiles - 1))
        self.spread = nn.Parameter(torch.zeros(horizon, quantiles))
        self.reader = _reader(config)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.hidden + _CHANNELS, horizon * 3) if self.reader else None
        if self.head:
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)

    def forward(self, returns: Tensor, weekday: Tensor) -> Outlook:
        """Forecast in units.

        Args:
            returns: What `scaled_returns` gives, float32 [N, window - 1].
            weekday: Of the last close, int64 [N, 1].
        """
        base = self.base_magnitude(returns, weekday)
        shift = torch.zeros_like(base)
        volatility = base * self.ratio
        magnitude = base
        if self.reader is not None and self.head is not None:
            clipped = returns.clamp(-_CLIP, _CLIP)
            channels = torch.stack([clipped, torch.log1p(clipped.abs())], dim=2)
            # The newest step once more, past the reader: a deep one would learn it late.
            state = torch.cat([self.dropout(self.reader(channels)), channels[:, -1]], dim=1)
            shift, wider, larger = self.head(state).chunk(3, dim=1)
            volatility = volatility * torch.exp(_STEEPEST * torch.tanh(wider))
            magnitude = magnitude * torch.exp(_STEEPEST * torch.tanh(larger))
        total = torch.sqrt(torch.cumsum(volatility**2, dim=1))
        middle = (self.trust * shift * total)[:, :, None]
        steps = functional.softplus(self.spacing)
        below = -torch.cumsum(steps[:, :MEDIAN].flip(1), dim=1).flip(1)
        above = torch.cumsum(steps[:, MEDIAN:], dim=1)
        offsets = torch.cat([below, torch.zeros_like(steps[:, :1]), above], dim=1)
        sizes = torch.cumsum(functional.softplus(self.spread), dim=1)
        return Outlook(
            returns=middle + total[:, :, None] * offsets,
            volatility=volatility,
            magnitude=magnitude,
            magnitudes=magnitude[:, :, None] * sizes,
        )

    def base_magnitude(self, returns: Tensor, weekday: Tensor) -> Tensor:
        """HAR's forecast of the absolute returns in units, [N, H]."""
        return torch.clamp(har_features(returns, weekday) @ self.har, min=self.least)

    def penalty(self) -> Tensor:
        """What the weights cost, on top of the loss."""
        total = torch.zeros(())
        if self.reader is not None and (self.config.l1 or self.config.l2):
            for weight in self.reader.parameters():
                total = total + self.config.l1 * weight.abs().sum()
                total = total + self.config.l2 * weight.square().sum()
        return total

    @torch.no_grad()
    def calibrate(self, returns: Tensor, weekday: Tensor, targets: Tensor) -> None:
        """Fit HAR and the first quantiles; of the past only, so give nothing else.

        Args:
            returns: Of the windows to train on, in units, float32 [N, window - 1].
            weekday: Int64 [N, 1].
            targets: Log returns of the days after each window, in units, float32 [N, H].
        """
        self.fit_har(returns, weekday, targets)
        sizes = targets.abs()
        base = self.base_magnitude(returns, weekday)
        total = torch.sqrt(torch.cumsum((base * self.ratio) ** 2, dim=1))
        levels = torch.tensor(QUANTILES)
        offsets = torch.quantile(torch.cumsum(targets, dim=1) / total, levels, dim=0).T
        self.spacing.copy_(_softplus_inverse(offsets.diff(dim=1)))
        spread = torch.quantile(sizes / base, levels, dim=0).T
        first = torch.zeros_like(spread[:, :1])
        self.spread.copy_(_softplus_inverse(spread.diff(dim=1, prepend=first)))

    @torch.no_grad()
    def fit_har(self, returns: Tensor, weekday: Tensor, targets: Tensor) -> None:
        """Fit HAR alone; see `calibrate`."""
        sizes = targets.abs()
        features = har_features(returns, weekday).double()
        # The minimum-norm solution stands if a day of the week never occurs.
        solution = torch.linalg.lstsq(features, sizes.double(), driver="gelsd").solution
        self.har.copy_(solution.float())
        self.least.copy_(_LEAST * sizes.mean())
        base = self.base_magnitude(returns, weekday)
        self.ratio.copy_((targets / base).square().mean(dim=0).sqrt())


class ServedNet(nn.Module):
    """A trained network as it is exported: prices in, prices out, all float64."""

    last_day: Tensor

    def __init__(self, network: ForecastNet, trained_until: np.datetime64) -> None:
        super().__init__()
        self.network = network
        day = int(trained_until.astype("datetime64[D]").astype(np.int64))
        self.register_buffer("last_day", torch.tensor(day))

    def forward(self, close: Tensor, weekday: Tensor, unit: Tensor) -> tuple[Tensor, ...]:
        """See `codec.Tensors`: prices, volatility, magnitude, magnitudes, trained_until."""
        outlook: Outlook = self.network(scaled_returns(close, unit), weekday)
        wide = unit[:, :, None]
        return (
            close[:, -1:, None] * torch.exp(outlook.returns.double() * wide),
            outlook.volatility.double() * unit,
            outlook.magnitude.double() * unit,
            outlook.magnitudes.double() * wide,
            torch.zeros_like(weekday) + self.last_day,
        )


def scaled_returns(close: Tensor, unit: Tensor) -> Tensor:
    """Log returns in units, float32 [N, window - 1].

    Args:
        close: Float64 [N, window].
        unit: See `codec.units_at`; float64 [N, 1].
    """
    return (torch.log(close[:, 1:] / close[:, :-1]) / unit).float()


def har_features(returns: Tensor, weekday: Tensor) -> Tensor:
    """What HAR sums up: sizes of 1, 7 and 30 days, yesterday's fall, the day of the week.

    Args:
        returns: Float32 [N, at least 30].
        weekday: Int64 [N, 1].

    Returns:
        Float32 [N, 11].
    """
    sizes = returns.abs()
    days = torch.arange(WEEK, device=weekday.device)
    is_that_day = (weekday == days).float()
    # What is not known is equally each of them.
    each_day = torch.where(weekday < WEEK, is_that_day, torch.full_like(is_that_day, 1 / WEEK))
    return torch.cat(
        [
            sizes[:, -1:],
            sizes[:, -WEEK:].mean(dim=1, keepdim=True),
            sizes[:, -LONG:].mean(dim=1, keepdim=True),
            torch.relu(-returns[:, -1:]),
            each_day,
        ],
        dim=1,
    )


def loss_of(outlook: Outlook, targets: Tensor) -> Tensor:
    """What training makes small, a mean over samples, days and quantiles.

    The pinball loss of the quantiles (Koenker and Bassett, 1978), of returns relative to their
    volatility; QLIKE of the volatility (Patton, 2011); the squared error of the magnitude.

    Args:
        outlook: The forecast.
        targets: Log returns of the single days in units, float32 [N, H].
    """
    sizes = targets.abs()
    total = torch.sqrt(torch.cumsum(outlook.volatility.detach() ** 2, dim=1))[:, :, None]
    reached = torch.cumsum(targets, dim=1)[:, :, None]
    returns = _pinball((reached - outlook.returns) / total)
    qlike = (2 * outlook.volatility.log() + (targets / outlook.volatility) ** 2) / 2
    squared = (sizes - outlook.magnitude) ** 2
    magnitudes = _pinball(sizes[:, :, None] - outlook.magnitudes)
    return returns.mean() + qlike.mean() + squared.mean() + magnitudes.mean()


def _pinball(errors: Tensor) -> Tensor:
    levels = torch.tensor(QUANTILES, device=errors.device)
    return torch.maximum(levels * errors, (levels - 1) * errors)


def _reader(config: NetConfig) -> nn.Module | None:
    if config.cells == "mlp":
        return Perceptron(config.window - 1, _CHANNELS, config.hidden, config.dropout)
    if config.cells == "lstm":
        return Lstm(_CHANNELS, config.hidden, config.layers, config.dropout)
    if config.cells == "gru":
        return Gru(_CHANNELS, config.hidden)
    return None


def _softplus_inverse(values: Tensor) -> Tensor:
    """For positive values; those near 0 are lifted a little, so that it stays finite."""
    lifted = values.clamp(min=1e-4)
    return lifted + torch.log(-torch.expm1(-lifted))
