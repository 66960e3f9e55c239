"""The ceiling: onnxruntime called in this very process, with nothing around it.

    python -m benchmarks.serving.baseline --workload DIR --seconds 3

prints a line of JSON (`rounds.Baseline`).
"""

import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import onnxruntime
import tyro

from benchmarks.serving.rounds import Baseline
from benchmarks.serving.workload import BATCH_ROWS, Workload

WARM_UP_CALLS = 50


def open_session(weights: Path) -> "onnxruntime.InferenceSession":
    """A session as every server here opens it: one thread, which does not spin."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])


def measure(workload: Workload, seconds: float) -> Baseline:
    """Call onnxruntime again and again.

    Args:
        workload: What to ask.
        seconds: How long, for single calls and for batches each.
    """
    session = open_session(workload.weights)
    with np.load(workload.answers) as answers:
        boards = answers["board"]
    single, batch = {"board": boards[:1]}, {"board": boards[:BATCH_ROWS]}
    for _ in range(WARM_UP_CALLS):
        session.run(None, single)
        session.run(None, batch)
    latencies = []
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        session.run(None, single)
        latencies.append(time.perf_counter() - start)
    calls, cpu, end = 0, time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < end:
        session.run(None, batch)
        calls += 1
    cpu = time.process_time() - cpu
    best_decile, median = np.quantile(latencies, (0.1, 0.5))
    return Baseline(float(best_decile), float(median), calls * BATCH_ROWS / cpu)


def main(
    workload: Annotated[Path, tyro.conf.arg(metavar="DIR")],
    seconds: Annotated[float, tyro.conf.arg(metavar="S")] = 3.0,
) -> int:
    """Measure onnxruntime itself.

    Args:
        workload: The folder that `make_workload` wrote.
        seconds: How long to call it with single positions, and how long with batches.
    """
    print(json.dumps(dataclasses.asdict(measure(Workload.load(workload), seconds))))
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
