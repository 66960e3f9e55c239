"""The activation functions of the course, and their derivatives.

Back-propagation multiplies by the derivative of each neuron's activation, so for each function φ
here stands φ' as well. At a kink, where there is none, both NumPy and torch take one of the two
sides; a step has the derivative 0 everywhere.

All functions take and give float64 arrays of any shape; `softmax` works along the last axis.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.special import erf
from torch import Tensor
from torch.nn import functional

from fourcast_training.lessons.presentation import (
    Floats,
    Language,
    Lesson,
    Row,
    Table,
    Text,
    in_language,
)

LEAK = 0.01
"""α of the leaky ReLU; PReLU learns it."""

SELU_LAMBDA, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
"""Chosen so that normal inputs keep mean 0 and variance 1 (Klambauer et al., 2017)."""


def step(z: Floats) -> Floats:
    """0 below 0, ½ at 0, 1 above."""
    return np.where(z < 0, 0.0, np.where(z == 0, 0.5, 1.0))


def sign(z: Floats) -> Floats:
    """-1 below 0, 0 at 0, 1 above."""
    return np.where(z < 0, -1.0, np.where(z == 0, 0.0, 1.0))


def zero(z: Floats) -> Floats:
    """The derivative of a step."""
    return np.zeros_like(z)


def linear(z: Floats) -> Floats:
    """φ(z) = z."""
    return z


def one(z: Floats) -> Floats:
    """The derivative of z."""
    return np.ones_like(z)


def piecewise_linear(z: Floats) -> Floats:
    """0 up to -½, 1 from ½, z + ½ between."""
    return np.clip(z + 0.5, 0.0, 1.0)


def d_piecewise_linear(z: Floats) -> Floats:
    """1 between -½ and ½, otherwise 0."""
    return np.where((z >= -0.5) & (z <= 0.5), 1.0, 0.0)


def sigmoid(z: Floats) -> Floats:
    """1 / (1 + exp(-z)), written so that exp never overflows."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def d_sigmoid(z: Floats) -> Floats:
    """φ' = φ (1 - φ)."""
    return sigmoid(z) * (1 - sigmoid(z))


def tanh(z: Floats) -> Floats:
    """(e^z - e^-z) / (e^z + e^-z)."""
    return np.tanh(z)


def d_tanh(z: Floats) -> Floats:
    """φ' = 1 - φ²."""
    return 1 - np.tanh(z) ** 2


def relu(z: Floats) -> Floats:
    """max(0, z)."""
    return np.maximum(0.0, z)


def d_relu(z: Floats) -> Floats:
    """1 above 0, otherwise 0."""
    return np.where(z > 0, 1.0, 0.0)


def leaky_relu(z: Floats, alpha: float = LEAK) -> Floats:
    """As z above 0, otherwise α z."""
    return np.where(z > 0, z, alpha * z)


def d_leaky_relu(z: Floats, alpha: float = LEAK) -> Floats:
    """1 above 0, otherwise α."""
    return np.where(z > 0, 1.0, alpha)


def prelu(z: Floats) -> Floats:
    """The leaky ReLU with a learnt α; here ¼, with which its training starts."""
    return leaky_relu(z, 0.25)


def d_prelu(z: Floats) -> Floats:
    """By z. By α it is z below 0, otherwise 0, which is how α is learnt."""
    return d_leaky_relu(z, 0.25)


def elu(z: Floats, alpha: float = 1.0) -> Floats:
    """As z above 0, otherwise α (e^z - 1)."""
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def d_elu(z: Floats, alpha: float = 1.0) -> Floats:
    """1 above 0, otherwise α e^z."""
    return np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0)))


def selu(z: Floats) -> Floats:
    """λ times the ELU of α."""
    return SELU_LAMBDA * elu(z, SELU_ALPHA)


def d_selu(z: Floats) -> Floats:
    """λ times the derivative of the ELU of α."""
    return SELU_LAMBDA * d_elu(z, SELU_ALPHA)


def normal(z: Floats) -> Floats:
    """Φ(z) = ½ (1 + erf(z / √2)), the share of a normal distribution below z."""
    share: Floats = 0.5 * (1 + erf(z / np.sqrt(2)))
    return share


def gelu(z: Floats) -> Floats:
    """Product z Φ(z)."""
    return z * normal(z)


