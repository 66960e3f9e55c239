"""What a command's exit code says."""

import signal

OK = 0
FAILED = 1
"""The server, or something else that was needed, failed."""

WRONG_USAGE = 2
"""A flag, its value or a file is wrong; tyro ends with the same code."""

SIGNALLED = 128
"""A shell's convention: this and the signal's number, after a signal."""

INTERRUPTED = SIGNALLED + signal.SIGINT
"""After Ctrl-C."""


class UsageError(Exception):
    """Ends a command with WRONG_USAGE; the text names the flag or file and says why."""
