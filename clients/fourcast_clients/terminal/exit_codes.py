"""What a command's exit code says."""

import signal

OK = 0
FAILED = 1
WRONG_USAGE = 2
NO_MESSAGE = 3
DAMAGED = 4
WRONG_PASSPHRASE = 5

SIGNALLED = 128
"""A shell's convention: this and the signal's number, after a signal."""

INTERRUPTED = SIGNALLED + signal.SIGINT

MEANINGS = {
    OK: "done",
    FAILED: "the server, or something else that was needed, failed",
    WRONG_USAGE: "a flag, its value or a file is wrong",
    NO_MESSAGE: "no text is hidden in the picture (reveal)",
    DAMAGED: "a text is hidden there, but does not come back exactly (reveal)",
    WRONG_PASSPHRASE: "the text has another passphrase, needs one, or needs none (reveal)",
    INTERRUPTED: "Ctrl-C",
}
"""Each code in words, as `fourcast --help` and the clients' README say it."""


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
