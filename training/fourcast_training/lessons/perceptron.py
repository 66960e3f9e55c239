"""The perceptron learns AND and OR, cannot learn XOR; one hidden layer can.

Rosenblatt's rule, as "Machine learning y deep learning" prints it, for one sample x with label d:

    y = 1 if w·x + b > 0, otherwise 0
    w ← w + η (d - y) x,   b ← b + η (d - y)

The multilayer perceptron has two tanh neurons between inputs and a sigmoid output and steps against
the gradient of the cross-entropy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from torch import nn

from fourcast_training.lessons.presentation import Floats, Language, Lesson, Row, Table, Text

INPUTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
GATES = {
    "AND": np.array([0.0, 0.0, 0.0, 1.0]),
    "OR": np.array([0.0, 1.0, 1.0, 1.0]),
    "XOR": np.array([0.0, 1.0, 1.0, 0.0]),
}
RATE, EPOCHS = 1.0, 1000
HIDDEN, MLP_SEED, MLP_RATE, MLP_STEPS = 2, 2, 0.5, 2000
MANY_SEEDS = 10


@dataclass(frozen=True)
class Perceptron:
    """Weights w [2] and bias b after training.

    Attributes:
        w: The weights.
        b: The bias.
        mistakes: In each epoch, how many of the four samples were answered wrong.
    """

    w: Floats
    b: float
    mistakes: list[int]

    def answer(self, x: Floats) -> Floats:
        """1 where w·x + b > 0, otherwise 0, for points [..., 2]."""
        return (x @ self.w + self.b > 0).astype(np.float64)


def learn(targets: Floats) -> Perceptron:
    """Rosenblatt's rule, sample by sample, until an epoch passes without a mistake."""
    w, b = np.zeros(2), 0.0
    mistakes = []
    for _ in range(EPOCHS):
        wrong = 0
        for x, d in zip(INPUTS, targets, strict=True):
            y = float(w @ x + b > 0)
            w = w + RATE * (d - y) * x
            b = b + RATE * (d - y)
            wrong += int(d != y)
        mistakes.append(wrong)
        if wrong == 0:
            break
    return Perceptron(w, b, mistakes)


@dataclass(frozen=True)
class Mlp:
    """W1 [2, 2], b1 [2], w2 [2], b2 [1], as they are trained."""

    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats

    def answer(self, x: Floats) -> Floats:
        """σ(w2·tanh(W1 x + b1) + b2) at points [..., 2]."""
        return 1 / (1 + np.exp(-(np.tanh(x @ self.w1.T + self.b1) @ self.w2 + self.b2)))


def cross_entropy(y: Floats, d: Floats) -> float:
    """The mean of -d ln y - (1 - d) ln(1 - y)."""
    return float(-np.mean(d * np.log(y) + (1 - d) * np.log(1 - y)))


def initial_mlp(hidden: int, seed: int) -> Mlp:
    """Normal weights, no biases."""
    rng = np.random.default_rng(seed)
    w1, w2 = rng.standard_normal((hidden, 2)), rng.standard_normal(hidden)
    return Mlp(w1, np.zeros(hidden), w2, np.zeros(1))


@cache
def learn_xor(hidden: int = HIDDEN, seed: int = MLP_SEED) -> tuple[Mlp, tuple[float, ...]]:
    """The multilayer perceptron trained on XOR by back-propagation, and its loss in each step."""
    net, d = initial_mlp(hidden, seed), GATES["XOR"]
    losses = []
    for _ in range(MLP_STEPS):
        h = np.tanh(INPUTS @ net.w1.T + net.b1)
        y = net.answer(INPUTS)
        losses.append(cross_entropy(y, d))
        delta2 = (y - d) / len(d)
        delta1 = np.outer(delta2, net.w2) * (1 - h**2)
        net = Mlp(
            w1=net.w1 - MLP_RATE * delta1.T @ INPUTS,
            b1=net.b1 - MLP_RATE * delta1.sum(axis=0),
            w2=net.w2 - MLP_RATE * delta2 @ h,
            b2=net.b2 - MLP_RATE * delta2.sum(),
        )
    return net, tuple(losses)


@cache
def learn_xor_in_torch() -> tuple[float, ...]:
    """The loss in each step of the same training by torch."""
    start = initial_mlp(HIDDEN, MLP_SEED)
    first, last = (nn.Linear(n, m, dtype=torch.float64) for n, m in ((2, HIDDEN), (HIDDEN, 1)))
    first.weight.data, first.bias.data = torch.from_numpy(start.w1), torch.from_numpy(start.b1)
    last.weight.data, last.bias.data = torch.from_numpy(start.w2[None]), torch.from_numpy(start.b2)
    net = nn.Sequential(first, nn.Tanh(), last, nn.Sigmoid())
    optimizer = torch.optim.SGD(net.parameters(), lr=MLP_RATE)
    x, d = torch.from_numpy(INPUTS), torch.from_numpy(GATES["XOR"])
    losses = []
    for _ in range(MLP_STEPS):
        loss = nn.functional.binary_cross_entropy(net(x)[:, 0], d)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
    return tuple(losses)


def rows() -> Sequence[Row]:
    """The loss of the multilayer perceptron on XOR, step for step."""
    (_, losses), twins = learn_xor(), learn_xor_in_torch()
    return [Row(_LOSS_AFTER[k], "", losses[k], twins[k]) for k in _LOSS_AFTER]


