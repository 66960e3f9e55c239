"""Waits for what another process does."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what must come; the test's own time limit ends a vain wait."""
    while not condition():
        time.sleep(0.05)
