"""A recurrent network and back-propagation through time, with the terms that the slide drops.

    h_t = tanh(W_hx x_t + W_hh h_{t-1} + b_h),   y_t = W_hy h_t + b_y,   L = Σ ½ ‖y_t - target_t‖²

h_t depends on W_hx twice: directly, and through h_{t-1}. The slide's derivative,

    ∂L/∂W_hx = Σ_t ∂L/∂y_t ∂y_t/∂h_t ∂h_t/∂W_hx,

has only the direct way if ∂h_t/∂W_hx is read as the derivative of one layer. The whole one sums
over all earlier times k as well:

    ∂L/∂W_hx = Σ_t Σ_{k≤t} ∂L_t/∂y_t ∂y_t/∂h_t (Π_{j=k+1..t} ∂h_j/∂h_{j-1}) ∂⁺h_k/∂W_hx

Back-propagation through time computes it in one pass from the last time to the first:

    δ_t = (1 - h_t²) ∘ (W_hyᵀ (y_t - target_t) + W_hhᵀ δ_{t+1})
    ∂L/∂W_hx = Σ δ_t x_tᵀ,   ∂L/∂W_hh = Σ δ_t h_{t-1}ᵀ,   ∂L/∂b_h = Σ δ_t
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from fourcast_training.lessons.presentation import Floats, Language, Lesson, Row, Table, Text

INPUTS, HIDDEN, OUTPUTS, TIMES = 2, 4, 1, 12
LONG, LAGS = 60, 40
RADII = (0.5, 0.9, 1.0, 1.2)
"""Spectral radii of W_hh: what a step back stretches by in the long run, before tanh."""


@dataclass(frozen=True)
class Rnn:
    """W_hx [H, I], W_hh [H, H], b_h [H], W_hy [O, H], b_y [O]."""

    w_hx: Floats
    w_hh: Floats
    b_h: Floats
    w_hy: Floats
    b_y: Floats


def example(
    radius: float, times: int = TIMES, hidden: int = HIDDEN, scale: float = 0.5, seed: int = 0
) -> tuple[Rnn, Floats, Floats]:
    """A network, inputs [T, I] and targets [T, O]."""
    rng = np.random.default_rng(seed)
    w_hh = rng.standard_normal((hidden, hidden))
    w_hh *= radius / np.abs(np.linalg.eigvals(w_hh)).max()
    rnn = Rnn(
        w_hx=scale * rng.standard_normal((hidden, INPUTS)),
        w_hh=w_hh,
        b_h=0.1 * scale * rng.standard_normal(hidden),
        w_hy=rng.standard_normal((OUTPUTS, hidden)),
        b_y=np.zeros(OUTPUTS),
    )
    return rnn, rng.standard_normal((times, INPUTS)), rng.standard_normal((times, OUTPUTS))


def forward(rnn: Rnn, x: Floats) -> tuple[Floats, Floats]:
    """States h [T + 1, H], of which h[0] = 0 comes before the first input, and y [T, O]."""
    h = np.zeros((len(x) + 1, len(rnn.b_h)))
    for t in range(len(x)):
        h[t + 1] = np.tanh(rnn.w_hx @ x[t] + rnn.w_hh @ h[t] + rnn.b_h)
    return h, h[1:] @ rnn.w_hy.T + rnn.b_y


def loss(rnn: Rnn, x: Floats, target: Floats) -> float:
    """L = Σ ½ ‖y_t - target_t‖²."""
    _, y = forward(rnn, x)
    return float(0.5 * np.sum((y - target) ** 2))


def gradient(rnn: Rnn, x: Floats, target: Floats) -> Rnn:
    """Back-propagation through time, from the last time to the first."""
    h, y = forward(rnn, x)
    error = y - target
    delta = np.zeros((len(x) + 1, len(rnn.b_h)))  # delta[T] = 0: nothing comes after the end
    for t in range(len(x) - 1, -1, -1):
        later = rnn.w_hh.T @ delta[t + 1]
        delta[t] = (1 - h[t + 1] ** 2) * (rnn.w_hy.T @ error[t] + later)
    delta = delta[:-1]
    return Rnn(delta.T @ x, delta.T @ h[:-1], delta.sum(axis=0), error.T @ h[1:], error.sum(axis=0))


def slide_gradient(rnn: Rnn, x: Floats, target: Floats) -> Rnn:
    """The slide's sum: no term comes from a later time."""
    h, y = forward(rnn, x)
    error = y - target
    delta = (1 - h[1:] ** 2) * (error @ rnn.w_hy)
    return Rnn(delta.T @ x, delta.T @ h[:-1], delta.sum(axis=0), error.T @ h[1:], error.sum(axis=0))


