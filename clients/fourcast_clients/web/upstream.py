"""The fourcast server behind the gateway: asked in threads, measured, and started again."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from fourcast_clients.api import Cancellation, Fourcast, FourcastError
from fourcast_clients.terminal.local_service import LocalService, LocalServiceError

QUICK_THREADS = 40
"""How many calls that take milliseconds are under way at once; more wait."""

SLOW_THREADS = 16
"""The same for exact analysis, which may take a minute: it must not keep the others waiting."""

HEALTH_SECONDS = 1.0
"""How long the server may take to say that it is well."""

CALLS_KEPT = 500
"""How many of the last calls `Upstream.calls` remembers."""

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the gateway made.

    Attributes:
        name: What was asked, such as "connect4.analyze".
        milliseconds: How long the answer took.
        code: "OK", or the code of its `FourcastError`.
    """

    name: str
    milliseconds: float
    code: str


class Upstream:
    """Makes calls of a `Fourcast` from coroutines.

    Attributes:
        fourcast: The client.
        calls: The last calls that were not cancelled, the newest last.
    """

    def __init__(self, fourcast: Fourcast, service: LocalService | None = None) -> None:
        """Wrap a client.

        Args:
            fourcast: The client; its owner closes it.
            service: The server, if it is the gateway's own: started again if it dies.
        """
        self.fourcast = fourcast
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._service = service
        self._reviving = anyio.Lock()
        self._quick = CapacityLimiter(QUICK_THREADS)
        self._slow = CapacityLimiter(SLOW_THREADS)

    async def ask(
        self,
        request: Request,
        name: str,
        call: Callable[[Cancellation], _Answer],
        *,
        slow: bool = False,
    ) -> _Answer:
        """The answer to a call, which is cancelled when the browser no longer waits for it.

        Args:
            request: What the browser asked; its body must have been read.
            name: What to call it in `calls`.
            call: Makes the call.
            slow: Whether it may take longer than milliseconds.

        Raises:
            FourcastError: If there is no answer.
        """
        cancellation = Cancellation()

        async def cancel_if_gone() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            cancellation.cancel()

        error: FourcastError | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cancel_if_gone)
            try:
                answer = await to_thread.run_sync(
                    partial(self._timed, name, call, cancellation),
                    limiter=self._slow if slow else self._quick,
                )
            except FourcastError as failure:
                # Out of the group, which would wrap it.
                error = failure
            tasks.cancel_scope.cancel()
        if error is not None:
            if error.code == "UNAVAILABLE":
                await self.revive()
            raise error
        return answer

    async def is_ready(self) -> bool:
        """Whether the server serves; the gateway's own is started again if it has died."""
        try:
            await to_thread.run_sync(
                self.fourcast.wait_until_ready, HEALTH_SECONDS, limiter=self._quick
            )
        except FourcastError:
            await self.revive()
            return False
        return True

    async def revive(self) -> None:
        """Start the gateway's own server again if it has died; nothing for another one."""
        if self._service is None or self._reviving.locked():
            return
        async with self._reviving:
            try:
                await to_thread.run_sync(self._service.revive)
            except LocalServiceError as error:
                raise FourcastError("UNAVAILABLE", str(error)) from None

    def _timed(
        self, name: str, call: Callable[[Cancellation], _Answer], cancellation: Cancellation
    ) -> _Answer:
        start = time.perf_counter()
        code = "OK"
        try:
            return call(cancellation)
        except FourcastError as error:
            code = error.code
            raise
        finally:
            if code != "CANCELLED":
                self.calls.append(Call(name, (time.perf_counter() - start) * 1000, code))
