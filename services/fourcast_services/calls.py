"""What is known about the call under way, for whoever works on it.

The guard around each method opens the record; code below it reads the deadline from it and writes
into it what the metrics and the log will say. It travels with the call's own task, so that it need
not be handed through every function between.
"""

import time
from contextvars import ContextVar
from dataclasses import dataclass


class DeadlineError(Exception):
    """The caller's deadline passed while its request waited."""

    def __init__(self) -> None:
        super().__init__("the deadline passed while the request waited; the model did not run")


@dataclass(slots=True)
class Call:
    """One call.

    Attributes:
        deadline: When its caller gives up, in `time.monotonic` seconds; None for never.
        model: The model that serves it, "" as long as none does.
        request_id: The caller's own name for it, "" if there is none.
        by_peer: Whether it came from another worker of this server.
    """

    deadline: float | None = None
    model: str = ""
    request_id: str = ""
    by_peer: bool = False

    def remaining(self) -> float | None:
        """Seconds until the deadline; None if there is none."""
        return None if self.deadline is None else self.deadline - time.monotonic()


_call: ContextVar[Call | None] = ContextVar("call", default=None)


def begin(call: Call) -> None:
    """Make a call the one that the running task works on."""
    _call.set(call)


def current() -> Call:
    """The call that the running task works on; one without properties outside of any."""
    return _call.get() or Call()
