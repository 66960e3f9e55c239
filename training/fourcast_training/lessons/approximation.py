"""Universal approximation, by width: one hidden layer comes as close as one likes.

"Machine learning y deep learning" states the theorem of Cybenko, Hornik, Stinchcombe and White for

    F(x) = Σ ω_i σ(w_i x + b_i),    i = 1 ... h

on [0, 1]: for each continuous f and ε > 0 some h, ω, w and b have sup |f - F| < ε. Two ways to find
them are shown. The staircase takes steep sigmoids as steps, one at the border of each of h
intervals; its error is the larger of what f rises within an interval and half a step. The other
draws w and b at random and finds ω by least squares.
"""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
from matplotlib.figure import Figure

from fourcast_training.lessons.presentation import Floats, Language, Lesson, Row, Table, Text

WIDTHS = (1, 2, 4, 8, 16, 32, 64)
X = np.linspace(0, 1, 1001)
SEEDS = 10
STEEPNESS = 1e4


def target(x: Floats) -> Floats:
    """The function of lesson gradient_descent, 2u² cos u - 5u with u from -5 to 5, in tenths."""
    u = 10 * x - 5
    return (2 * u**2 * np.cos(u) - 5 * u) / 10


def sigmoid(z: Floats) -> Floats:
    """1 / (1 + exp(-z)) for any z."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def staircase(width: int, x: Floats) -> Floats:
    """F with a step at the left border of each of `width` intervals, up to f at its middle."""
    middles = (np.arange(width) + 0.5) / width
    heights = np.diff(target(middles), prepend=0.0)
    borders = np.arange(width) / width
    borders[0] = -1.0  # the first step is left of everything
    return sigmoid(STEEPNESS * (x[:, None] - borders)) @ heights


def random_hidden(width: int, seed: int) -> tuple[Floats, Floats]:
    """Slopes w [h] and biases b [h] that put each neuron's bend at a random place of [0, 1]."""
    rng = np.random.default_rng([seed, width])
    w = rng.normal(scale=30, size=width)
    return w, -w * rng.uniform(size=width)


def features(activation: Callable[[Floats], Floats], width: int, seed: int, x: Floats) -> Floats:
    """φ(w_i x + b_i) at each x, [N, h]."""
    w, b = random_hidden(width, seed)
    return activation(x[:, None] * w + b)


def fit(activation: Callable[[Floats], Floats], width: int, seed: int) -> Floats:
    """F at the points X, with the ω that least squares finds."""
    hidden = features(activation, width, seed, X)
    omega = np.linalg.lstsq(hidden, target(X))[0]
    return hidden @ omega


def fit_in_torch(width: int, seed: int) -> Floats:
    """The same with torch's own least squares."""
    w, b = (torch.from_numpy(array) for array in random_hidden(width, seed))
    hidden = torch.sigmoid(torch.from_numpy(X)[:, None] * w + b)
    goal = torch.from_numpy(target(X))[:, None]
    found = torch.linalg.lstsq(hidden, goal, driver="gelsd").solution
    approximation: Floats = (hidden @ found)[:, 0].numpy()
    return approximation


def worst(approximation: Floats) -> float:
    """Largest |f - F| over the points X."""
    return float(np.abs(target(X) - approximation).max())


def square(z: Floats) -> Floats:
    """A nonlinear and continuous function with which the theorem is false."""
    return z**2


@cache
def errors() -> dict[str, tuple[float, ...]]:
    """The largest error for each width; of the random networks the median over seeds."""
    return {
        "staircase": tuple(worst(staircase(h, X)) for h in WIDTHS),
        "sigmoid": tuple(_median(sigmoid, h) for h in WIDTHS),
        "square": tuple(_median(square, h) for h in WIDTHS),
    }


def _median(activation: Callable[[Floats], Floats], width: int) -> float:
    return float(np.median([worst(fit(activation, width, seed)) for seed in range(SEEDS)]))


