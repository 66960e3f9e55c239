"""What a command's exit code says."""

import signal

OK = 0
FAILED = 1
"""The server, or something else that was needed, failed."""

WRONG_USAGE = 2
"""A flag, its value or a file is wrong; tyro ends with the same code."""

NO_MESSAGE = 3
"""No text is hidden in the picture."""

DAMAGED = 4
"""A text is hidden in the picture, but it does not come back exactly."""

WRONG_PASSPHRASE = 5
"""The hidden text has another passphrase, needs one, or needs none."""

SIGNALLED = 128
"""A shell's convention: this and the signal's number, after a signal."""

INTERRUPTED = SIGNALLED + signal.SIGINT
"""After Ctrl-C."""


class UsageError(Exception):
    """Ends a command with WRONG_USAGE; the text names the flag or file and says why."""


class CommandError(Exception):
    """Ends a command with a code of its own; the text says why.

    Attributes:
        code: One of this file's.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
