"""Dropout: leave out neurons at random while training.

With the share p of neurons left out, as it is done today ("inverted"; Srivastava et al., 2014):

    training    a ← a m / (1 - p),   m_i = 0 with probability p, otherwise 1
    use         a ← a

The division keeps the mean, so nothing has to be changed when the network is used. Backward, the
same mask multiplies the derivatives.

The network is one hidden ReLU layer; the data are twenty noisy points of a sine, few enough to be
learnt by heart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from fourcast_training.lessons.presentation import Floats, Language, Lesson, Row, Table, Text

SHARES = (0.0, 0.2, 0.5, 0.9)
HIDDEN, SLOPE, RATE, STEPS, SEEDS = 100, 6.0, 0.0005, 6000, 3
TRAINING, NOISE = 20, 0.5
CURVE = np.linspace(-1, 1, 201)


def mask(rng: np.random.Generator, p: float, shape: tuple[int, ...]) -> Floats:
    """0 with probability p, otherwise 1 / (1 - p); p in [0, 1)."""
    return (rng.random(shape) >= p) / (1 - p)


def dropout(a: Floats, m: Floats) -> Floats:
    """The activations that are left, scaled up."""
    return a * m


def dropout_backward(delta: Floats, m: Floats) -> Floats:
    """The derivative by a of what follows, from the derivative by the masked a."""
    return delta * m


def sine(count: int, seed: int) -> tuple[Floats, Floats]:
    """Evenly spaced x [count, 1] in [-1, 1] and sin(πx) with noise, [count]."""
    rng = np.random.default_rng([seed, count])
    x = np.linspace(-1, 1, count)[:, None]
    return x, np.sin(np.pi * x[:, 0]) + NOISE * rng.standard_normal(count)


@dataclass(frozen=True)
class Net:
    """y = w2·relu(w1 x + b1) + b2, with w1, b1, w2 [h] and b2 [1]."""

    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats

    def answer(self, x: Floats) -> Floats:
        """Without dropout, at x [N, 1]."""
        return np.maximum(x * self.w1 + self.b1, 0) @ self.w2 + self.b2


def initial_net(seed: int) -> Net:
    """Bends all over [-1, 1], and He's scale for the output."""
    rng = np.random.default_rng(seed)
    w1 = rng.choice([-SLOPE, SLOPE], HIDDEN)
    return Net(
        w1,
        rng.uniform(-SLOPE, SLOPE, HIDDEN),
        rng.normal(0, np.sqrt(2 / HIDDEN), HIDDEN),
        np.zeros(1),
    )


def gradient(net: Net, x: Floats, t: Floats, m: Floats) -> Net:
    """Of the mean squared error on x [N, 1], t [N] under the mask m [N, h]."""
    z = x * net.w1 + net.b1
    a = dropout(np.maximum(z, 0), m)
    delta = 2 / len(t) * (a @ net.w2 + net.b2 - t)
    delta_z = dropout_backward(np.outer(delta, net.w2), m) * (z > 0)
    return Net((delta_z * x).sum(axis=0), delta_z.sum(axis=0), delta @ a, np.array([delta.sum()]))


def gradient_in_torch(net: Net, x: Floats, t: Floats, m: Floats) -> Net:
    """The same by autograd, with the same mask."""
    parts = [torch.from_numpy(p).requires_grad_() for p in (net.w1, net.b1, net.w2, net.b2)]
    w1, b1, w2, b2 = parts
    a = torch.relu(torch.from_numpy(x) * w1 + b1) * torch.from_numpy(m)
    loss = nn.functional.mse_loss(a @ w2 + b2, torch.from_numpy(t))
    return Net(*(g.numpy() for g in torch.autograd.grad(loss, parts)))


@cache
def train(p: float, seed: int) -> Net:
    """Gradient descent with momentum 0.9 and a new mask in each step."""
    x, t = sine(TRAINING, seed)
    rng = np.random.default_rng([seed, 1])
    net = initial_net(seed)
    parts = [net.w1, net.b1, net.w2, net.b2]
    velocities = [np.zeros_like(part) for part in parts]
    for _ in range(STEPS):
        slopes = gradient(Net(*parts), x, t, mask(rng, p, (TRAINING, HIDDEN)))
        for i, slope in enumerate((slopes.w1, slopes.b1, slopes.w2, slopes.b2)):
            velocities[i] = 0.9 * velocities[i] - RATE * slope
            parts[i] = parts[i] + velocities[i]
    return Net(*parts)


