"""A bar with the time left for work in steps, on a terminal only."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Report(Protocol):
    """Shows how far the work is."""

    def __call__(self, done: int, total: int, /) -> None:
        """So many steps are done, of so many."""


@contextmanager
def bar(console: Console, text: str) -> Iterator[Report]:
    """Show a bar for as long as the block runs."""
    columns = (TextColumn(text), BarColumn(), TimeRemainingColumn())
    is_hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=is_hidden) as shown:
        task = shown.add_task("", total=None)

        def report(done: int, total: int, /) -> None:
            shown.update(task, completed=done, total=total)

        yield report