def d_gelu(z: Floats) -> Floats:
    """Φ(z) + z exp(-z²/2) / √(2π)."""
    density: Floats = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return normal(z) + z * density


def swish(z: Floats) -> Floats:
    """Product z σ(z), with the sigmoid σ."""
    return z * sigmoid(z)


def d_swish(z: Floats) -> Floats:
    """φ' = σ + z σ (1 - σ)."""
    return sigmoid(z) + z * d_sigmoid(z)


def softplus(z: Floats) -> Floats:
    """ln(1 + e^z)."""
    return np.logaddexp(0.0, z)


def d_softplus(z: Floats) -> Floats:
    """The sigmoid."""
    return sigmoid(z)


def softmax(z: Floats) -> Floats:
    """e^{z_i} / Σ_j e^{z_j}; the largest z is subtracted first, which changes nothing else."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    shares: Floats = e / e.sum(axis=-1, keepdims=True)
    return shares


def d_softmax(z: Floats) -> Floats:
    """∂s_i/∂z_j = s_i (δ_ij - s_j) for one vector z [n], as a matrix [n, n]."""
    s = softmax(z)
    return np.diag(s) - np.outer(s, s)


@dataclass(frozen=True)
class Activation:
    """A function, its derivative, and torch's own function."""

    function: Callable[[Floats], Floats]
    derivative: Callable[[Floats], Floats]
    torch: Callable[[Tensor], Tensor]


ZOO: dict[str, Activation] = {
    "step": Activation(step, zero, lambda z: (torch.sign(z) + 1) / 2),
    "sign": Activation(sign, zero, torch.sign),
    "linear": Activation(linear, one, lambda z: 1 * z),
    "piecewise linear": Activation(
        piecewise_linear, d_piecewise_linear, lambda z: torch.clamp(z + 0.5, 0, 1)
    ),
    "sigmoid": Activation(sigmoid, d_sigmoid, torch.sigmoid),
    "tanh": Activation(tanh, d_tanh, torch.tanh),
    "ReLU": Activation(relu, d_relu, functional.relu),
    "leaky ReLU": Activation(leaky_relu, d_leaky_relu, lambda z: functional.leaky_relu(z, LEAK)),
    "PReLU": Activation(
        prelu,
        d_prelu,
        lambda z: functional.prelu(z, torch.tensor([0.25], dtype=z.dtype)),
    ),
    "ELU": Activation(elu, d_elu, functional.elu),
    "SELU": Activation(selu, d_selu, functional.selu),
    "GELU": Activation(gelu, d_gelu, functional.gelu),
    "swish": Activation(swish, d_swish, functional.silu),
    "softplus": Activation(softplus, d_softplus, lambda z: functional.softplus(z, threshold=50)),
}
"""The functions of one number; softmax takes a vector."""

NAMES: dict[str, Text | str] = {
    **{name: name for name in (*ZOO, "softmax")},
    "step": Text(en="step", es="escalón"),
    "sign": Text(en="sign", es="signo"),
    "linear": Text(en="linear", es="lineal"),
    "piecewise linear": Text(en="piecewise linear", es="lineal a trozos"),
    "sigmoid": Text(en="sigmoid", es="sigmoide"),
}
"""What to call them; most have the same name in both languages."""

POINTS = np.linspace(-6, 6, 2401)
"""Where they are compared; 0 and the kinks at ±½ are among them."""

LOGITS = np.array([1.0, 2.0, 3.0])


def differences(activation: Activation) -> tuple[float, float]:
    """The largest difference from torch over the points, of the function and the derivative."""
    z = torch.from_numpy(POINTS.copy()).requires_grad_()
    value = activation.torch(z)
    value.sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    assert z.grad is not None
    return (
        float(np.abs(activation.function(POINTS) - value.detach().numpy()).max()),
        float(np.abs(activation.derivative(POINTS) - z.grad.numpy()).max()),
    )


def softmax_differences() -> tuple[float, float]:
    """The same for softmax and its matrix of derivatives, at the logits 1, 2, 3."""
    z = torch.from_numpy(LOGITS)
    jacobian = torch.func.jacrev(lambda x: torch.softmax(x, dim=0))(z)
    return (
        float(np.abs(softmax(LOGITS) - torch.softmax(z, dim=0).numpy()).max()),
        float(np.abs(d_softmax(LOGITS) - jacobian.numpy()).max()),
    )


