"""Waits for what a running server does by itself."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

SECONDS = 60.0
"""The longest that anything may take before its test fails."""


def until(happened: Callable[[], Any], what: str = "it") -> Any:
    """What a function returns, as soon as that is true."""
    end = time.monotonic() + SECONDS
    while not (result := happened()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)
    return result


async def until_async(happened: Callable[[], Any], what: str = "it") -> Any:
    """`until`, for coroutines: others go on meanwhile."""
    end = time.monotonic() + SECONDS
    while not (result := happened()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        await asyncio.sleep(0.02)
    return result
