"""Back-propagation: a network of two inputs, two hidden and two output neurons, by hand.

"Fundamentos de Deep Learning" takes the example from M. Mazur, "A step by step backpropagation
example" (2015), with half the squared error and sigmoid neurons f:

    h = f(W1 i + b1),  o = f(W2 h + b2),  E = ½ Σ (t - o)²
    δo = (o - t) o (1 - o),      ∂E/∂W2 = δo hᵀ
    δh = (W2ᵀ δo) h (1 - h),     ∂E/∂W1 = δh iᵀ

The biases stay as they are. w1 to w4 are W1 by rows, w5 to w8 are W2 by rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch.nn import functional

from fourcast_training.lessons.presentation import Floats, Language, Lesson, Row, Table, Text

INPUTS = np.array([0.05, 0.10])
TARGETS = np.array([0.01, 0.99])
B1, B2 = 0.35, 0.60
RATE = 0.5
STEPS = 10_000


@dataclass(frozen=True)
class Weights:
    """W1 [2, 2] from inputs to hidden neurons, W2 [2, 2] from hidden to output neurons."""

    w1: Floats
    w2: Floats


START = Weights(np.array([[0.15, 0.20], [0.25, 0.30]]), np.array([[0.40, 0.45], [0.50, 0.55]]))


def sigmoid(z: Floats) -> Floats:
    """f(z) = 1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


def forward(weights: Weights) -> tuple[Floats, Floats]:
    """Hidden and output activations, [2] each."""
    h = sigmoid(weights.w1 @ INPUTS + B1)
    o = sigmoid(weights.w2 @ h + B2)
    return h, o


def error(weights: Weights) -> float:
    """E = ½ Σ (t - o)²."""
    _, o = forward(weights)
    return float(0.5 * np.sum((TARGETS - o) ** 2))


def gradient(weights: Weights) -> Weights:
    """∂E/∂W1 and ∂E/∂W2, by the chain rule from the output back."""
    h, o = forward(weights)
    delta_o = (o - TARGETS) * o * (1 - o)
    delta_h = (weights.w2.T @ delta_o) * h * (1 - h)
    return Weights(np.outer(delta_h, INPUTS), np.outer(delta_o, h))


def step(weights: Weights) -> Weights:
    """One step of gradient descent."""
    g = gradient(weights)
    return Weights(weights.w1 - RATE * g.w1, weights.w2 - RATE * g.w2)


def step_too_late(weights: Weights) -> Weights:
    """The common mistake: the hidden deltas are taken through the new W2, not the old one."""
    h, o = forward(weights)
    delta_o = (o - TARGETS) * o * (1 - o)
    w2 = weights.w2 - RATE * np.outer(delta_o, h)
    delta_h = (w2.T @ delta_o) * h * (1 - h)
    return Weights(weights.w1 - RATE * np.outer(delta_h, INPUTS), w2)


def train(weights: Weights, steps: int) -> tuple[Weights, list[float]]:
    """The weights after so many steps, and the error before each step and at the end."""
    errors = [error(weights)]
    for _ in range(steps):
        weights = step(weights)
        errors.append(error(weights))
    return weights, errors


@cache
def training() -> tuple[Weights, list[float]]:
    """The slides' ten thousand steps."""
    return train(START, STEPS)


@dataclass(frozen=True)
class TorchStep:
    """What torch says of the same network: before a step, and after one and all steps."""

    h: Floats
    o: Floats
    error: float
    gradient: Weights
    first: Weights
    first_error: float
    last_error: float


