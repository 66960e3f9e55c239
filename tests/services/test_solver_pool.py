"""Solver slots: bounded, freed by cancellation, and never used by two searches at once."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from fourcast_models.connect4.board import EMPTY_BOARD, parse_moves
from fourcast_models.connect4.solver import Solver
from fourcast_services.overload import QueueFullError
from fourcast_services.solver_pool import PoolClosedError, SolverPool

LATE = parse_moves("2252576253462244111563365343671351441")
LATE_SCORE = -1


def small_solver() -> Solver:
    # Without a book the empty board takes minutes: a search that must be stopped.
    return Solver(table_mebibytes=1)


def search_empty_board(solver: Solver) -> int:
    return solver.score(EMPTY_BOARD)


def score_late(solver: Solver) -> int:
    return solver.score(LATE)


@pytest.fixture
async def pool() -> AsyncIterator[SolverPool]:
    pool = SolverPool(small_solver, slots=1, max_waiting=1)
    yield pool
    assert await pool.close(patience=60)


async def started(pool: SolverPool) -> asyncio.Task[int]:
    """A search that runs in the pool's only slot for minutes."""
    running = asyncio.Event()
    loop = asyncio.get_running_loop()

    def search(solver: Solver) -> int:
        loop.call_soon_threadsafe(running.set)
        return search_empty_board(solver)

    task = asyncio.create_task(pool.run(search))
    await running.wait()
    return task


async def test_result(pool: SolverPool) -> None:
    assert await pool.run(score_late) == LATE_SCORE


async def test_errors_of_the_work_pass_through_and_free_the_slot(pool: SolverPool) -> None:
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda _: 1 // 0)
    assert await pool.run(score_late) == LATE_SCORE


async def test_cancellation_stops_the_search_and_frees_the_slot(pool: SolverPool) -> None:
    task = await started(pool)
    waiting = asyncio.create_task(pool.run(score_late))
    await asyncio.sleep(0)
    task.cancel()
    # The next call gets the one slot; it would wait for minutes if the search went on.
    assert await waiting == LATE_SCORE
    assert task.cancelled()


async def test_cancelled_while_waiting_never_starts(pool: SolverPool) -> None:
    task = await started(pool)
    ran = threading.Event()
    waiting = asyncio.create_task(pool.run(lambda _: ran.set()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    task.cancel()
    assert await pool.run(score_late) == LATE_SCORE
    assert not ran.is_set()


async def test_full_queue_is_refused_and_says_when_to_come_back(pool: SolverPool) -> None:
    task = await started(pool)
    waiting = asyncio.create_task(pool.run(score_late))
    await asyncio.sleep(0)
    with pytest.raises(QueueFullError) as caught:
        await pool.run(score_late)
    assert caught.value.retry_after > 0
    task.cancel()
    assert await waiting == LATE_SCORE
    assert await pool.run(score_late) == LATE_SCORE


async def test_closing_ends_running_and_waiting_calls() -> None:
    pool = SolverPool(small_solver, slots=1, max_waiting=1)
    task = await started(pool)
    waiting = asyncio.create_task(pool.run(score_late))
    await asyncio.sleep(0)
    assert await pool.close(patience=60)
    for call in (task, waiting, asyncio.create_task(pool.run(score_late))):
        with pytest.raises(PoolClosedError, match="stopping"):
            await call


async def test_slots_work_side_by_side_and_no_solver_twice() -> None:
    pool = SolverPool(small_solver, slots=2, max_waiting=8)
    both = threading.Barrier(2, timeout=60)
    solvers: list[Solver] = []

    def meet(solver: Solver) -> None:
        solvers.append(solver)
        both.wait()

    await asyncio.gather(*(pool.run(meet) for _ in range(6)))
    assert len({id(solver) for solver in solvers}) == 2
    assert await pool.close(patience=60)
