"""Standard output, coloured on a terminal and plain elsewhere."""

import sys

from rich.console import Console


class Output(Console):
    """Leaves a closed pipe to the command line, which ends quietly; rich would exit with 1."""

    def __init__(self) -> None:
        super().__init__(highlight=False)

    def on_broken_pipe(self) -> None:
        """Raise instead of leaving here."""
        raise BrokenPipeError


def has_terminal() -> bool:
    """Whether somebody sits in front of this process, and not another program."""
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
