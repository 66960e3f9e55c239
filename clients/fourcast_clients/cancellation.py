"""Ends calls of the client before they have an answer."""

import threading
from collections.abc import Callable


class Cancellation:
    """Ends calls that are under way, from another thread.

    Hand it to a call as ``cancellation=`` and call `cancel` when the answer is no longer wanted:
    that call, and every later one given the same object, raises `FourcastError` with the code
    ``"CANCELLED"``, and the server stops working on it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stop_calls: set[Callable[[], object]] = set()
        self._is_cancelled = False

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._is_cancelled

    def cancel(self) -> None:
        """End the calls that hold this object, now and later."""
        with self._lock:
            self._is_cancelled = True
            stop_calls = list(self._stop_calls)
        for stop_call in stop_calls:
            stop_call()

    def watch(self, stop_call: Callable[[], object]) -> None:
        """Have a function called on `cancel`; at once if that was before."""
        with self._lock:
            self._stop_calls.add(stop_call)
            is_cancelled = self._is_cancelled
        if is_cancelled:
            stop_call()

    def forget(self, stop_call: Callable[[], object]) -> None:
        """Have it not called any more."""
        with self._lock:
            self._stop_calls.discard(stop_call)