def train_in_torch(steps: int) -> TorchStep:
    """The same training by torch's autograd and its SGD, in float64."""
    inputs, targets = torch.from_numpy(INPUTS), torch.from_numpy(TARGETS)
    w1 = torch.from_numpy(START.w1.copy()).requires_grad_()
    w2 = torch.from_numpy(START.w2.copy()).requires_grad_()
    optimizer = torch.optim.SGD([w1, w2], lr=RATE)
    errors, seen = [], []
    for k in range(steps + 1):
        h = torch.sigmoid(w1 @ inputs + B1)
        o = torch.sigmoid(w2 @ h + B2)
        loss = 0.5 * functional.mse_loss(o, targets, reduction="sum")
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        errors.append(loss.item())
        if k < 2:
            now = Weights(w1.detach().numpy().copy(), w2.detach().numpy().copy())
            assert w1.grad is not None
            assert w2.grad is not None
            slopes = Weights(w1.grad.numpy().copy(), w2.grad.numpy().copy())
            seen.append((h.detach().numpy(), o.detach().numpy(), slopes, now))
        optimizer.step()
    h0, o0, gradient0, _ = seen[0]
    return TorchStep(h0, o0, errors[0], gradient0, seen[1][3], errors[1], errors[-1])


def rows() -> Sequence[Row]:
    """The numbers of the slides, and those of the source that the slides name."""
    h, o = forward(START)
    first = step(START)
    _, errors = training()
    twin = train_in_torch(STEPS)
    halves, twin_halves = (0.5 * (TARGETS - x) ** 2 for x in (o, twin.o))
    found = [
        Row("h1", "0.593269992", h[0], twin.h[0]),
        Row("h2", "0.5958843378", h[1], twin.h[1], _LOST),
        Row("o1", "0.75136507", o[0], twin.o[0]),
        Row("o2", "0.72928465", o[1], twin.o[1], _LOST),
        Row("E(o1)", "0.27481083", halves[0], twin_halves[0], _LOST),
        Row("E(o2)", "0.02356026", halves[1], twin_halves[1], _LOST),
        Row("E", "0.29837109", float(halves.sum()), twin.error, _LOST),
        Row("∂E/∂w5", "0.08216704", gradient(START).w2[0, 0], twin.gradient.w2[0, 0]),
    ]
    printed = [
        *("0.14978072", "0.19956143", "0.24975114", "0.29950229"),
        *("0.35891648", "0.40866619", "0.51130127", "0.56137012"),
    ]
    ours = np.concatenate([first.w1.ravel(), first.w2.ravel()])
    theirs = np.concatenate([twin.first.w1.ravel(), twin.first.w2.ravel()])
    for i, slide in enumerate(printed):
        found.append(Row(f"w{i + 1}⁺", slide, ours[i], theirs[i]))
    found.append(Row(_AFTER_ONE, "0.291027924", errors[1], twin.first_error, _MIXED))
    found.append(Row(_TOO_LATE, "", error(step_too_late(START))))
    found.append(Row(_AFTER_ALL, "", errors[-1], twin.last_error))
    return found


def tables() -> Sequence[Table]:
    """What the trained network answers."""
    weights, _ = training()
    _, o = forward(weights)
    return (
        Table(
            Text(en="Outputs after 10,000 steps", es="Salidas tras 10 000 pasos"),
            (
                Text(en="neuron", es="neurona"),
                Text(en="target", es="objetivo"),
                Text(en="output", es="salida"),
            ),
            [(f"o{i + 1}", f"{TARGETS[i]:g}", f"{o[i]:.6f}") for i in range(2)],
        ),
    )


def draw(figure: Figure, language: Language) -> None:
    """The network with its numbers, and the error over the steps."""
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_network(left)
    left.set_title(_NETWORK[language])
    _, errors = training()
    right.loglog(range(1, len(errors) + 1), errors)
    right.set(title=_ERRORS[language], xlabel=_STEP[language], ylabel="E")
    right.grid(alpha=0.3)


