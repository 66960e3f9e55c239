"""Long work in threads: a few at once, a bounded queue."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from fourcast_services.overload import RETRY_AFTER_SECONDS, QueueFullError

_Result = TypeVar("_Result")


class Threads:
    """Runs functions that would stop the event loop; to be used from one loop.

    A call that is cancelled while it waits is never begun. One that is cancelled later goes on in
    its thread, whose place stays taken.
    """

    def __init__(self, count: int, max_waiting: int, name: str) -> None:
        """Open them; idle threads end with the process.

        Args:
            count: How many run at once.
            max_waiting: How many further calls may wait.
            name: Of the threads.
        """
        self._most = count + max_waiting
        self._taken = 0
        self._executor = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """The result of some work, which sees the call that it is done for.

        Raises:
            QueueFullError: If as many calls wait as may.
        """
        if self._taken >= self._most:
            raise QueueFullError(
                f"{self._taken} calls are worked on or wait already; try again later",
                RETRY_AFTER_SECONDS,
            )
        self._taken += 1
        loop = asyncio.get_running_loop()
        future = self._executor.submit(contextvars.copy_context().run, work)

        def release(_: Future[Any]) -> None:
            loop.call_soon_threadsafe(self._release)

        future.add_done_callback(release)
        return await asyncio.wrap_future(future)

    def _release(self) -> None:
        self._taken -= 1
