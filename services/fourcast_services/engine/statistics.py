"""What a served version has done so far, as the Open Inference Protocol reports it."""

import time
from collections import defaultdict
from dataclasses import dataclass, field


@dataclass(slots=True)
class Duration:
    """How often something was done, and how long it took altogether.

    Attributes:
        count: How often.
        ns: The sum of its times, in nanoseconds.
    """

    count: int = 0
    ns: int = 0

    def add(self, ns: int, count: int = 1) -> None:
        """Count what took some time."""
        self.count += count
        self.ns += ns


@dataclass(slots=True)
class BatchTimes:
    """The times of the batches of one size."""

    compute_input: Duration = field(default_factory=Duration)
    compute_infer: Duration = field(default_factory=Duration)
    compute_output: Duration = field(default_factory=Duration)


@dataclass(slots=True)
class Statistics:
    """One version's counters since it was loaded. To be used from one event loop.

    Attributes:
        inferences: Rows that were answered.
        executions: Batches that ran.
        last_inference_ms: When the last batch ended, in milliseconds since 1970; 0 for never.
        success: Requests that were answered, from their arrival to their answer.
        fail: Requests that were not.
        queue: How long requests waited for their batch.
        by_batch_size: The batches' own times, by their number of rows.
    """

    inferences: int = 0
    executions: int = 0
    last_inference_ms: int = 0
    success: Duration = field(default_factory=Duration)
    fail: Duration = field(default_factory=Duration)
    queue: Duration = field(default_factory=Duration)
    by_batch_size: defaultdict[int, BatchTimes] = field(
        default_factory=lambda: defaultdict(BatchTimes)
    )

    def add_batch(self, rows: int, input_ns: int, infer_ns: int, output_ns: int) -> None:
        """Count a batch that has run."""
        times = self.by_batch_size[rows]
        times.compute_input.add(input_ns)
        times.compute_infer.add(infer_ns)
        times.compute_output.add(output_ns)
        self.inferences += rows
        self.executions += 1
        self.last_inference_ms = time.time_ns() // 1_000_000
