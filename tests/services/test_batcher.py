"""The batcher: what runs together, in which order, and what does not run at all."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from prometheus_client import REGISTRY

from fourcast_models.model_config import FREE, Arrays, Batching, ModelConfig, TensorSpec
from fourcast_services.calls import DeadlineError
from fourcast_services.engine.batcher import Batcher
from fourcast_services.overload import QueueFullError

CONFIG = ModelConfig(
    name="negate",
    inputs=(TensorSpec("x", np.dtype(np.int64), (FREE,)),),
    outputs=(TensorSpec("y", np.dtype(np.int64), (FREE,)),),
    max_batch_size=8,
    batching=Batching(),
)
SLOW = 1.0
"""Seconds a row, so that nothing runs inline."""
QUICK = 1e-6
POISON = 1313


def rows(*values: int, width: int = 1) -> Arrays:
    return {"x": np.repeat(np.array(values).reshape(-1, 1), width, axis=1)}


@dataclass
class Model:
    """Negates, and keeps what it was given; the gate holds every run until it is open."""

    batches: list[list[int]] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def run(self, inputs: Arrays) -> Arrays:
        self.entered.release()
        assert self.gate.wait(60)
        self.batches.append(inputs["x"][:, 0].tolist())
        self.threads.append(threading.current_thread().name)
        if (inputs["x"] == POISON).any():
            raise ArithmeticError(POISON)
        return {"y": -inputs["x"]}


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4, thread_name_prefix="engine") as executor:
        yield executor


@pytest.fixture
def model() -> Iterator[Model]:
    model = Model()
    yield model
    model.gate.set()


@pytest.fixture
def make(executor: ThreadPoolExecutor, model: Model) -> Callable[..., Batcher]:
    def make(config: ModelConfig = CONFIG, seconds: float = SLOW, waiting: int = 100) -> Batcher:
        return Batcher(model.run, config, executor, row_seconds=seconds, max_waiting=waiting)

    return make


async def entered(model: Model) -> None:
    """Wait until the model has been called once more."""
    assert await asyncio.to_thread(model.entered.acquire, timeout=60)


async def test_what_waits_together_runs_together(
    make: Callable[..., Batcher], model: Model
) -> None:
    batcher = make()
    answers = [batcher.submit(rows(0), None)]
    await entered(model)
    answers += [batcher.submit(rows(value), None) for value in (1, 2, 3)]
    answers.append(batcher.submit(rows(4, 5), None))
    model.gate.set()
    outputs = [(await answer)["y"][:, 0].tolist() for answer in answers]
    assert outputs == [[0], [-1], [-2], [-3], [-4, -5]]
    assert model.batches == [[0], [1, 2, 3, 4, 5]]
    assert (batcher.statistics.inferences, batcher.statistics.executions) == (6, 2)
    assert batcher.statistics.by_batch_size[5].compute_infer.count == 1


async def test_batches_keep_to_the_model_s_size(make: Callable[..., Batcher], model: Model) -> None:
    batcher = make()
    answers = [batcher.submit(rows(0), None)]
    await entered(model)
    answers += [batcher.submit(rows(value, value, value), None) for value in range(1, 5)]
    model.gate.set()
    await asyncio.gather(*answers)
    assert [len(batch) for batch in model.batches] == [1, 6, 6]


async def test_only_equal_shapes_run_together(make: Callable[..., Batcher], model: Model) -> None:
    batcher = make()
    answers = [batcher.submit(rows(0), None)]
    await entered(model)
    answers += [batcher.submit(rows(1, width=width), None) for width in (2, 2, 3, 2)]
    model.gate.set()
    shapes = [output["y"].shape for output in await asyncio.gather(*answers)]
    assert shapes == [(1, 1), (1, 2), (1, 2), (1, 3), (1, 2)]
    assert [len(batch) for batch in model.batches] == [1, 2, 1, 1]


@pytest.mark.parametrize(
    "config",
    [replace(CONFIG, batching=None), replace(CONFIG, batching=None, max_batch_size=0)],
    ids=["batching off", "no batch dimension"],
)
async def test_without_batching_each_runs_alone(
    make: Callable[..., Batcher], model: Model, config: ModelConfig
) -> None:
    model.gate.set()
    batcher = make(config)
    answers = [batcher.submit(rows(value, value), None) for value in range(4)]
    await asyncio.gather(*answers)
    assert model.batches == [[0, 0], [1, 1], [2, 2], [3, 3]]


async def test_instances_run_side_by_side(make: Callable[..., Batcher], model: Model) -> None:
    batcher = make(replace(CONFIG, instances=2))
    answers = [batcher.submit(rows(0), None)]
    await entered(model)
    answers.append(batcher.submit(rows(1), None))
    # The second one is inside the model while the first is still there.
    await entered(model)
    model.gate.set()
    await asyncio.gather(*answers)
    assert sorted(model.batches) == [[0], [1]]


async def test_a_delay_gathers_requests_and_a_full_batch_ends_it(
    make: Callable[..., Batcher], model: Model
) -> None:
    model.gate.set()
    batcher = make(replace(CONFIG, batching=Batching(delay=3600.0)))
    answers = [batcher.submit(rows(value), None) for value in range(7)]
    await asyncio.sleep(0)
    assert model.batches == []
    answers.append(batcher.submit(rows(7), None))
    await asyncio.wait_for(asyncio.gather(*answers), 60)
    assert model.batches == [list(range(8))]


async def test_a_delay_ends_by_itself(make: Callable[..., Batcher], model: Model) -> None:
    model.gate.set()
    batcher = make(replace(CONFIG, batching=Batching(delay=0.01)))
    answers = [batcher.submit(rows(value), None) for value in range(3)]
    await asyncio.wait_for(asyncio.gather(*answers), 60)
    assert model.batches == [[0, 1, 2]]


async def test_a_lonely_quick_request_runs_inline(
    make: Callable[..., Batcher], model: Model
) -> None:
    model.gate.set()
    batcher = make(seconds=QUICK)
    for value in range(40):
        await batcher.submit(rows(value), None)
    here = threading.current_thread().name
    inline = [name == here for name in model.threads]
    # All but the probes, one of sixteen.
    assert inline.count(False) == 2
    assert model.batches == [[value] for value in range(40)]


async def test_overlapping_quick_requests_queue(make: Callable[..., Batcher], model: Model) -> None:
    model.gate.set()
    batcher = make(seconds=QUICK)
    # The sixteenth is a probe, and the others arrive before it has been answered.
    await asyncio.gather(*[batcher.submit(rows(value), None) for value in range(50)])
    assert model.batches[:15] == [[value] for value in range(15)]
    assert [value for batch in model.batches for value in batch] == list(range(50))
    assert len(model.batches) < 50


async def test_a_full_queue_turns_callers_away(make: Callable[..., Batcher], model: Model) -> None:
    batcher = make(waiting=2)
    answers = [batcher.submit(rows(0), None)]
    await entered(model)
    answers += [batcher.submit(rows(value), None) for value in (1, 2)]
    with pytest.raises(QueueFullError, match="2 requests for model 'negate' wait") as caught:
        batcher.submit(rows(3), None)
    assert caught.value.retry_after > 0
    model.gate.set()
    await asyncio.gather(*answers)
    assert model.batches == [[0], [1, 2]]


async def test_config_bounds_the_queue(make: Callable[..., Batcher], model: Model) -> None:
    batcher = make(replace(CONFIG, batching=Batching(max_waiting=1)), waiting=100)
    answers = [batcher.submit(rows(0), None)]
    await entered(model)
    answers.append(batcher.submit(rows(1), None))
    with pytest.raises(QueueFullError):
        batcher.submit(rows(2), None)
    model.gate.set()
    await asyncio.gather(*answers)


def dropped(reason: str) -> float:
    labels = {"model": "negate", "reason": reason}
    return REGISTRY.get_sample_value("fourcast_dropped_total", labels) or 0.0


@pytest.mark.parametrize("seconds", [SLOW, QUICK], ids=["queued", "inline"])
async def test_expired_requests_never_run(
    make: Callable[..., Batcher], model: Model, seconds: float
) -> None:
    model.gate.set()
    before = dropped("expired")
    batcher = make(seconds=seconds)
    with pytest.raises(DeadlineError):
        await batcher.submit(rows(1), time.monotonic() - 0.001)
    await batcher.submit(rows(2), time.monotonic() + 3600)
    assert model.batches == [[2]]
    assert dropped("expired") == before + 1


async def test_cancelled_requests_never_run(make: Callable[..., Batcher], model: Model) -> None:
    before = dropped("cancelled")
    batcher = make()
    first = batcher.submit(rows(0), None)
    await entered(model)
    cancelled, kept = batcher.submit(rows(1), None), batcher.submit(rows(2), None)
    cancelled.cancel()
    model.gate.set()
    await asyncio.gather(first, kept)
    assert model.batches == [[0], [2]]
    assert dropped("cancelled") == before + 1


async def test_a_bad_request_does_not_fail_its_neighbours(
    make: Callable[..., Batcher], model: Model
) -> None:
    batcher = make()
    first = batcher.submit(rows(0), None)
    await entered(model)
    answers = [batcher.submit(rows(value), None) for value in (12, POISON, 14)]
    model.gate.set()
    await first
    good, bad, other = await asyncio.gather(*answers, return_exceptions=True)
    assert isinstance(bad, ArithmeticError)
    for answer, value in ((good, 12), (other, 14)):
        assert not isinstance(answer, BaseException)
        assert answer["y"].tolist() == [[-value]]


async def test_drain_waits_for_the_last(make: Callable[..., Batcher], model: Model) -> None:
    batcher = make()
    answers = [batcher.submit(rows(0), None)]
    await entered(model)
    answers.append(batcher.submit(rows(1), None))
    drain = asyncio.create_task(batcher.drain())
    await asyncio.sleep(0)
    assert not drain.done()
    model.gate.set()
    await asyncio.wait_for(drain, 60)
    assert model.batches == [[0], [1]]
    await asyncio.gather(*answers)
