"""What a run found, as one value, and as tables in English or Spanish."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from fourcast_training.lessons.presentation import Language, Text
from fourcast_training.oil.backpropagation import Floats, outputs
from fourcast_training.oil.data import POINTS, TARGETS
from fourcast_training.oil.descent import Method, fit_least_squares

METHODS: dict[Method, Text] = {
    "least_squares": Text(en="nonlinear least squares", es="mínimos cuadrados no lineales"),
    "replacement": Text(
        en="stochastic gradient, with replacement",
        es="gradiente estocástico, con reemplazamiento",
    ),
    "shuffled": Text(
        en="stochastic gradient, without replacement",
        es="gradiente estocástico, sin reemplazamiento",
    ),
    "mini_batch": Text(en="stochastic gradient, mini-batch", es="gradiente estocástico, mini-lote"),
}

_HEADS = Text(en="| method | cost | points right |", es="| método | coste | puntos acertados |")

_SEEDS = Text(
    en="Least squares: all ten points right from {perfect} of {seeds} seeds; fitted to nine, the "
    "tenth\nright in {left_out:.1%} of the fits.",
    es="Mínimos cuadrados: los diez puntos acertados con {perfect} de {seeds} semillas; ajustada a "
    "nueve,\nel décimo acertado en el {left_out:.1%} de los ajustes.",
)


@dataclass(frozen=True)
class Figures:
    """How well parameters fit the ten points: the cost 3.1, and how many are classified right."""

    cost: float
    right: int


@dataclass(frozen=True)
class Seeds:
    """Nonlinear least squares from many first parameters.

    Attributes:
        fits: Parameters, float64 [seeds, 23].
        right: Points that each of them classifies right, of ten.
        left_out_right: Of the fits to nine points each, the share that classifies the tenth right.
    """

    fits: Floats
    right: tuple[int, ...]
    left_out_right: float

    @property
    def perfect(self) -> int:
        """From how many of the seeds all ten points are right."""
        return sum(right == len(POINTS) for right in self.right)


def measure(found: Floats) -> Figures:
    """Figures of outputs F [10, 2] at the ten points."""
    return Figures(
        cost=float(np.mean(0.5 * np.sum((found - TARGETS) ** 2, axis=1))),
        right=int(np.sum(found.argmax(axis=1) == TARGETS.argmax(axis=1))),
    )


def measure_seeds(count: int) -> Seeds:
    """Fit from seeds 0 to count - 1, to all points and to all but one."""
    fits: list[Floats] = []
    left_out: list[bool] = []
    for seed in tqdm(range(count), desc="least squares", leave=False, unit="seed", disable=None):
        fits.append(fit_least_squares(POINTS, TARGETS, seed=seed))
        left_out.extend(_leave_one_out(seed))
    right = tuple(measure(outputs(p, POINTS)).right for p in fits)
    return Seeds(np.array(fits), right, float(np.mean(left_out)))


def _leave_one_out(seed: int) -> Iterator[bool]:
    for i in range(len(POINTS)):
        others = np.arange(len(POINTS)) != i
        p = fit_least_squares(POINTS[others], TARGETS[others], seed=seed)
        yield bool(outputs(p, POINTS[i : i + 1]).argmax() == TARGETS[i].argmax())


def table(rows: dict[Method, Figures], language: Language) -> str:
    """The figures of each method as a table in Markdown."""
    lines = [_HEADS[language], "| --- | ---: | ---: |"]
    lines += [
        f"| {METHODS[method][language]} | {row.cost:.2e} | {row.right} |"
        for method, row in rows.items()
    ]
    return "\n".join(lines)


def summary(seeds: Seeds, language: Language) -> str:
    """What least squares did from many seeds, as a sentence."""
    return _SEEDS[language].format(
        perfect=seeds.perfect, seeds=len(seeds.right), left_out=seeds.left_out_right
    )
