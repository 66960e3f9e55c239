"""When to stop: a signal, the end of standard input, or the end of the supervisor."""

import asyncio
import logging
import os
import signal
import threading

_log = logging.getLogger(__name__)


def stop_on_signals(ignore_interrupt: bool = False) -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets; a second signal ends the process at once.

    Args:
        ignore_interrupt: Leave Ctrl-C, which a terminal sends to every process, to the supervisor.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if stop.is_set():
            # Asked twice: no grace. The exit status is the shell's for this signal.
            os._exit(128 + number)
        stop.set()

    loop.add_signal_handler(signal.SIGTERM, on_signal, signal.SIGTERM)
    if ignore_interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    else:
        loop.add_signal_handler(signal.SIGINT, on_signal, signal.SIGINT)
    return stop


def stop_at_end_of(descriptor: int, stop: asyncio.Event) -> None:
    """Set an event when nobody holds the other end of a pipe any more."""
    loop = asyncio.get_running_loop()

    def watch() -> None:
        # The descriptor itself: a thread inside sys.stdin would hang the interpreter's exit.
        try:
            while os.read(descriptor, 4096):
                pass
        except OSError:
            _log.warning("the pipe from the parent cannot be read: taken as its end")
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, name="parent", daemon=True).start()
