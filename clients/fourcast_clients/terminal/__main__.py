"""``fourcast``: the command line. Each command is a dataclass in a file of its own."""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from fourcast_clients.api import FourcastError
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.commands import Command, name_of, parse
from fourcast_clients.terminal.exit_codes import CommandError, UsageError
from fourcast_clients.terminal.local_service import LocalServiceError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command line without the program's name; None is this process's own.

    Returns:
        The exit code: one of `exit_codes.MEANINGS`, or 128 and the number of a signal.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        code = _run(parse(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output, such as `head`, has seen enough. Python flushes standard
        # output once more when it exits, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.OK
    return code


def _run(command: Command) -> int:
    """A command's exit code; what went wrong is said on standard error."""
    try:
        return command.run()
    except UsageError as error:
        code, text = exit_codes.WRONG_USAGE, str(error)
    except CommandError as error:
        code, text = error.code, str(error)
    except (FourcastError, LocalServiceError) as error:
        code, text = exit_codes.FAILED, str(error)
    print(f"fourcast {name_of(command)}: {text}", file=sys.stderr)
    return code


def _leave(number: int, _: FrameType | None) -> NoReturn:
    """Turn a signal into an exit that runs every clean-up on its way."""
    raise SystemExit(exit_codes.SIGNALLED + number)


if __name__ == "__main__":
    sys.exit(main())
