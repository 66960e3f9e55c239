"""How long a published network takes for one input."""

import time
from pathlib import Path

import numpy as np

from fourcast_models.model_config import Arrays
from fourcast_training.export import open_onnx

_WARM_UP, _TIMED = 20, 300
"""Answers that find cold caches, and those that are timed."""


def milliseconds_of_one(weights: Path, inputs: Arrays) -> tuple[float, float]:
    """Processor time of an answer on one core, median and 95th percentile, in milliseconds.

    Args:
        weights: A published file.
        inputs: By name, each with a leading dimension of 1.
    """
    run = open_onnx(weights, threads=1)
    times = []
    for _ in range(_WARM_UP + _TIMED):
        start = time.process_time_ns()
        run(inputs)
        times.append((time.process_time_ns() - start) / 1e6)
    median, high = np.percentile(times[_WARM_UP:], [50, 95])
    return float(median), float(high)
