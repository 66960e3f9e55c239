"""How long forecasts take: the network at batch 1, calls of the service, and a backtest.

    python -m benchmarks.forecast.speed

The service and the caller share this machine, so a busy one says little. `compute` is what the
service itself counts for the network; the rest of a call reads the series, asks the network about
the days before, and corrects the intervals.
"""

import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import tritonclient.grpc as triton
import tyro
from tritonclient.utils import np_to_triton_dtype

from benchmarks.own_service import ServiceError, own_service
from fourcast_clients.api import Fourcast, FourcastError
from fourcast_models.repository import RepositoryError, default_repository
from fourcast_models.sequence.codec import PUBLISHED
from fourcast_models.sequence.prices_file import write_series
from fourcast_models.sequence.series import Series
from fourcast_training.sequence.generated import generate

BACKTEST_DAYS = 1000
LONG = 500
"""Days of a series that is long enough for every correction."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Print how long a forecast takes with each model.

    Example: python -m benchmarks.forecast.speed --calls 50
    """

    calls: Annotated[int, tyro.conf.arg(metavar="N")] = 200
    """How many of each kind; the median is printed."""

    models: Annotated[
        Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: of this checkout)")
    ] = None
    """The model repository that is served."""

    def __post_init__(self) -> None:
        """Refuse what cannot be measured.

        Raises:
            ValueError: If a flag's value is wrong; the text names the flag.
        """
        if self.calls < 1:
            raise ValueError(f"--calls is {self.calls}, but must be at least 1")

    def run(self) -> None:
        """Measure, and print the table line by line.

        Raises:
            RepositoryError: If there are no models to serve.
            ServiceError: If the benchmark's own service does not start.
            FourcastError: If a call fails.
        """
        repository = self.models or default_repository()
        names = sorted(folder.name for folder in repository.glob("forecast_*"))
        if not names:
            raise RepositoryError(f"{repository} has no model whose name begins with forecast_")
        series = generate("garch", BACKTEST_DAYS + LONG, seed=0)
        print(
            f"{self.calls} calls of each kind; medians in milliseconds, the backtest in seconds\n"
        )
        print(
            f"| model | compute, batch 1 | ModelInfer | Forecast, {PUBLISHED.window} days "
            f"| Forecast, {LONG} days | Backtest, {BACKTEST_DAYS} days |"
        )
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        with own_service(repository) as server, Fourcast(server) as fourcast:
            fourcast.wait_until_ready()
            for name in names:
                print(self._row(name, server, fourcast, series), flush=True)

    def _row(self, name: str, server: str, fourcast: Fourcast, series: Series) -> str:
        compute, infer = self._infer(name, server, series)
        calls = [
            self._median(
                partial(
                    fourcast.forecast.predict, csv=write_series(last_days(series, days)), model=name
                )
            )
            for days in (PUBLISHED.window, LONG)
        ]
        start = time.perf_counter()
        fourcast.forecast.backtest(csv=write_series(series), test_days=BACKTEST_DAYS, model=name)
        seconds = time.perf_counter() - start
        cells = " | ".join(f"{1e3 * value:.2f}" for value in (compute, infer, *calls))
        return f"| {name} | {cells} | {seconds:.1f} |"

    def _infer(self, name: str, server: str, series: Series) -> tuple[float, float]:
        """Seconds of a single row: what the service counts for the network, and the whole call."""
        encoded = PUBLISHED.encode(series, np.array([len(series) - 1]))
        inputs = []
        for spec in PUBLISHED.inputs:
            kind = np_to_triton_dtype(spec.dtype)
            inputs.append(triton.InferInput(spec.name, encoded[spec.name].shape, kind))
            inputs[-1].set_data_from_numpy(encoded[spec.name])
        with closing(triton.InferenceServerClient(server)) as client:
            client.infer(name, inputs)
            before = _compute(client, name)
            call = self._median(partial(client.infer, name, inputs))
            after = _compute(client, name)
        nanoseconds, count = (last - first for first, last in zip(before, after, strict=True))
        return nanoseconds / count / 1e9, call

    def _median(self, call: Callable[[], object]) -> float:
        """Seconds."""
        seconds = []
        for _ in range(self.calls):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
        return float(np.median(seconds))


def last_days(series: Series, days: int) -> Series:
    """The end of a series."""
    return Series(series.name, series.days[-days:], series.closes[-days:])


def _compute(client: triton.InferenceServerClient, name: str) -> tuple[int, int]:
    """Nanoseconds that the network has run so far, and how often."""
    (model,) = client.get_inference_statistics(name).model_stats
    spent = model.inference_stats.compute_infer
    return spent.ns, spent.count


def main() -> int:
    """Run the benchmark from the command line.

    Returns:
        The exit code: 0, or 1 if something needed failed. Wrong flags exit with 2.
    """
    try:
        tyro.cli(Benchmark).run()
    except (FourcastError, RepositoryError, ServiceError, ValueError) as error:
        print(f"speed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
