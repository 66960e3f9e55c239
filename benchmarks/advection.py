"""The advection equation by fourcast and by DeepXDE: on the same points, in one thread.

DeepXDE (L. Lu, X. Meng, Z. Mao and G. E. Karniadakis, "DeepXDE: A deep learning library for solving
differential equations", SIAM Review 63 (2021), 208-228) trains as its own examples do: Adam, then
L-BFGS, from its own random first weights. Its network has as many neurons as ours.

    python -m benchmarks.advection
"""

import importlib.metadata
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tyro
from tqdm import tqdm

from benchmarks.serving.peers import CHECKOUT, Environment, InstallError
from fourcast_training.advection import problem
from fourcast_training.advection.problem import Floats, draw_points, grid
from fourcast_training.advection.train import AdvectionConfig

ENVIRONMENT = Environment("advection", ("deepxde==1.15.0",))
"""Where DeepXDE is installed: .peers/advection of the checkout. Torch is that of the project."""

SECONDS, ADAM_SHARE = 40.0, 0.1
"""Of processor time for a run of DeepXDE, and Adam's share; half was worse on seed 0 with sines."""

PEERS = {name: f"DeepXDE within {SECONDS:g} s, {name}" for name in ("sin", "tanh")}
"""DeepXDE by activation."""

SOLVERS = {
    "network": "fourcast, all weights, Levenberg-Marquardt",
    "features": "fourcast, random features, least squares",
    **PEERS,
    "control": "fourcast, all weights, again (control)",
}

ADAM_STEPS, ADAM_RATE = 15_000, 1e-3
"""As in DeepXDE's example of Burgers' equation, if there is time for so many."""

LBFGS_STEPS = 50
"""After so many the time is looked at; DeepXDE's own 1000 would overrun it by far."""

