"""What a run found, measured from several seeds, and as a table in English or Spanish."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from tqdm import tqdm

from fourcast_training.advection.classical import fourier, lax_wendroff
from fourcast_training.advection.features import solve
from fourcast_training.advection.inverse import find_speed, measure_solution
from fourcast_training.advection.problem import (
    SPEED,
    Floats,
    Points,
    draw_points,
    grid,
    relative_error,
)
from fourcast_training.advection.trained import train_network
from fourcast_training.lessons.presentation import Language, Text

Solver = Literal["features", "network", "lax_wendroff", "fourier"]
"""The first two are networks, and can be published."""

SOLVERS: dict[Solver, Text] = {
    "features": Text(
        en="random features, least squares", es="características aleatorias, mínimos cuadrados"
    ),
    "network": Text(
        en="all weights trained, Levenberg-Marquardt",
        es="todos los pesos entrenados, Levenberg-Marquardt",
    ),
    "lax_wendroff": Text(en="scheme of Lax and Wendroff", es="esquema de Lax y Wendroff"),
    "fourier": Text(en="Fourier series", es="serie de Fourier"),
}

FAST = (31, 63)
"""Speeds at which the wave goes round that many times, solved in as many windows."""

_HEADS = Text(
    en="| solver | seeds | median error | largest error | processor time |",
    es="| método | semillas | error mediano | error máximo | tiempo de procesador |",
)
_WINDOWS = Text(
    en="random features, u = {speed}, {speed} windows in time",
    es="características aleatorias, u = {speed}, {speed} ventanas de tiempo",
)
_INVERSE = Text(
    en="u from 200 measurements with an error of 5 %: at most {worst:.2%} off in {seeds} seeds.",
    es="u a partir de 200 medidas con un error del 5 %: a lo sumo {worst:.2%} de desviación en "
    "{seeds} semillas.",
)


@dataclass(frozen=True)
class Figures:
    """Of a solver, a number for each seed.

    Attributes:
        errors: Relative L2 errors over the square.
        seconds: Processor time, all threads together.
    """

    errors: tuple[float, ...]
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Measured:
    """All that a run measures.

    Attributes:
        solvers: Figures by solver.
        fast: Figures of the random features by speed.
        speeds: u as found from noisy measurements, from each seed; right is `SPEED`.
    """

    solvers: dict[Solver, Figures]
    fast: dict[int, Figures]
    speeds: tuple[float, ...]

    @property
    def worst_speed(self) -> float:
        """The largest relative error of a found speed."""
        return float(np.max(np.abs(np.array(self.speeds) - SPEED)) / SPEED)


def measure_all(hidden: tuple[int, ...], steps: int, *, seeds: int, network_seeds: int) -> Measured:
    """Solve by every method; seed k draws the points, the weights and the noise of run k.

    Args:
        hidden: Neurons of the trained network's hidden layers.
        steps: Of its training.
        seeds: Of the random features and of the inverse problem.
        network_seeds: Of the trained network.
    """
    t, x = grid()

    def features(speed: float, windows: int) -> Callable[[int, Points], Floats]:
        return lambda seed, points: solve(points, seed=seed, speed=speed, windows=windows).evaluate(
            t, x
        )

    def network(seed: int, points: Points) -> Floats:
        return train_network(points, hidden, seed=seed, steps=steps).evaluate(t, x)

    fast = {speed: _measure(features(speed, speed), seeds, speed) for speed in FAST}
    solvers: dict[Solver, Figures] = {
        "features": _measure(features(SPEED, 1), seeds),
        "network": _measure(network, network_seeds),
        "lax_wendroff": _measure(lambda *_: lax_wendroff(), 1),
        "fourier": _measure(lambda *_: fourier(), 1),
    }
    speeds = [
        find_speed(measure_solution(seed=seed), draw_points(seed), seed=seed)
        for seed in range(seeds)
    ]
    return Measured(solvers, fast, tuple(speeds))


def table(measured: Measured, language: Language) -> str:
    """The figures in Markdown."""
    rows = {SOLVERS[solver][language]: row for solver, row in measured.solvers.items()}
    rows |= {_WINDOWS[language].format(speed=speed): row for speed, row in measured.fast.items()}
    lines = [_HEADS[language], "| --- | ---: | ---: | ---: | ---: |"]
    lines += [
        f"| {name} | {len(row.errors)} | {np.median(row.errors):.1e} | {max(row.errors):.1e} | "
        f"{np.median(row.seconds):.3g} s |"
        for name, row in rows.items()
    ]
    return "\n".join(lines)


def summary(measured: Measured, language: Language) -> str:
    """The inverse problem as a sentence."""
    return _INVERSE[language].format(worst=measured.worst_speed, seeds=len(measured.speeds))


def _measure(solver: Callable[[int, Points], Floats], seeds: int, speed: float = SPEED) -> Figures:
    errors, seconds = [], []
    for seed in tqdm(range(seeds), desc="seeds", leave=False, unit="seed", disable=None):
        points = draw_points(seed)
        begin = time.process_time()
        phi = solver(seed, points)
        seconds.append(time.process_time() - begin)
        errors.append(relative_error(phi, speed))
    return Figures(tuple(errors), tuple(seconds))
