"""Signals that wait until something has been done whole."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

HELD = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)


@contextmanager
def signals_held() -> Iterator[None]:
    """Have what signals do, such as Ctrl-C's KeyboardInterrupt, happen when the block has ended.

    Python runs it in the main thread; in others the block runs as it is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in HELD}
    arrived: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        arrived.append(number)

    changed = {number: handler for number, handler in handlers.items() if callable(handler)}
    try:
        for number in changed:
            signal.signal(number, note)
        yield
    finally:
        for number, handler in changed.items():
            signal.signal(number, handler)
        for one in arrived:
            signal.raise_signal(one)
