"""The commands by name, and the line that names one."""

import inspect
from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol

import tyro

from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.analyze import Analyze
from fourcast_clients.terminal.arcade import Arcade
from fourcast_clients.terminal.backtest import TryOut
from fourcast_clients.terminal.capacity import MeasureCapacity
from fourcast_clients.terminal.completion import COMPLETION_FLAG, Completion
from fourcast_clients.terminal.data import Fetch
from fourcast_clients.terminal.doodle import Classify
from fourcast_clients.terminal.forecast import Predict
from fourcast_clients.terminal.hide import Hide
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
    "arcade": Arcade,
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
    "completion": Completion,
}

_CODES = "\n".join(f"  {code:>3}  {words}" for code, words in exit_codes.MEANINGS.items())

DESCRIPTION = f"""Use small neural networks that a fourcast server offers.

Each command that asks a server starts one of its own unless it is told --server HOST:PORT, and
`fourcast COMMAND --help` says more about it. With --json a command prints one JSON object.

Example: fourcast arcade

Example: fourcast analyze 44444 --json

Example: fourcast hide cat.png "meet me at five" out.png

Exit codes:
{_CODES}
  {exit_codes.SIGNALLED} and its number after another signal"""


def parse(arguments: Sequence[str]) -> Command:
    """The command that a line names; leaves with 0 after help, and with 2 if the line is wrong.

    Args:
        arguments: The command line without the program's name.
    """
    is_named = arguments[:1] != [] and arguments[0] in {*COMMANDS, COMPLETION_FLAG}
    command: Command = tyro.extras.subcommand_cli_from_dict(
        # The list of all commands needs no more than what each of them is for.
        COMMANDS if is_named else {name: _summary(kind) for name, kind in COMMANDS.items()},
        prog="fourcast",
        description=DESCRIPTION,
        args=arguments,
        config=(tyro.conf.EnumChoicesFromValues, tyro.conf.FlagCreatePairsOff),
    )
    return command


def name_of(command: Command) -> str:
    """What a command is called."""
    return next(name for name, kind in COMMANDS.items() if kind is type(command))


def _summary(kind: Callable[..., Command]) -> Callable[[], Command]:
    def stand_in() -> NoReturn:
        raise AssertionError("only its description is looked at")

    stand_in.__doc__ = (inspect.getdoc(kind) or "").partition("\n\n")[0]
    return stand_in
