"""How many streams may be open, whatever they are for."""

from collections.abc import Iterator
from contextlib import contextmanager

from fourcast_services.overload import QueueFullError

RETRY_AFTER_SECONDS = 1.0
"""When a caller should come back who was turned away: streams stay open for long."""


class Streams:
    """Counts the streams that are open; one object for all services of a server."""

    def __init__(self, most: int) -> None:
        """Begin with none.

        Args:
            most: How many may be open at the same time.
        """
        self._most = most
        self._open = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count a stream for as long as the block runs.

        Raises:
            QueueFullError: If as many are open as may.
        """
        if self._open >= self._most:
            raise QueueFullError(
                f"{self._open} streams are open already; close one, or try again later",
                RETRY_AFTER_SECONDS,
            )
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