def tables() -> Sequence[Table]:
    """What was learnt of each gate, and by which weights."""
    learnt = []
    for name, targets in GATES.items():
        found = learn(targets)
        right = int(np.sum(found.answer(INPUTS) == targets))
        weights = f"{found.w[0]:g}, {found.w[1]:g}; {found.b:g}"
        learnt.append((name, _ONE_NEURON, str(len(found.mistakes)), weights, f"{right} / 4"))
    net, _ = learn_xor()
    learnt.append(("XOR", _HIDDEN_LAYER, str(MLP_STEPS), "", f"{xor_right(net)} / 4"))
    heads = (
        Text(en="gate", es="puerta"),
        Text(en="network", es="red"),
        Text(en="epochs", es="épocas"),
        "w1, w2; b",
        Text(en="right", es="aciertos"),
    )
    by_width = []
    for hidden in (1, 2, 4):
        nets = [learn_xor(hidden, seed)[0] for seed in range(MANY_SEEDS)]
        by_width.append((str(hidden), f"{sum(xor_right(net) == 4 for net in nets)} / {MANY_SEEDS}"))
    return (
        Table(Text(en="Three gates", es="Tres puertas lógicas"), heads, learnt),
        Table(
            Text(
                en="Two hidden neurons are enough, but descent does not always find the way",
                es="Bastan dos neuronas ocultas, pero el descenso no siempre halla el camino",
            ),
            (
                Text(en="hidden neurons", es="neuronas ocultas"),
                Text(en="seeds that learn XOR", es="semillas que aprenden XOR"),
            ),
            by_width,
        ),
    )


def xor_right(net: Mlp) -> int:
    """Of the four answers, how many are right."""
    return int(np.sum((net.answer(INPUTS) > 0.5) == GATES["XOR"]))


def draw(figure: Figure, language: Language) -> None:
    """Where each network answers 1."""
    panels = figure.subplots(1, 4)
    for axes, (name, targets) in zip(panels, GATES.items(), strict=False):
        _draw_gate(axes, targets, learn(targets).answer)
        axes.set_title(f"{name}: {_ONE_NEURON[language]}")
    net, _ = learn_xor()
    _draw_gate(panels[3], GATES["XOR"], lambda x: (net.answer(x) > 0.5).astype(np.float64))
    panels[3].set_title(f"XOR: {_HIDDEN_LAYER[language]}")


def _draw_gate(axes: Axes, targets: Floats, answer: Callable[[Floats], Floats]) -> None:
    ticks = np.linspace(-0.4, 1.4, 181)
    grid = np.stack(np.meshgrid(ticks, ticks), axis=2)
    colours = ListedColormap(["#f4d9d0", "#cfe8cf"])
    axes.imshow(
        answer(grid), origin="lower", extent=(-0.4, 1.4, -0.4, 1.4), cmap=colours, vmin=0, vmax=1
    )
    is_one = targets == 1
    axes.plot(*INPUTS[is_one].T, "o", ms=11, color="tab:green", mec="k")
    axes.plot(*INPUTS[~is_one].T, "x", ms=11, color="tab:red", mew=3)
    axes.set(xticks=(0, 1), yticks=(0, 1), xlabel="x1", ylabel="x2")


_ONE_NEURON = Text(en="one neuron", es="una neurona")
_HIDDEN_LAYER = Text(en="a hidden layer of two", es="una capa oculta de dos")
_LOSS_AFTER = {
    0: Text(en="XOR, cross-entropy at the start", es="XOR, entropía cruzada al principio"),
    100: Text(en="XOR, cross-entropy after 100 steps", es="XOR, entropía cruzada tras 100 pasos"),
    1999: Text(
        en="XOR, cross-entropy after 1,999 steps", es="XOR, entropía cruzada tras 1999 pasos"
    ),
}

LESSON = Lesson(
    title=Text(
        en="The perceptron: AND and OR, but not XOR",
        es="El perceptrón: AND y OR, pero no XOR",
    ),
    explanation=Text(
        en="""
A perceptron answers 1 on one side of a straight line. Rosenblatt's rule moves the line after every
mistake, and where some line is right it finds one in finitely many steps.

For XOR no line is right. It would need b ≤ 0, w1 + b > 0, w2 + b > 0 and w1 + w2 + b ≤ 0; the two
in the middle add up to w1 + w2 + 2b > 0, the outer two to w1 + w2 + 2b ≤ 0. So the rule never ends.
A hidden layer of two neurons bends the line, and back-propagation finds it.
""",
        es="""
Un perceptrón responde 1 a un lado de una recta. La regla de Rosenblatt mueve la recta tras cada
error, y donde alguna recta acierta encuentra una en un número finito de pasos.

Para XOR ninguna recta acierta. Haría falta b ≤ 0, w1 + b > 0, w2 + b > 0 y w1 + w2 + b ≤ 0; las dos
del medio suman w1 + w2 + 2b > 0, las otras dos w1 + w2 + 2b ≤ 0. Por eso la regla no acaba nunca.
Una capa oculta de dos neuronas curva la recta, y la retropropagación la encuentra.
""",
    ),
    source="Machine learning y deep learning (001)",
    rows=rows,
    tables=tables,
    draw=draw,
    size=(14, 3.8),
)
