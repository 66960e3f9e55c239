"""A progress line while something is awaited, on a terminal only."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def progress(console: Console, text: str) -> Iterator[None]:
    """Show a text with a turning wheel for as long as the block runs."""
    if console.is_terminal:
        with console.status(text):
            yield
    else:
        yield