CALL = "from benchmarks.advection import answer; answer()"


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Solve the advection equation by ours and by DeepXDE, in turn, and print errors and times.

    Example: python -m benchmarks.advection --seeds 1 --without-peer
    """

    seeds: int = 3
    """How often each solver runs; every seed has its own points and first weights."""

    steps: int = AdvectionConfig.steps
    """Of our training."""

    without_peer: bool = False
    """Measure ours alone."""

    def __post_init__(self) -> None:
        """Refuse what cannot be measured, in words that name the flag."""
        if min(self.seeds, self.steps) < 1:
            raise ValueError(f"--seeds {self.seeds} --steps {self.steps}: each must be at least 1")

    def run(self) -> str:
        """Measure: a line on how, and a table.

        Raises:
            InstallError: If DeepXDE cannot be installed here.
            CalledProcessError: If a solver fails; its `stderr` says why.
        """
        solvers = [name for name in SOLVERS if not (self.without_peer and name in PEERS)]
        if not self.without_peer:
            ENVIRONMENT.install()
        load = os.getloadavg()[0]
        found: dict[str, list[list[float]]] = {solver: [] for solver in solvers}
        for seed in tqdm(range(self.seeds), unit="seed", disable=None):
            # Every other seed goes backwards, so that nothing always follows the same.
            for solver in solvers[:: -1 if seed % 2 else 1]:
                found[solver].append(_measure(solver, seed, self.steps))
        lines = [
            f"torch {importlib.metadata.version('torch')}, {ENVIRONMENT.requirements[0]}, one "
            f"thread; load {load:.1f} before, {os.getloadavg()[0]:.1f} after",
            "",
            "| solver | seeds | median relative L2 error | processor seconds |",
            "| --- | ---: | ---: | ---: |",
        ]
        for solver, figures in found.items():
            error, seconds = np.median(figures, axis=0)
            lines.append(f"| {SOLVERS[solver]} | {len(figures)} | {error:.1e} | {seconds:.3g} |")
        return "\n".join(lines)


def _measure(solver: str, seed: int, steps: int) -> list[float]:
    """The relative error and the processor seconds of one run, in a process of its own."""
    python = ENVIRONMENT.python if solver in PEERS else sys.executable
    # DeepXDE's Python finds all else where this one does, torch and NumPy among it.
    path = os.pathsep.join([str(CHECKOUT), *filter(None, sys.path)])
    variables = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "DDE_BACKEND": "pytorch"}
    finished = subprocess.run(
        [python, "-c", CALL, solver, str(seed), str(steps)],
        env={**os.environ, **variables, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(word) for word in finished.stdout.splitlines()[-1].split()]


def answer() -> None:
    """In the process of a run: do it; the last line on standard output has error and seconds."""
    solver, seed, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    solve = _theirs(solver, seed) if solver in PEERS else _ours(solver, seed, steps)
    begin = time.process_time()
    phi = solve()
    print(problem.relative_error(phi), time.process_time() - begin)


def _ours(solver: str, seed: int, steps: int) -> Callable[[], Floats]:
    """What is timed; what it imports is not."""
    from fourcast_training.advection.features import solve
    from fourcast_training.advection.trained import train_network

    points, hidden = draw_points(seed), AdvectionConfig.hidden
    if solver == "features":
        return lambda: solve(points, seed=seed).evaluate(*grid())
    return lambda: train_network(points, hidden, seed=seed, steps=steps).evaluate(*grid())


def _theirs(activation: str, seed: int) -> Callable[[], Floats]:
    """What is timed; what it imports is not."""
    import deepxde as dde

    class Limit(dde.callbacks.Callback):  # type: ignore[misc]  # deepxde has no types
        def on_epoch_end(self) -> None:
            self.model.stop_training |= time.process_time() >= self.end

    def equation(inputs: Any, phi: Any) -> Any:
        phi_t, phi_x = (dde.grad.jacobian(phi, inputs, i=0, j=j) for j in range(2))
        return phi_t + problem.SPEED * phi_x

    points = draw_points(seed)
    dde.config.set_default_float("float64")
    dde.config.set_random_seed(seed)
    square = dde.geometry.Rectangle([0, 0], [1, 1])
    periodic = dde.icbc.PeriodicBC(square, 1, lambda _, is_end: is_end)
    # It would look for points at the ends among those inside.
    periodic.collocation_points = lambda _: np.vstack([_pairs(points.boundary, x) for x in (0, 1)])
    wanted = problem.start(points.initial)[:, None]
    initial = dde.icbc.PointSetBC(_pairs(0.0, points.initial), wanted)
    inner = _pairs(points.inner_t, points.inner_x)
    data = dde.data.PDE(square, equation, [periodic, initial], anchors=inner)
    layers = [2, *AdvectionConfig.hidden, 1]
    model = dde.Model(data, dde.nn.FNN(layers, activation, "Glorot normal"))
    model.compile("adam", lr=ADAM_RATE)  # not timed, because it imports more of torch

    def solve() -> Floats:
        limit, begin = Limit(), time.process_time()
        limit.end = begin + ADAM_SHARE * SECONDS
        model.train(iterations=ADAM_STEPS, callbacks=[limit], verbose=0)
        dde.optimizers.config.LBFGS_options["iter_per_step"] = LBFGS_STEPS
        model.compile("L-BFGS")
        limit.end = begin + SECONDS
        model.train(callbacks=[limit], verbose=0)
        return np.asarray(model.predict(_pairs(*grid()))[:, 0])

    return solve


def _pairs(t: Floats | float, x: Floats | float) -> Floats:
    return np.stack(np.broadcast_arrays(t, x), axis=1)


def main() -> int:
    """Run the benchmark; the exit code."""
    # Ctrl-C reaches the process of a run, too, and neither has anything to tidy up.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    benchmark = tyro.cli(Benchmark, prog="python -m benchmarks.advection")
    try:
        print(benchmark.run())
    except (InstallError, subprocess.CalledProcessError) as error:
        why = error if isinstance(error, InstallError) else f"{error}\n{error.stderr}"
        print(f"benchmarks.advection: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