def errors(p: float) -> tuple[float, float]:
    """Mean squared error on the twenty points and against the true sine, mean over seeds."""
    on_training, on_curve = [], []
    for seed in range(SEEDS):
        net, (x, t) = train(p, seed), sine(TRAINING, seed)
        on_training.append(np.mean((net.answer(x) - t) ** 2))
        on_curve.append(np.mean((net.answer(CURVE[:, None]) - np.sin(np.pi * CURVE)) ** 2))
    return float(np.mean(on_training)), float(np.mean(on_curve))


def rows() -> Sequence[Row]:
    """That the mean is kept, and a gradient under a mask, beside torch's."""
    rng = np.random.default_rng(0)
    ones = np.ones(1_000_000)
    found = []
    for p in (0.2, 0.5):
        torch.manual_seed(0)
        ours = dropout(ones, mask(rng, p, ones.shape))
        theirs = nn.functional.dropout(torch.from_numpy(ones), p)
        found.append(Row(_MEAN[p], "", float(ours.mean()), theirs.mean().item()))
    x, t = sine(TRAINING, 0)
    net, m = initial_net(0), mask(rng, 0.5, (TRAINING, HIDDEN))
    ours_at, theirs_at = gradient(net, x, t, m), gradient_in_torch(net, x, t, m)
    for name in ("w1", "w2"):
        a, b = (float(np.linalg.norm(getattr(g, name))) for g in (ours_at, theirs_at))
        found.append(Row(f"‖∂E/∂{name}‖, p = 0.5", "", a, b))
    return found


def tables() -> Sequence[Table]:
    """The errors by share."""
    measured = {p: errors(p) for p in SHARES}
    return (
        Table(
            Text(
                en=f"Mean squared error, {HIDDEN} hidden neurons, {TRAINING} points, mean of "
                f"{SEEDS} seeds",
                es=f"Error cuadrático medio, {HIDDEN} neuronas ocultas, {TRAINING} puntos, media "
                f"de {SEEDS} semillas",
            ),
            (
                "p",
                Text(en="on the noisy points", es="en los puntos con ruido"),
                Text(en="from the true sine", es="respecto al seno verdadero"),
            ),
            [(f"{p:g}", f"{a:.3f}", f"{b:.3f}") for p, (a, b) in measured.items()],
        ),
    )


def draw(figure: Figure, language: Language) -> None:
    """What each share learns from the same twenty points."""
    x, t = sine(TRAINING, 0)
    for axes, p in zip(figure.subplots(1, len(SHARES), sharey=True), SHARES, strict=True):
        axes.plot(CURVE, np.sin(np.pi * CURVE), color="0.7", lw=3, label=_TRUE[language])
        axes.plot(CURVE, train(p, 0).answer(CURVE[:, None]), color="tab:blue", label=_NET[language])
        axes.plot(x[:, 0], t, "o", ms=4, color="tab:red", label=_POINTS[language])
        axes.set(title=f"p = {p:g}", xlabel="x", ylim=(-2, 2))
    axes.legend(fontsize=8)


_MEAN = {
    0.2: Text(en="mean of a million ones, p = 0.2", es="media de un millón de unos, p = 0.2"),
    0.5: Text(en="mean of a million ones, p = 0.5", es="media de un millón de unos, p = 0.5"),
}
_TRUE = Text(en="true sine", es="seno verdadero")
_NET = Text(en="network", es="red")
_POINTS = Text(en="training points", es="puntos de entrenamiento")

LESSON = Lesson(
    title=Text(en="Dropout: train with neurons left out", es="Dropout: entrenar apagando neuronas"),
    explanation=Text(
        en="""
In each training step every hidden neuron is left out with probability p, and those that stay are
scaled by 1 / (1 - p), which keeps the mean. No neuron can count on another one being there, so the
network cannot learn single points by heart so easily. When it is used, all neurons take part.

The slides say that little dropout may overfit and much may underfit. Measured: without it the
network follows the noise of its twenty points; with 0.2 it is nearest to the sine; with 0.9 it is
too stiff for it.
""",
        es="""
En cada paso de entrenamiento cada neurona oculta se apaga con probabilidad p, y las que quedan se
multiplican por 1 / (1 - p), lo que conserva la media. Ninguna neurona puede contar con que otra
esté, y así a la red le cuesta más aprender puntos sueltos de memoria. Cuando se usa participan
todas.

Las diapositivas dicen que con poco dropout se puede sobreajustar y con mucho subajustar. Medido:
sin él la red sigue el ruido de sus veinte puntos; con 0.2 es la más cercana al seno; con 0.9 es
demasiado rígida para él.
""",
    ),
    source="Machine learning y deep learning (001)",
    rows=rows,
    tables=tables,
    draw=draw,
    size=(14, 3.8),
)