def shifted_sigmoid_centre() -> float:
    """Where f(4 (z - 3)) is ½, found by halving."""
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        if sigmoid(np.array(4 * (middle - 3))) < 0.5:
            low = middle
        else:
            high = middle
    return low


def rows() -> Sequence[Row]:
    """A few values, and the course's shifted sigmoid."""
    centre = Text(en="centre of f(4 (z - 3))", es="centro de f(4 (z - 3))")
    found = [Row(centre, "-3", shifted_sigmoid_centre(), None, _CENTRE)]
    for name, z in (("tanh", 1.0), ("GELU", 1.0), ("swish", 1.0), ("SELU", -1.0)):
        activation = ZOO[name]
        ours = float(activation.function(np.array(z)))
        theirs = activation.torch(torch.tensor([z], dtype=torch.float64)).item()
        found.append(Row(f"{name}({z:g})", "", ours, theirs))
    theirs = torch.softmax(torch.from_numpy(LOGITS), dim=0)[2].item()
    found.append(Row("softmax(1, 2, 3)[3]", "", float(softmax(LOGITS)[2]), theirs))
    return found


def tables() -> Sequence[Table]:
    """How far each function and derivative is from torch's."""
    measured = {name: differences(activation) for name, activation in ZOO.items()}
    measured["softmax"] = softmax_differences()
    return (
        Table(
            Text(
                en="Largest difference between NumPy and torch, z from -6 to 6",
                es="Mayor diferencia entre NumPy y torch, z de -6 a 6",
            ),
            (_FUNCTION, "φ", "φ'"),
            [(NAMES[name], f"{f:.0e}", f"{d:.0e}") for name, (f, d) in measured.items()],
        ),
    )


def draw(figure: Figure, language: Language) -> None:
    """Each function and its derivative, and softmax of two logits."""
    panels = figure.subplots(3, 5, sharex=True).ravel()
    z = np.linspace(-4, 4, 801)
    for axes, (name, activation) in zip(panels, ZOO.items(), strict=False):
        axes.plot(z, activation.function(z), label="φ")
        axes.plot(z, activation.derivative(z), "--", label="φ'")
        axes.set_title(in_language(NAMES[name], language), fontsize=10)
        axes.set_ylim(-1.5, 2.5)
        axes.grid(alpha=0.3)
    panels[0].legend(fontsize=8)
    pairs = np.stack([z, np.zeros_like(z)], axis=1)
    panels[14].plot(z, softmax(pairs))
    panels[14].set_title(_PAIR[language], fontsize=10)
    panels[14].grid(alpha=0.3)


_FUNCTION = Text(en="function", es="función")
_PAIR = Text(en="softmax of (z, 0): two outputs", es="softmax de (z, 0): dos salidas")
_CENTRE = Text(
    en="To subtract 3 moves the curve to the right.",
    es="Restar 3 desplaza la curva hacia la derecha.",
)

LESSON = Lesson(
    title=Text(
        en="Activation functions and their derivatives",
        es="Funciones de activación y sus derivadas",
    ),
    explanation=Text(
        en="""
Without an activation between them two layers are one: a linear function of a linear function is
linear. The activation bends. Its derivative is what back-propagation multiplies by, so look at the
dashed lines: a step has nothing to pass back, sigmoid and tanh pass back little far from 0, ReLU
passes back all or nothing, and the others try to avoid the nothing.

Formulas are one thing and floating-point numbers another: exp(1000) is infinite. Sigmoid, softplus
and softmax are written here so that they never meet it.
""",
        es="""
Sin una activación entre ellas dos capas son una: una función lineal de otra lineal es lineal. La
activación curva. Su derivada es por lo que multiplica la retropropagación; mire las líneas de
trazos: un escalón no tiene nada que devolver, la sigmoide y la tangente hiperbólica devuelven poco
lejos de 0, ReLU devuelve todo o nada, y las demás tratan de evitar la nada.

Una cosa son las fórmulas y otra los números en coma flotante: exp(1000) es infinito. Aquí la
sigmoide, softplus y softmax están escritas de modo que nunca lo encuentran.
""",
    ),
    source="Deep Learning Python (003); Machine learning y deep learning (001); "
    "Matemáticas del Deep Learning (000)",
    rows=rows,
    tables=tables,
    draw=draw,
    size=(14, 7.5),
)
