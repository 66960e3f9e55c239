"""What runs from many seeds found, as one value, as equations and as a table in two languages."""

import re
import time
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from fourcast_training.lessons.presentation import Language, Text
from fourcast_training.sindy.ensemble import Ensemble, ensemble
from fourcast_training.sindy.library import Floats, Library
from fourcast_training.sindy.lorenz import Motion, simulate, true_coefficients
from fourcast_training.sindy.stlsq import stlsq

_HEADS = Text(
    en="| data | method | right terms | largest error of a coefficient |",
    es="| datos | método | términos correctos | mayor error de un coeficiente |",
)
_EXACT = Text(en="exact derivatives", es="derivadas exactas")
_NOISY = Text(en="noise {noise}, finite differences", es="ruido {noise}, diferencias finitas")
_ONE = Text(en="thresholded least squares", es="mínimos cuadrados con umbral")
_MANY = Text(en="ensemble of {bags} bags", es="conjunto de {bags} remuestreos")
_OF = Text(en="{right} of {seeds} seeds", es="{right} de {seeds} semillas")
_CPU = Text(
    en="An ensemble takes {seconds:.2f} s of processor time (median).",
    es="Un conjunto tarda {seconds:.2f} s de tiempo de procesador (mediana).",
)


@dataclass(frozen=True)
class Setting:
    """What is measured and how it is fitted.

    Attributes:
        library: The terms that may occur.
        samples: Rows of data.
        step: Of time between them.
        noise: Standard deviation of the error of each number.
        threshold: Below which a coefficient is dropped.
        bags: In an ensemble.
    """

    library: Library
    samples: int
    step: float
    noise: float
    threshold: float
    bags: int


@dataclass(frozen=True)
class Found:
    """The equations found from one seed.

    Attributes:
        motion: What was measured.
        exact: Coefficients from exact states and derivatives, float64 [terms, 3].
        single: From noisy states and finite differences, float64 [terms, 3].
        ensemble: From the same, by the vote of many bags.
        seconds: Processor time of the ensemble.
    """

    motion: Motion
    exact: Floats
    single: Floats
    ensemble: Ensemble
    seconds: float


def find(setting: Setting, *, seed: int) -> Found:
    """Simulate, measure, and find the equations in three ways."""
    motion = simulate(setting.samples, setting.step, setting.noise, seed=seed)
    theta, derivatives = setting.library.evaluate(motion.measured), motion.measured_derivatives
    begin = time.process_time()
    voted = ensemble(theta, derivatives, threshold=setting.threshold, bags=setting.bags, seed=seed)
    seconds = time.process_time() - begin
    exact_theta = setting.library.evaluate(motion.states)
    exact = stlsq(exact_theta, motion.exact_derivatives, threshold=setting.threshold)
    single = stlsq(theta, derivatives, threshold=setting.threshold)
    return Found(motion, exact, single, voted, seconds)


def find_all(setting: Setting, seeds: int) -> list[Found]:
    """`find` from seeds 0 to seeds - 1."""
    bar = tqdm(range(seeds), desc="seeds", leave=False, unit="seed", disable=None)
    return [find(setting, seed=seed) for seed in bar]


def table(setting: Setting, found: list[Found], language: Language) -> str:
    """How often the terms are right, and how far off the coefficients are, in Markdown."""
    exact, noisy = _EXACT[language], _NOISY[language].format(noise=setting.noise)
    one, many = _ONE[language], _MANY[language].format(bags=setting.bags)
    truth = true_coefficients(setting.library)
    lines = [_HEADS[language], "| --- | --- | --- | ---: |"]
    for data, method, coefficients in (
        (exact, one, [f.exact for f in found]),
        (noisy, one, [f.single for f in found]),
        (noisy, many, [f.ensemble.coefficients for f in found]),
    ):
        right = sum(has_right_terms(c, truth) for c in coefficients)
        counted = _OF[language].format(right=right, seeds=len(found))
        worst = max(float(np.abs(c - truth).max()) for c in coefficients)
        lines.append(f"| {data} | {method} | {counted} | {worst:.1e} |")
    seconds = float(np.median([f.seconds for f in found]))
    return "\n".join([*lines, "", _CPU[language].format(seconds=seconds)])


def has_right_terms(coefficients: Floats, truth: Floats) -> bool:
    """Whether just the true terms have coefficients other than 0."""
    return bool(np.array_equal(coefficients != 0, truth != 0))


def equations(library: Library, coefficients: Floats) -> list[str]:
    """Each column as a line, "dx/dt = -10.000 x + 10.000 y"."""
    lines = []
    for variable, column in zip(library.variables, coefficients.T, strict=True):
        parts = [
            f"{'-' if value < 0 else '+'} {abs(value):.3f} {term}".removesuffix(" 1")
            for term, value in zip(library.terms, column, strict=True)
            if value
        ]
        right = re.sub(r"^- ", "-", " ".join(parts).removeprefix("+ "))
        lines.append(f"d{variable}/dt = {right or 0}")
    return lines
