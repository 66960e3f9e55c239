"""Exact solvers in worker threads: a few slots, a bounded queue, searches that can be stopped."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from fourcast_services.overload import QueueFullError

if TYPE_CHECKING:
    # numba and the solver's table cost seconds and memory: only a request that searches pays.
    from fourcast_models.connect4.solver import Solver

RETRY_AFTER_SECONDS = 2.0
"""When a caller who was turned away should come back."""

_STOP_INTERVAL_SECONDS = 0.02

_Result = TypeVar("_Result")

_log = logging.getLogger(__name__)


class PoolClosedError(Exception):
    """The pool has closed; the server is about to end."""

    def __init__(self) -> None:
        super().__init__("the server is stopping; try again when it is back")


@dataclass(slots=True)
class _Slot:
    """A place for one search at a time; its solver is made by the first."""

    solver: "Solver | None" = None


class SolverPool:
    """Runs work on exact solvers, one call at a time each.

    A cancelled call leaves the queue, or has its search stopped; its slot is free again when that
    search has ended. To be used from one event loop.
    """

    def __init__(
        self, make_solver: "Callable[[], Solver]", *, slots: int, max_waiting: int
    ) -> None:
        """Open a pool, without a solver as yet.

        Args:
            make_solver: Makes one; called in a worker thread, when a slot is first used.
            slots: How many searches run at once, from 1.
            max_waiting: How many further calls may wait for a slot.
        """
        self._make_solver = make_solver
        self._max_waiting = max_waiting
        self._waiting = 0
        self._free = asyncio.Semaphore(slots)
        self._idle = [_Slot() for _ in range(slots)]
        self._running: dict[asyncio.Future[Any], _Slot] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._closing = False
        self._executor = ThreadPoolExecutor(slots, thread_name_prefix="solver")

    async def run(self, work: "Callable[[Solver], _Result]") -> _Result:
        """The result of some work on a free solver.

        Raises:
            QueueFullError: If all slots are taken and as many calls wait as may.
            PoolClosedError: If the pool was closed before the work was done.
        """
        if self._free.locked() and self._waiting >= self._max_waiting:
            raise QueueFullError(
                f"every solver is busy and {self._waiting} calls wait already; try again later",
                RETRY_AFTER_SECONDS,
            )
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        if self._closing:
            self._free.release()
            raise PoolClosedError
        slot = self._idle.pop()
        search = asyncio.get_running_loop().run_in_executor(
            self._executor, self._search, slot, work
        )
        self._running[search] = slot
        try:
            # Shielded: a thread cannot be cancelled, and its slot must not be used before it ends.
            return await asyncio.shield(search)
        finally:
            if search.done():
                self._release(search)
            else:
                ending = asyncio.create_task(self._end(search))
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)

    async def close(self, patience: float) -> bool:
        """Stop every search and refuse the calls that wait; theirs is a `PoolClosedError`.

        Args:
            patience: The longest to wait for the searches' ends, in seconds.

        Returns:
            Whether all have ended; one that is still compiling the solver cannot be stopped.
        """
        self._closing = True
        searches = list(self._running)
        stops = [asyncio.create_task(self._stop(search)) for search in searches]
        if stops:
            await asyncio.wait(stops, timeout=patience)
        self._executor.shutdown(wait=False)
        return all(search.done() for search in searches)

    def _search(self, slot: _Slot, work: "Callable[[Solver], _Result]") -> _Result:
        """In a worker thread: some work, on a solver that is made if there is none."""
        from fourcast_models.connect4.solver import SearchStopped

        if slot.solver is None:
            slot.solver = self._make_solver()
        try:
            return work(slot.solver)
        except SearchStopped:
            # A cancelled caller hears nothing any more: who does has a pool that closes.
            raise PoolClosedError from None

    async def _stop(self, search: "asyncio.Future[Any]") -> None:
        # Again and again: a stop that comes before the search has begun is not heard.
        slot = self._running[search]
        while not search.done():
            if slot.solver is not None:
                slot.solver.stop()
            await asyncio.wait([search], timeout=_STOP_INTERVAL_SECONDS)

    async def _end(self, search: "asyncio.Future[Any]") -> None:
        """End the search of a call that was cancelled."""
        await self._stop(search)
        # Asked for, so that asyncio does not report an error that nobody has seen.
        search.exception()
        self._release(search)
        _log.info("stopped the search of a call that was cancelled")

    def _release(self, search: "asyncio.Future[Any]") -> None:
        self._idle.append(self._running.pop(search))
        self._free.release()
