"""The keys of a terminal, one at a time and without Enter."""

import os
import selectors
import signal
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from types import TracebackType
from typing import Self

CTRL_C, CTRL_D, ESCAPE = "\x03", "\x04", "\x1b"


class Keyboard:
    """Reads keys from standard input, a terminal, for as long as the block runs.

    Ctrl-C is read like any key, and then interrupts this process alone. As a signal of the terminal
    it would also reach the programs around, and make would call what it runs a failure.
    """

    def __init__(self) -> None:
        self._terminal = sys.stdin.fileno()
        self._keys: SimpleQueue[str] = SimpleQueue()

    def read(self) -> str:
        """Wait for a key.

        Returns:
            The character that it sends; special keys, which send several, are passed over.

        Raises:
            KeyboardInterrupt: On Ctrl-C.
        """
        return self._keys.get()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal to somebody else for as long as the block runs."""
        self._give_back()
        try:
            yield
        finally:
            self._take()

    def __enter__(self) -> Self:
        """Begin to read."""
        self._take()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        self._give_back()

    def _take(self) -> None:
        self._modes = termios.tcgetattr(self._terminal)
        modes = termios.tcgetattr(self._terminal)
        modes[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)
        termios.tcsetattr(self._terminal, termios.TCSADRAIN, modes)
        self._wake, self._end = os.pipe()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _give_back(self) -> None:
        os.close(self._end)
        self._thread.join()
        os.close(self._wake)
        with suppress(termios.error):  # the terminal may be gone
            termios.tcsetattr(self._terminal, termios.TCSAFLUSH, self._modes)

    def _listen(self) -> None:
        with selectors.DefaultSelector() as selector:
            for source in (self._terminal, self._wake):
                selector.register(source, selectors.EVENT_READ)
            while True:
                ready = [key.fd for key, _ in selector.select()]
                if self._wake in ready:
                    return
                try:
                    keys = os.read(self._terminal, 64).decode(errors="replace")
                except OSError:
                    keys = ""
                if CTRL_C in keys:
                    # Whatever it waits for, a signal ends the main thread's waiting.
                    main = threading.main_thread().ident
                    assert main is not None  # it has been started
                    signal.pthread_kill(main, signal.SIGINT)
                    return
                if not keys:  # the terminal is gone
                    self._keys.put(CTRL_D)
                    return
                if not keys.startswith(ESCAPE):
                    for key in keys:
                        self._keys.put(key)
