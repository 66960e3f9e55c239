"""``fourcast``: the command line. Each command is a dataclass in a file of its own."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

import tyro

from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.play import Play


class Command(Protocol):
    """A parsed command line."""

    def run(self) -> int:
        """Do what was asked and return the exit code."""


COMMANDS: dict[str, Callable[..., Command]] = {
    "play": Play,
}

DESCRIPTION = """Play with small neural networks that a fourcast server offers.

Example: fourcast play --level search"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command line without the program's name; None is this process's own.

    Returns:
        The exit code: 0 fine, 1 server or other error, 2 wrong usage, 130 Ctrl-C.
    """
    try:
        command: Command = tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="fourcast",
            description=DESCRIPTION,
            args=arguments,
            config=(tyro.conf.EnumChoicesFromValues, tyro.conf.FlagCreatePairsOff),
        )
        code = command.run()
        sys.stdout.flush()
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output, such as `head`, has seen enough. Python flushes standard
        # output once more when it exits, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.OK
    return code


if __name__ == "__main__":
    sys.exit(main())