def gradient_in_torch(rnn: Rnn, x: Floats, target: Floats) -> Rnn:
    """By torch's own recurrent layer and autograd."""
    layer = nn.RNN(INPUTS, len(rnn.b_h), dtype=torch.float64)
    w_hx, w_hh, b_h, second_bias = layer.parameters()
    w_hx.data, w_hh.data = torch.from_numpy(rnn.w_hx), torch.from_numpy(rnn.w_hh)
    b_h.data = torch.from_numpy(rnn.b_h)
    second_bias.data.zero_()
    w_hy, b_y = (torch.from_numpy(w).requires_grad_() for w in (rnn.w_hy, rnn.b_y))
    h, _ = layer(torch.from_numpy(x))
    total = 0.5 * ((h @ w_hy.T + b_y - torch.from_numpy(target)) ** 2).sum()
    parts = (w_hx, w_hh, b_h, w_hy, b_y)
    return Rnn(*(g.numpy() for g in torch.autograd.grad(total, parts)))


def reach(rnn: Rnn, x: Floats, lags: int) -> Floats:
    """‖∂h_T / ∂h_{T-lag}‖ for lags 0 to `lags`: how much the end still depends on the past."""
    h, _ = forward(rnn, x)
    product = np.eye(len(rnn.b_h))
    norms = [float(np.linalg.norm(product, 2))]
    for t in range(len(x), len(x) - lags, -1):
        product = product @ ((1 - h[t] ** 2)[:, None] * rnn.w_hh)
        norms.append(float(np.linalg.norm(product, 2)))
    return np.array(norms)


def rows() -> Sequence[Row]:
    """Entries of the gradient, beside torch's."""
    rnn, x, target = example(0.9)
    ours, theirs = gradient(rnn, x, target), gradient_in_torch(rnn, x, target)
    return [
        Row("∂L/∂W_hx[1, 1]", "", ours.w_hx[0, 0], theirs.w_hx[0, 0]),
        Row("∂L/∂W_hh[1, 1]", "", ours.w_hh[0, 0], theirs.w_hh[0, 0]),
        Row("∂L/∂b_h[1]", "", ours.b_h[0], theirs.b_h[0]),
        Row("‖∂L/∂W_hx‖", "", _norm(ours.w_hx), _norm(theirs.w_hx)),
        Row("‖∂L/∂W_hh‖", "", _norm(ours.w_hh), _norm(theirs.w_hh)),
    ]


def tables() -> Sequence[Table]:
    """How far off the slide's gradient is, and how far the network remembers."""
    compared = []
    for radius in RADII:
        rnn, x, target = example(radius)
        whole, slide = gradient(rnn, x, target), slide_gradient(rnn, x, target)
        cosine = np.sum(whole.w_hx * slide.w_hx) / (_norm(whole.w_hx) * _norm(slide.w_hx))
        missing = _norm(whole.w_hx - slide.w_hx) / _norm(whole.w_hx)
        compared.append((f"{radius:g}", f"{missing:.0%}", f"{np.degrees(np.arccos(cosine)):.0f}°"))
    return (
        Table(
            Text(
                en="∂L/∂W_hx with the slide's terms alone",
                es="∂L/∂W_hx solo con los términos de la diapositiva",
            ),
            (
                _RADIUS,
                Text(en="missing part", es="parte que falta"),
                Text(en="angle to the gradient", es="ángulo con el gradiente"),
            ),
            compared,
        ),
    )