def _draw_network(axes: Axes) -> None:
    h, o = forward(START)
    slopes = gradient(START)
    layers = [
        [("i1", INPUTS[0]), ("i2", INPUTS[1])],
        [("h1", h[0]), ("h2", h[1])],
        [("o1", o[0]), ("o2", o[1])],
    ]
    for x, weight, slope, first in ((0, START.w1, slopes.w1, 1), (1, START.w2, slopes.w2, 5)):
        for to in range(2):
            for source in range(2):
                axes.plot([x, x + 1], [-source, -to], color="0.7", lw=1.5, zorder=1)
                # Labels stand near the right end, where the lines of a pair are apart.
                share = 0.3 if to == source else 0.72
                place = (x + share, -source + share * (source - to))
                name = f"w{first + 2 * to + source} = {weight[to, source]:.2f}"
                text = f"{name}\n∂E {slope[to, source]:+.5f}"
                box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
                axes.text(*place, text, ha="center", va="center", fontsize=8, bbox=box)
    for x, layer in enumerate(layers):
        for y, (name, value) in enumerate(layer):
            axes.plot(x, -y, "o", ms=44, color="tab:blue" if x < 2 else "tab:orange", zorder=2)
            axes.text(x, -y, f"{name}\n{value:.4f}", ha="center", va="center", color="w", zorder=3)
    axes.set(xlim=(-0.25, 2.25), ylim=(-1.35, 0.35))
    axes.axis("off")


_LOST = Text(
    en="Digits were lost or changed where the slide was scanned.",
    es="Al escanear la diapositiva se perdieron o cambiaron cifras.",
)
_MIXED = Text(
    en="The source took the hidden deltas through the new W2.",
    es="La fuente tomó los deltas ocultos a través de la nueva W2.",
)
_AFTER_ONE = Text(en="E after one step", es="E tras un paso")
_TOO_LATE = Text(
    en="E, hidden deltas after the update of W2", es="E, deltas ocultos tras actualizar W2"
)
_AFTER_ALL = Text(en="E after 10,000 steps", es="E tras 10 000 pasos")
_NETWORK = Text(
    en="activations, weights and the error's slopes before the first step",
    es="activaciones, pesos y pendientes del error antes del primer paso",
)
_ERRORS = Text(en="error while training", es="error durante el entrenamiento")
_STEP = Text(en="step", es="paso")

LESSON = Lesson(
    title=Text(
        en="Back-propagation: the 2-2-2 network by hand",
        es="Retropropagación: la red 2-2-2 a mano",
    ),
    explanation=Text(
        en="""
Forward, each neuron adds its weighted inputs and its bias and applies the sigmoid. Backward, the
chain rule goes the same way in reverse: the error's slope at an output neuron is its delta, a
hidden neuron's delta collects those behind it through the same weights, and a weight's slope is the
delta at its end times the activation at its start. Then every weight steps against its slope.

All slopes belong to one set of weights. Whoever updates W2 first and then takes the hidden deltas
through the new W2 gets an error that differs in the seventh digit: small here, and wrong.
""",
        es="""
Hacia delante, cada neurona suma sus entradas ponderadas y su sesgo y aplica la sigmoide. Hacia
atrás, la regla de la cadena recorre lo mismo al revés: la pendiente del error en una neurona de
salida es su delta, el delta de una neurona oculta recoge los que hay detrás a través de los mismos
pesos, y la pendiente de un peso es el delta en su final por la activación en su comienzo. Después
cada peso da un paso contra su pendiente.

Todas las pendientes corresponden a un mismo juego de pesos. Quien actualiza primero W2 y luego toma
los deltas ocultos a través de la nueva W2 obtiene un error que difiere en la séptima cifra: aquí es
poco, y está mal.
""",
    ),
    source="Fundamentos de Deep Learning (004); from ∂E/∂w5 on, M. Mazur (2015), which it names",
    rows=rows,
    tables=tables,
    remarks=(
        Text(
            en="The slide writes the second target as 0.9; its own E(o2) needs 0.99.",
            es="La diapositiva escribe 0.9 como segundo objetivo; su propio E(o2) necesita 0.99.",
        ),
    ),
    draw=draw,
    size=(13, 4.8),
)
