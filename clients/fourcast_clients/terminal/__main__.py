"""``fourcast``: the command line. Each command is a dataclass in a file of its own."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn, Protocol

import tyro

from fourcast_clients.api import FourcastError
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.analyze import Analyze
from fourcast_clients.terminal.backtest import TryOut
from fourcast_clients.terminal.capacity import MeasureCapacity
from fourcast_clients.terminal.data import Fetch
from fourcast_clients.terminal.doodle import Classify
from fourcast_clients.terminal.exit_codes import CommandError, UsageError
from fourcast_clients.terminal.forecast import Predict
from fourcast_clients.terminal.hide import Hide
from fourcast_clients.terminal.local_service import LocalServiceError
from fourcast_clients.terminal.models import Models
from fourcast_clients.terminal.play import Play
from fourcast_clients.terminal.reveal import Reveal
from fourcast_clients.terminal.screen import Screen
from fourcast_clients.terminal.web import Web


class Command(Protocol):
    """A parsed command line."""

    def run(self) -> int:
        """Do what was asked and return the exit code; errors that `main` knows may be raised."""


COMMANDS: dict[str, Callable[..., Command]] = {
    "play": Play,
    "analyze": Analyze,
    "doodle": Classify,
    "hide": Hide,
    "reveal": Reveal,
    "capacity": MeasureCapacity,
    "forecast": Predict,
    "backtest": TryOut,
    "data": Fetch,
    "screen": Screen,
    "models": Models,
    "web": Web,
}

DESCRIPTION = """Use small neural networks that a fourcast server offers.

Example: fourcast play --level search

Example: fourcast analyze 44444

Example: fourcast doodle cat.png

Example: fourcast hide cat.png "meet me at five" out.png

Example: fourcast forecast prices.csv --plot out.png

Example: fourcast web"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command line without the program's name; None is this process's own.

    Returns:
        The exit code: 0 fine, 1 server or other error, 2 wrong usage, 3 to 5 a command's own, 130
        Ctrl-C, 128 and the number of the signal after another one.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        command: Command = tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="fourcast",
            description=DESCRIPTION,
            args=arguments,
            config=(tyro.conf.EnumChoicesFromValues, tyro.conf.FlagCreatePairsOff),
        )
        code = _run(command)
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
    name = next(name for name, kind in COMMANDS.items() if kind is type(command))
    print(f"fourcast {name}: {text}", file=sys.stderr)
    return code


def _leave(number: int, _: FrameType | None) -> NoReturn:
    """Turn a signal into an exit that runs every clean-up on its way."""
    raise SystemExit(exit_codes.SIGNALLED + number)


if __name__ == "__main__":
    sys.exit(main())
