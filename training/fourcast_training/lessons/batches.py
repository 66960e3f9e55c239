"""Batches: how many samples a step looks at, and so how many steps an epoch has.

    steps in an epoch = ⌈samples / batch size⌉

"Neural Networks" counts them for batches of 2000, 1000 and 500. Here 2000 samples of a line with
noise are fitted with each of them, and with 32, which the slides recommend.
"""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from matplotlib.figure import Figure
from torch.utils.data import DataLoader, TensorDataset

from fourcast_training.lessons.presentation import Floats, Language, Lesson, Row, Table, Text

SAMPLES = 2000
SIZES = (2000, 1000, 500, 32)
RATE, EPOCHS, NOISE = 0.1, 40, 0.5
TRUTH = np.array([1.0, -2.0])
"""Intercept and slope of the line."""


def steps_in_epoch(samples: int, batch_size: int) -> int:
    """⌈samples / batch size⌉: the last batch may be smaller."""
    return math.ceil(samples / batch_size)


def steps_in_torch(samples: int, batch_size: int) -> int:
    """How many batches torch's own loader gives."""
    return len(DataLoader(TensorDataset(torch.zeros(samples)), batch_size=batch_size))


def line(seed: int = 0) -> tuple[Floats, Floats]:
    """Samples x [2000, 2] with a constant 1 first, and t = 1 - 2x with noise, [2000]."""
    rng = np.random.default_rng(seed)
    x = np.stack([np.ones(SAMPLES), rng.standard_normal(SAMPLES)], axis=1)
    return x, x @ TRUTH + NOISE * rng.standard_normal(SAMPLES)


@cache
def fit(batch_size: int, epochs: int = EPOCHS) -> Floats:
    """The distance of the weights from the least-squares solution after each step."""
    x, t = line()
    best = np.linalg.lstsq(x, t)[0]
    rng = np.random.default_rng(1)
    w = np.zeros(2)
    distances = [float(np.linalg.norm(w - best))]
    for _ in range(epochs):
        order = rng.permutation(SAMPLES)
        for start in range(0, SAMPLES, batch_size):
            batch = order[start : start + batch_size]
            gradient = -2 / len(batch) * (t[batch] - x[batch] @ w) @ x[batch]
            w = w - RATE * gradient
            distances.append(float(np.linalg.norm(w - best)))
    return np.array(distances)


def rows() -> Sequence[Row]:
    """The slide's count of steps."""
    slides = {2000: "1", 1000: "2", 500: "4", 32: ""}
    return [
        Row(
            Text(
                en=f"steps in an epoch, batches of {size}", es=f"pasos por época, lotes de {size}"
            ),
            slides[size],
            steps_in_epoch(SAMPLES, size),
            steps_in_torch(SAMPLES, size),
        )
        for size in SIZES
    ]


def tables() -> Sequence[Table]:
    """How near each batch size comes to the best line."""
    found = []
    for size in SIZES:
        distances, steps = fit(size), steps_in_epoch(SAMPLES, size)
        ends = (1, 5, EPOCHS)
        found.append((str(size), *(f"{distances[epoch * steps]:.1e}" for epoch in ends)))
    heads = (
        Text(en="batch size", es="tamaño del lote"),
        Text(en="after 1 epoch", es="tras 1 época"),
        Text(en="after 5", es="tras 5"),
        Text(en=f"after {EPOCHS}", es=f"tras {EPOCHS}"),
    )
    title = Text(
        en="Distance of the weights from the best ones",
        es="Distancia de los pesos a los mejores",
    )
    return (Table(title, heads, found),)


def draw(figure: Figure, language: Language) -> None:
    """The distances over epochs, and over steps."""
    left, right = figure.subplots(1, 2, sharey=True)
    for size in SIZES:
        distances, steps = fit(size), steps_in_epoch(SAMPLES, size)
        left.semilogy(distances[::steps], ".-", label=str(size))
        right.semilogy(distances[:81], label=str(size))
    left.set(title=_BY_EPOCH[language], xlabel=_EPOCH[language], ylabel=_DISTANCE[language])
    right.set(title=_BY_STEP[language], xlabel=_STEP[language])
    left.legend(title=_SIZE[language])
    for axes in (left, right):
        axes.grid(alpha=0.3)


_BY_EPOCH = Text(
    en="the same samples seen: small batches step more often",
    es="las mismas muestras vistas: los lotes pequeños dan más pasos",
)
_BY_STEP = Text(
    en="the same steps: large batches step more surely",
    es="los mismos pasos: los lotes grandes dan pasos más seguros",
)
_EPOCH = Text(en="epochs", es="épocas")
_STEP = Text(en="steps", es="pasos")
_DISTANCE = Text(en="distance from the best weights", es="distancia a los mejores pesos")
_SIZE = Text(en="batch size", es="tamaño del lote")

LESSON = Lesson(
    title=Text(
        en="Batches: how many steps an epoch has", es="Lotes: cuántos pasos tiene una época"
    ),
    explanation=Text(
        en="""
An epoch shows every sample once. A step looks at one batch, so an epoch of 2000 samples is 1 step
with batches of 2000, 2 with 1000 and 4 with 500.

A small batch estimates the gradient from few samples. Its steps are cheap and there are many of
them, so it gets near the goal in fewer epochs; but each is a little wrong, and near the goal the
weights keep trembling. A large batch gets there later and closer.
""",
        es="""
Una época muestra cada muestra una vez. Un paso mira un lote, así que una época de 2000 muestras es
1 paso con lotes de 2000, 2 con 1000 y 4 con 500.

Un lote pequeño estima el gradiente con pocas muestras. Sus pasos son baratos y hay muchos, y por
eso se acerca a la meta en menos épocas; pero cada uno yerra un poco y cerca de la meta los pesos
siguen temblando. Un lote grande llega más tarde y más cerca.
""",
    ),
    source="Neural Networks (002)",
    rows=rows,
    tables=tables,
    draw=draw,
)
