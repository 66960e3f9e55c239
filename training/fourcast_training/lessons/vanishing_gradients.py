"""Vanishing gradients, measured by depth and activation.

A network of L layers of n neurons, a_l = φ(W_l a_{l-1}), and the sum of its outputs as the loss.
Back-propagation multiplies by W_lᵀ and φ' once for each layer:

    δ_L = φ'(z_L),    δ_l = φ'(z_l) ∘ W_{l+1}ᵀ δ_{l+1},    ∂E/∂W_l = δ_l a_{l-1}ᵀ

If each factor shrinks what passes, the first layers get next to nothing. The weights are normal
with variance 1/n (LeCun) or 2/n (He), which decides as much as φ does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from fourcast_training.lessons.activations import NAMES, ZOO
from fourcast_training.lessons.presentation import (
    Floats,
    Language,
    Lesson,
    Row,
    Table,
    Text,
    in_language,
)

DEPTHS = (1, 2, 4, 8, 16, 32)
WIDTH, SEEDS = 64, 20


@dataclass(frozen=True)
class Kind:
    """An activation of the zoo, and n times the variance of the weights."""

    activation: str
    gain: float

    @property
    def name(self) -> Text:
        """Activation and variance."""
        words = NAMES[self.activation]
        en, es = (in_language(words, language) for language in ("en", "es"))
        return Text(en=f"{en}, {self.gain:g}/n", es=f"{es}, {self.gain:g}/n")


KINDS = (
    Kind("sigmoid", 1.0),
    Kind("tanh", 1.0),
    Kind("ReLU", 1.0),
    Kind("ReLU", 2.0),
    Kind("linear", 1.0),
)


def network(kind: Kind, depth: int, seed: int) -> tuple[Floats, list[Floats]]:
    """A normal input [n] and the weights [n, n] of each layer."""
    rng = np.random.default_rng([seed, depth])
    scale = np.sqrt(kind.gain / WIDTH)
    return rng.standard_normal(WIDTH), [
        scale * rng.standard_normal((WIDTH, WIDTH)) for _ in range(depth)
    ]


def backward(kind: Kind, x: Floats, weights: list[Floats]) -> tuple[list[Floats], list[Floats]]:
    """The δ_l and the inputs a_{l-1} of each layer, the first layer's first."""
    activation = ZOO[kind.activation]
    inputs, slopes = [x], []
    for w in weights:
        z = w @ inputs[-1]
        slopes.append(activation.derivative(z))
        inputs.append(activation.function(z))
    deltas = [slopes.pop()]
    for w, slope in zip(weights[:0:-1], slopes[::-1], strict=True):
        deltas.append(slope * (w.T @ deltas[-1]))
    return deltas[::-1], inputs[:-1]


def gradients(kind: Kind, x: Floats, weights: list[Floats]) -> list[Floats]:
    """∂E/∂W_l for each layer, the first layer's first."""
    return [np.outer(delta, a) for delta, a in zip(*backward(kind, x, weights), strict=True)]


def gradients_in_torch(kind: Kind, x: Floats, weights: list[Floats]) -> list[Floats]:
    """The same by autograd."""
    activation: Callable[[Tensor], Tensor] = ZOO[kind.activation].torch
    leaves = [torch.from_numpy(w).requires_grad_() for w in weights]
    a = torch.from_numpy(x)
    for w in leaves:
        a = activation(w @ a)
    return [g.numpy() for g in torch.autograd.grad(a.sum(), leaves)]


@cache
def first_layer(kind: Kind, depth: int) -> float:
    """The median over seeds of ‖δ_1‖ / ‖δ_L‖."""
    ratios = []
    for seed in range(SEEDS):
        deltas, _ = backward(kind, *network(kind, depth, seed))
        ratios.append(np.linalg.norm(deltas[0]) / np.linalg.norm(deltas[-1]))
    return float(np.median(ratios))