def rows() -> Sequence[Row]:
    """The largest error of some random networks, here and in torch."""
    return [
        Row(
            Text(en=f"sup |f - F|, h = {h}, seed 0", es=f"sup |f - F|, h = {h}, semilla 0"),
            "",
            worst(fit(sigmoid, h, 0)),
            worst(fit_in_torch(h, 0)),
        )
        for h in (4, 8, 16)
    ]


def tables() -> Sequence[Table]:
    """The error by width."""
    found = errors()
    return (
        Table(
            Text(
                en=f"sup |f - F| by width h; random networks: median of {SEEDS} seeds",
                es=f"sup |f - F| según la anchura h; redes al azar: mediana de {SEEDS} semillas",
            ),
            ("h", *_NAMES.values()),
            [(str(h), *(f"{found[name][i]:.2g}" for name in _NAMES)) for i, h in enumerate(WIDTHS)],
        ),
    )


def draw(figure: Figure, language: Language) -> None:
    """Three networks beside the function, and the errors by width."""
    left, middle, right = figure.subplots(1, 3)
    for axes, kind in ((left, "staircase"), (middle, "sigmoid")):
        axes.plot(X, target(X), color="0.6", lw=4, label="f")
        for h in (4, 16):
            found = staircase(h, X) if kind == "staircase" else fit(sigmoid, h, 0)
            axes.plot(X, found, label=f"h = {h}")
        axes.set(title=_NAMES[kind][language], xlabel="x", ylim=(-6, 7))
        axes.legend()
    for name, values in errors().items():
        right.loglog(WIDTHS, values, "o-", label=_NAMES[name][language])
    right.set(title=_BY_WIDTH[language], xlabel="h", ylabel="sup |f - F|")
    right.grid(alpha=0.3)
    right.legend()


_NAMES = {
    "staircase": Text(en="staircase of steep sigmoids", es="escalera de sigmoides empinadas"),
    "sigmoid": Text(en="sigmoid, random w and b", es="sigmoide, w y b al azar"),
    "square": Text(en="z², random w and b", es="z², w y b al azar"),
}
_BY_WIDTH = Text(en="largest error by width", es="mayor error según la anchura")

LESSON = Lesson(
    title=Text(
        en="Universal approximation: the error falls with the width",
        es="Aproximación universal: el error cae con la anchura",
    ),
    explanation=Text(
        en="""
One hidden layer of sigmoids approximates any continuous function on [0, 1] as closely as one likes,
if it is wide enough. That can be seen without a proof: a steep sigmoid is a step, h steps make a
staircase, and a fine staircase is close to the curve: from h = 16 on its error halves when h
doubles. Smooth bends at random places, with output weights by least squares, do far better.

The theorem promises that the weights exist. It says neither that training finds them nor how many
neurons are needed.
""",
        es="""
Una capa oculta de sigmoides aproxima cualquier función continua en [0, 1] tanto como se quiera, si
es bastante ancha. Se ve sin demostración: una sigmoide empinada es un escalón, h escalones hacen
una escalera, y una escalera fina está cerca de la curva: desde h = 16 su error se reduce a la mitad
cuando h se duplica. Curvas suaves en lugares al azar, con los pesos de salida por mínimos
cuadrados, lo hacen mucho mejor.

El teorema promete que los pesos existen. No dice que el entrenamiento los encuentre ni cuántas
neuronas hacen falta.
""",
    ),
    source="Machine learning y deep learning (001)",
    rows=rows,
    tables=tables,
    remarks=(
        Text(
            en="The slide quotes that any nonlinear continuous activation will do: with z² each F "
            "is a parabola, whatever the width. It must be no polynomial (Leshno et al., 1993).",
            es="La diapositiva cita que basta cualquier activación no lineal y continua: con z² "
            "cada F es una parábola, sea cual sea la anchura. No debe ser un polinomio (Leshno et "
            "al., 1993).",
        ),
    ),
    draw=draw,
    size=(14, 4.4),
)
