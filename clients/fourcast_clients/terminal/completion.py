"""``fourcast completion``: what a shell needs to complete this command line."""

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from fourcast_clients.terminal import exit_codes

COMPLETION_FLAG = "--tyro-write-completion"
"""Tyro's own: it writes the script for a shell, here to ``-``, standard output."""

# Tyro's scripts know commands, options and values, but not that other words may be files. In bash
# they answer with one empty word then, which would take the place of what was typed.
_FILES = {
    "bash": """
_fourcast() {
  _tyro_fourcast
  [[ ${#COMPREPLY[@]} -eq 1 && -z ${COMPREPLY[0]} ]] && COMPREPLY=()
  return 0
}
complete -o default -F _fourcast fourcast""",
    "zsh": "(( $? == 0 )) || _files",
    "fish": """
complete --command fourcast --force-files --condition 'test (count (commandline -opc)) -gt 1'""",
}


@dataclass(frozen=True, kw_only=True)
class Completion:
    """Print a script that has a shell complete commands, options and their values.

    bash: fourcast completion bash > ~/.local/share/bash-completion/completions/fourcast

    zsh: fourcast completion zsh > _fourcast, in a folder of $fpath

    fish: fourcast completion fish > ~/.config/fish/completions/fourcast.fish

    It prints a script, so there is no --json.

    Example: fourcast completion bash
    """

    shell: Annotated[
        tyro.conf.Positional[Literal["bash", "zsh", "fish"]], tyro.conf.arg(metavar="SHELL")
    ]
    """bash, zsh or fish."""

    def run(self) -> int:
        """Print the script.

        Returns:
            The exit code: 0.
        """
        from fourcast_clients.terminal.commands import parse  # this command is one of them

        try:
            parse([COMPLETION_FLAG, self.shell, "-"])
        except SystemExit as done:
            if done.code:
                raise
        print(_FILES[self.shell])
        return exit_codes.OK
