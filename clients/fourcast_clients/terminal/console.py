"""Standard output, coloured on a terminal and plain elsewhere."""

from rich.console import Console


class Output(Console):
    """Leaves a closed pipe to the command line, which ends quietly; rich would exit with 1."""

    def __init__(self) -> None:
        super().__init__(highlight=False)

    def on_broken_pipe(self) -> None:
        """Raise instead of leaving here."""
        raise BrokenPipeError
