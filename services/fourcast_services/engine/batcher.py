"""Requests of one served version: alone or together, now or in turn, or not at all.

A quick model that has nobody else to serve runs inline, in the event loop: handing a request to a
thread and back costs about as much as such a model. As soon as requests overlap they queue, and a
worker thread takes all that wait, up to the model's batch size, as one batch; while it runs, the
next ones gather. So nobody waits for company, and the busier the model the larger its batches.

Whether requests overlap cannot be seen while the event loop itself runs the model, so every
`_PROBE_EVERY`th one goes through the worker all the same.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from fourcast_models.model_config import Arrays, ModelConfig
from fourcast_services.calls import DeadlineError
from fourcast_services.engine.statistics import Statistics
from fourcast_services.metrics import BATCH_ROWS, DROPPED, QUEUE_SECONDS
from fourcast_services.overload import RETRY_AFTER_SECONDS, QueueFullError

INLINE_SECONDS = 0.002
"""The longest that a request may hold up the event loop."""

_PROBE_EVERY = 16
_QUEUED_AFTER_OVERLAP = 64
"""How many requests after two that overlapped go through the queue."""


@dataclass(slots=True, eq=False)
class _Request:
    """One request and the future of its answer."""

    inputs: Arrays
    rows: int
    shapes: tuple[tuple[int, ...], ...]
    deadline: float | None
    arrived_ns: int
    answer: "asyncio.Future[Arrays]"


@dataclass(slots=True)
class _Batch:
    """What a worker took from the queue, and what became of it."""

    requests: list[_Request]
    expired: list[_Request]
    cancelled: int
    rows: int
    answers: Sequence[Arrays | Exception]
    taken_ns: int = 0
    gathered_ns: int = 0
    ran_ns: int = 0
    split_ns: int = 0


class Batcher:
    """Runs one served version for any number of callers on one event loop."""

    def __init__(
        self,
        run: Callable[[Arrays], Arrays],
        config: ModelConfig,
        executor: Executor,
        *,
        row_seconds: float,
        max_waiting: int,
    ) -> None:
        """Offer a version.

        Args:
            run: Runs it on inputs that fit the config; called from the event loop's thread and from
                the executor's.
            config: Its batch size, its batching and how many batches may run at the same time.
            executor: Runs the batches.
            row_seconds: How long one row takes, as measured; decides what may run inline.
            max_waiting: How many requests may wait, if the config does not say so itself.
        """
        batching = config.batching
        self.statistics = Statistics()
        self._run = run
        self._executor = executor
        self._instances = config.instances
        self._rows_limit = config.max_batch_size if batching is not None else 1
        self._delay = batching.delay if batching is not None else 0.0
        self._max_waiting = (batching.max_waiting if batching is not None else 0) or max_waiting
        self._has_rows = bool(config.max_batch_size)
        self._inline_rows = INLINE_SECONDS / row_seconds if not self._delay else 0.0
        self._queue: deque[_Request] = deque()
        self._taking = threading.Lock()
        self._running = 0
        self._timer: asyncio.TimerHandle | None = None
        self._queued_for_overlap = 0
        self._since_probe = 0
        self._idle: asyncio.Event | None = None
        self._model = config.name
        self._queue_seconds = QUEUE_SECONDS.labels(config.name)
        self._batch_rows = BATCH_ROWS.labels(config.name)

    def submit(self, inputs: Arrays, deadline: float | None) -> "asyncio.Future[Arrays]":
        """Have a request answered; the future fails with what the model raised.

        Args:
            inputs: Arrays that fit the config.
            deadline: After this time, in `time.monotonic` seconds, the request does not run any
                more and its future fails with a `DeadlineError`; None for never.

        Raises:
            QueueFullError: If too many requests wait already.
        """
        first = next(iter(inputs.values()))
        rows = first.shape[0] if self._has_rows else 1
        request = _Request(
            inputs,
            rows,
            tuple(array.shape[self._has_rows :] for array in inputs.values()),
            deadline,
            time.perf_counter_ns(),
            asyncio.get_running_loop().create_future(),
        )
        if self._may_run_inline(rows):
            self._answer(self._execute(self._sort_out([request])))
            return request.answer
        if len(self._queue) >= self._max_waiting:
            DROPPED.labels(self._model, "full").inc()
            raise QueueFullError(
                f"{len(self._queue)} requests for model {self._model!r} wait already; "
                "try again later",
                RETRY_AFTER_SECONDS,
            )
        self._queue.append(request)
        self._start()
        return request.answer

    async def drain(self) -> None:
        """Wait until every request that was submitted has been answered."""
        while self._queue or self._running:
            self._idle = asyncio.Event()
            await self._idle.wait()

    def _may_run_inline(self, rows: int) -> bool:
        if self._running or self._queue:
            self._queued_for_overlap = _QUEUED_AFTER_OVERLAP
            return False
        if rows > self._inline_rows:
            return False
        if self._queued_for_overlap:
            self._queued_for_overlap -= 1
            return False
        self._since_probe = (self._since_probe + 1) % _PROBE_EVERY
        return self._since_probe > 0

    def _start(self) -> None:
        """Set workers to the queue, or a timer if its requests are to wait for company."""
        if not self._queue or self._running >= self._instances:
            return
        if self._delay:
            waited = (time.perf_counter_ns() - self._queue[0].arrived_ns) / 1e9
            wanted = (request.rows for request in self._queue if not request.answer.done())
            full = sum(wanted) >= self._rows_limit
            if not full and waited < self._delay:
                if self._timer is None:
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(self._delay - waited, self._start_after_delay)
                return
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        self._running += 1
        self._executor.submit(self._work, asyncio.get_running_loop())

    def _start_after_delay(self) -> None:
        self._timer = None
        self._start()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """In a worker thread: batch after batch, until none waits."""
        batch = self._take()
        if batch is None:
            # Another worker was quicker.
            loop.call_soon_threadsafe(self._end)
        while batch is not None:
            ran = self._execute(batch)
            batch = None if self._delay else self._take()
            # Answers and the worker's end go together: a caller that comes back at once would
            # otherwise find it still running, and take that for company.
            loop.call_soon_threadsafe(self._answer_from_worker, ran, batch is None)

    def _answer_from_worker(self, batch: _Batch, ended: bool) -> None:
        if ended:
            self._end()
        self._answer(batch)

    def _end(self) -> None:
        self._running -= 1
        # One that was submitted after the worker had looked would wait for ever.
        self._start()
        if self._idle is not None and not self._queue and not self._running:
            self._idle.set()

    def _take(self) -> _Batch | None:
        """The requests at the head of the queue that can run together; None if there are none."""
        taken: list[_Request] = []
        rows = 0
        with self._taking:
            while self._queue:
                request = self._queue[0]
                fits = request.shapes == taken[0].shapes if taken else True
                if taken and (not fits or rows + request.rows > self._rows_limit):
                    break
                taken.append(self._queue.popleft())
                # One whose caller has gone takes no room.
                rows += 0 if request.answer.done() else request.rows
        return self._sort_out(taken) if taken else None

    def _sort_out(self, taken: list[_Request]) -> _Batch:
        """Leave out those whose callers have gone."""
        now = time.monotonic()
        requests, expired, cancelled = [], [], 0
        for request in taken:
            if request.answer.done():
                cancelled += 1
            elif request.deadline is not None and request.deadline <= now:
                expired.append(request)
            else:
                requests.append(request)
        rows = sum(request.rows for request in requests)
        return _Batch(requests, expired, cancelled, rows, [])

    def _execute(self, batch: _Batch) -> _Batch:
        batch.taken_ns = time.perf_counter_ns()
        if not batch.requests:
            return batch
        try:
            inputs = _gather(batch.requests)
            batch.gathered_ns = time.perf_counter_ns()
            outputs = self._run(inputs)
            batch.ran_ns = time.perf_counter_ns()
            batch.answers = list(_split(outputs, batch.requests))
            batch.split_ns = time.perf_counter_ns()
        except Exception as error:  # noqa: BLE001 - onnxruntime's errors share no base; each is an answer
            if len(batch.requests) == 1:
                batch.answers = [error]
            else:
                # One request's bad values must not fail its neighbours.
                batch.answers = [self._run_alone(request) for request in batch.requests]
        return batch

    def _run_alone(self, request: _Request) -> Arrays | Exception:
        try:
            return self._run(request.inputs)
        except Exception as error:  # noqa: BLE001 - as in _execute
            return error

    def _answer(self, batch: _Batch) -> None:
        """In the event loop: give the answers out and count."""
        statistics = self.statistics
        for request, answer in zip(batch.requests, batch.answers, strict=True):
            waited_ns = batch.taken_ns - request.arrived_ns
            statistics.queue.add(waited_ns)
            self._queue_seconds.observe(waited_ns / 1e9)
            if request.answer.done():
                # Its caller went while it ran.
                continue
            if isinstance(answer, Exception):
                request.answer.set_exception(answer)
            else:
                request.answer.set_result(answer)
        if batch.requests:
            self._batch_rows.observe(batch.rows)
        if batch.split_ns:
            statistics.add_batch(
                batch.rows,
                batch.gathered_ns - batch.taken_ns,
                batch.ran_ns - batch.gathered_ns,
                batch.split_ns - batch.ran_ns,
            )
        for request in batch.expired:
            if not request.answer.done():
                request.answer.set_exception(DeadlineError())
        if batch.expired:
            DROPPED.labels(self._model, "expired").inc(len(batch.expired))
        if batch.cancelled:
            DROPPED.labels(self._model, "cancelled").inc(batch.cancelled)


def _gather(requests: Sequence[_Request]) -> Arrays:
    """The inputs of several requests as one."""
    first = requests[0].inputs
    if len(requests) == 1:
        return first
    return {name: np.concatenate([request.inputs[name] for request in requests]) for name in first}


def _split(outputs: Arrays, requests: Sequence[_Request]) -> Sequence[Arrays]:
    """Each request's rows of the outputs."""
    if len(requests) == 1:
        return [outputs]
    answers = []
    start = 0
    for request in requests:
        end = start + request.rows
        answers.append({name: array[start:end] for name, array in outputs.items()})
        start = end
    return answers