def rows() -> Sequence[Row]:
    """The norm of the first layer's gradient at depth 8, seed 0."""
    found = []
    for kind in KINDS:
        example = network(kind, 8, 0)
        ours, theirs = gradients(kind, *example)[0], gradients_in_torch(kind, *example)[0]
        start = "‖∂E/∂W1‖, L = 8, "
        name = Text(en=start + kind.name.en, es=start + kind.name.es)
        found.append(Row(name, "", float(np.linalg.norm(ours)), float(np.linalg.norm(theirs))))
    return found


def tables() -> Sequence[Table]:
    """How much of the last layer's δ reaches the first."""
    return (
        Table(
            Text(
                en=f"‖δ1‖ / ‖δL‖, {WIDTH} neurons a layer, median of {SEEDS} seeds",
                es=f"‖δ1‖ / ‖δL‖, {WIDTH} neuronas por capa, mediana de {SEEDS} semillas",
            ),
            (_KIND, *(f"L = {depth}" for depth in DEPTHS)),
            [
                (kind.name, *(f"{first_layer(kind, depth):.1e}" for depth in DEPTHS))
                for kind in KINDS
            ],
        ),
    )


def draw(figure: Figure, language: Language) -> None:
    """The ratio by depth, and the norms layer by layer in one network."""
    left, right = figure.subplots(1, 2)
    for kind in KINDS:
        name = kind.name[language]
        left.loglog(DEPTHS, [first_layer(kind, depth) for depth in DEPTHS], "o-", label=name)
        deltas, _ = backward(kind, *network(kind, 32, 0))
        norms = [np.linalg.norm(delta) for delta in deltas]
        right.semilogy(range(1, len(norms) + 1), norms, label=name)
    left.set(title=_BY_DEPTH[language], xlabel=_DEPTH[language], ylabel="‖δ1‖ / ‖δL‖")
    left.set_xticks(DEPTHS, [str(depth) for depth in DEPTHS])
    left.minorticks_off()
    right.set(title=_BY_LAYER[language], xlabel=_LAYER[language], ylabel="‖δl‖")
    left.legend(title=_KIND[language])
    for axes in (left, right):
        axes.grid(alpha=0.3)


_KIND = Text(en="activation, variance", es="activación, varianza")
_BY_DEPTH = Text(
    en="what reaches the first layer, by depth",
    es="lo que llega a la primera capa, por profundidad",
)
_DEPTH = Text(en="layers L", es="capas L")
_BY_LAYER = Text(en="in a network of 32 layers", es="en una red de 32 capas")
_LAYER = Text(en="layer l", es="capa l")

LESSON = Lesson(
    title=Text(
        en="Vanishing gradients, by depth and activation",
        es="Gradientes que se desvanecen, por profundidad y activación",
    ),
    explanation=Text(
        en="""
On its way back the gradient is multiplied in each layer by the weights and by the activation's
derivative. The sigmoid's is at most ¼: with 32 layers nothing is left for the first one. That of
tanh is 1 at 0 and less elsewhere, so the loss is slow. That of ReLU is 0 for half of the neurons
and 1 for the others.

Half the neurons off means half the variance: with weights of variance 1/n a ReLU network loses a
factor √2 in each layer, too. He's variance 2/n makes up for it.
""",
        es="""
En su camino hacia atrás el gradiente se multiplica en cada capa por los pesos y por la derivada de
la activación. La de la sigmoide es como mucho ¼: con 32 capas no queda nada para la primera. La de
la tangente hiperbólica es 1 en 0 y menor en otro lugar, y por eso la pérdida es lenta. La de ReLU
es 0 para la mitad de las neuronas y 1 para las demás.

La mitad de las neuronas apagadas significa la mitad de la varianza: con pesos de varianza 1/n
también una red ReLU pierde un factor √2 en cada capa. La varianza 2/n de He lo compensa.
""",
    ),
    source="Machine learning y deep learning (001); Fundamentos de Deep Learning (004)",
    rows=rows,
    tables=tables,
    remarks=(
        Text(
            en="The slide says that ReLU solves the vanishing gradient. Alone it does not: the "
            "weights have to have variance 2/n, too.",
            es="La diapositiva dice que ReLU resuelve el desvanecimiento del gradiente. Sola no: "
            "los pesos deben tener además varianza 2/n.",
        ),
    ),
    draw=draw,
)
