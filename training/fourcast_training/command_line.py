"""Command lines of training runs that have names."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import tyro

Name = TypeVar("Name", bound=str)
Config = TypeVar("Config")


def read_preset(args: list[str], presets: Mapping[Name, Config], program: str) -> Config:
    """The configuration that the arguments ask for.

    `--preset NAME` fills in every option; options given beside it win.

    Args:
        args: The arguments after the command.
        presets: By name, the default first; of one dataclass with a field `preset`.
        program: What the user typed, for the help.

    Raises:
        SystemExit: After the help, or if the arguments are wrong.
    """
    names = tuple(presets)
    # As a command line of its own, which knows this one option and lets the others pass.
    only: type[Any] = dataclasses.make_dataclass("Choice", [("preset", Literal[names], names[0])])
    plain = [argument for argument in args if argument not in ("-h", "--help")]
    choice, _ = tyro.cli(only, args=plain, prog=program, return_unknown_args=True)
    default = presets[choice.preset]
    return tyro.cli(type(default), args=args, default=default, prog=program)