def draw(figure: Figure, language: Language) -> None:
    """The two gradients entry by entry, and how the memory fades or grows."""
    left, right = figure.subplots(1, 2)
    rnn, x, target = example(0.9)
    whole, slide = gradient(rnn, x, target), slide_gradient(rnn, x, target)
    places = np.arange(whole.w_hx.size)
    left.bar(places - 0.2, whole.w_hx.ravel(), 0.4, label=_WHOLE[language])
    left.bar(places + 0.2, slide.w_hx.ravel(), 0.4, label=_SLIDE[language])
    left.axhline(0, color="0.5", lw=0.8)
    left.set(title="∂L/∂W_hx", xlabel=_ENTRY[language])
    left.set_xticks(places, [f"{i + 1},{j + 1}" for i, j in np.ndindex(whole.w_hx.shape)])
    left.margins(y=0.25)
    left.legend(loc="lower right")
    for radius in RADII:
        # Small inputs, so that tanh is nearly straight and W_hh alone decides.
        rnn, x, _ = example(radius, LONG, hidden=32, scale=1e-6)
        right.semilogy(reach(rnn, x, LAGS), label=f"{radius:g}")
    right.set(title=_MEMORY[language], xlabel=_LAG[language], ylabel="‖∂h(T) / ∂h(T - k)‖")
    right.legend(title=_RADIUS[language])
    right.grid(alpha=0.3)


def _norm(array: Floats) -> float:
    return float(np.linalg.norm(array))


_RADIUS = Text(en="spectral radius of W_hh", es="radio espectral de W_hh")
_WHOLE = Text(en="all terms", es="todos los términos")
_SLIDE = Text(en="the slide's terms", es="los términos de la diapositiva")
_ENTRY = Text(en="entry of W_hx", es="entrada de W_hx")
_MEMORY = Text(
    en="what the last state still feels of an earlier one",
    es="lo que el último estado aún siente de uno anterior",
)
_LAG = Text(en="steps back k", es="pasos atrás k")

LESSON = Lesson(
    title=Text(
        en="Recurrent networks: back-propagation through time",
        es="Redes recurrentes: retropropagación en el tiempo",
    ),
    explanation=Text(
        en="""
A recurrent network uses the same weights at every time and hands its hidden state on. A weight
therefore acts on an output in many ways: at that time, and at every earlier time through the states
between. The gradient adds up all of them. Back-propagation through time does so in one pass from
the end to the beginning: each δ_t takes in what the later times send back through W_hh.

Each step back multiplies by W_hh and by the derivative of tanh. With a spectral radius below 1 what
is long past is forgotten, above 1 it may grow without bound: the vanishing and exploding gradients
for which LSTM and GRU were made.
""",
        es="""
Una red recurrente usa los mismos pesos en cada instante y pasa adelante su estado oculto. Un peso
actúa por eso sobre una salida de muchas maneras: en ese instante y, a través de los estados
intermedios, en cada instante anterior. El gradiente las suma todas. La retropropagación en el
tiempo lo hace en un recorrido desde el final hasta el principio: cada δ_t recoge lo que los
instantes posteriores devuelven a través de W_hh.

Cada paso atrás multiplica por W_hh y por la derivada de la tangente hiperbólica. Con un radio
espectral menor que 1 se olvida lo lejano, con uno mayor que 1 puede crecer sin límite: son los
gradientes que se desvanecen o explotan, para los que se crearon LSTM y GRU.
""",
    ),
    source="Machine learning y deep learning (001)",
    rows=rows,
    tables=tables,
    remarks=(
        Text(
            en="The slide's ∂L/∂W_hx = Σ_t ∂L/∂y_t ∂y_t/∂h_t ∂h_t/∂W_hx drops the ways through "
            "earlier states; right is a second sum over k ≤ t with Π ∂h_j/∂h_{j-1}.",
            es="La ∂L/∂W_hx = Σ_t ∂L/∂y_t ∂y_t/∂h_t ∂h_t/∂W_hx de la diapositiva omite los caminos "
            "por estados anteriores; lo correcto es otra suma sobre k ≤ t con Π ∂h_j/∂h_{j-1}.",
        ),
    ),
    draw=draw,
)
