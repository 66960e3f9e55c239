"""``fourcast doodle``: names for a drawing in a file."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fourcast_clients.api import Fourcast, FourcastError, Guesses
from fourcast_clients.doodle import DEFAULT_TOP_K
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.connection import connected
from fourcast_clients.terminal.console import Output
from fourcast_clients.terminal.drawing_file import Strokes, read_drawing_file
from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.progress import progress
from fourcast_clients.terminal.server_access import ServerAccess

NOT_SURE_BELOW = 0.3
"""The highest probability must be at least this for an answer that is not called unsure."""

BAR_WIDTH = 30
"""Characters that stand for a probability of 1."""


@dataclass(frozen=True, kw_only=True)
class Classify:
    """Name what a drawing shows, the most probable name first.

    FILE is a picture (PNG, JPEG, WebP, GIF or BMP) of a drawing on a background of one colour, or
    the strokes of the drawing in JSON, which is better where you have them. They are written as in
    the Quick, Draw! data set, x rightwards and y downwards, in any unit:
    {"drawing": [[[x, ...], [y, ...]], ...]}

    Without --server it starts a service of its own and stops it at the end. With --json it prints
    one JSON object: {"guesses": [{"category": "cat", "probability": 0.9}, ...], "model": "doodle",
    "model_version": "1"}

    Example: fourcast doodle cat.png

    Example: fourcast doodle cat.json --top 3 --json
    """

    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE")]
    """The drawing. What kind of file it is, its content says, not its name."""

    top: Annotated[int, tyro.conf.arg(metavar="N")] = DEFAULT_TOP_K
    """How many names to print."""

    model: Annotated[
        str,
        tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: the best that FILE allows)"),
    ] = ""
    """The model in the server's repository to ask."""

    json: bool = False
    """Print one JSON object, as above, in place of the bars."""

    access: tyro.conf.OmitArgPrefixes[ServerAccess] = field(default_factory=ServerAccess)

    def run(self) -> int:
        """Ask the server and print what it answers.

        Returns:
            The exit code: 0.

        Raises:
            UsageError: If a flag's value or the file is wrong.
            FourcastError: If the server failed.
            LocalServiceError: If a service of its own did not start.
        """
        if self.top < 1:
            raise UsageError(f"--top is {self.top}, but must be at least 1")
        drawing = read_drawing_file(self.file)
        with (
            progress(Console(stderr=True), "Looking at the drawing ..."),
            connected(self.access) as connection,
        ):
            answer = self._ask(connection.fourcast, drawing)
        if self.json:
            print(json.dumps(asdict(answer)))
        else:
            show(answer, Output())
        return exit_codes.OK

    def _ask(self, fourcast: Fourcast, drawing: Strokes | bytes) -> Guesses:
        """The server's answer, or what is wrong in terms of the command line."""
        try:
            if isinstance(drawing, bytes):
                return fourcast.doodle.classify(image=drawing, top_k=self.top, model=self.model)
            return fourcast.doodle.classify(drawing=drawing, top_k=self.top, model=self.model)
        except FourcastError as error:
            match error.code, error.field:
                case "INVALID_ARGUMENT", "top_k":
                    raise UsageError(f"--top: {error.reason}") from None
                case ("INVALID_ARGUMENT", "model") | ("NOT_FOUND", _) if self.model:
                    raise UsageError(f"--model: {error.reason}") from None
                case "INVALID_ARGUMENT", "model" | None:
                    raise
                case "INVALID_ARGUMENT", _:
                    raise UsageError(f"{self.file}: {error.reason}") from None
            raise


def show(answer: Guesses, console: Console) -> None:
    """Print names with bars, and the model that answered.

    Args:
        answer: With at least one guess.
        console: Where to.
    """
    best = answer.guesses[0]
    is_sure = best.probability >= NOT_SURE_BELOW
    if not is_sure:
        console.print(
            f"Not sure: nothing is as probable as {NOT_SURE_BELOW:.0%}. The best guesses:",
            style="yellow",
        )
    colour = "green" if is_sure else "yellow"
    table = Table.grid(padding=(0, 2))
    for guess in answer.guesses:
        bar = ProgressBar(
            completed=guess.probability,
            total=1,
            width=BAR_WIDTH,
            complete_style=colour,
            finished_style=colour,
        )
        name = Text(guess.category, "bold" if guess is best else "")
        table.add_row(name, bar, Text(f"{guess.probability:.1%}", justify="right"))
    console.print(table)
    console.print(f"Answered by {answer.model}, version {answer.model_version}.", style="dim")
