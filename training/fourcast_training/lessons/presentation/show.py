"""A lesson in the terminal: words, tables, remarks."""

import re
import sys
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from fourcast_training.lessons.presentation.lesson import Lesson, Row, Table
from fourcast_training.lessons.presentation.text import Language, Text, in_language

_WIDTH = 100
"""Columns at most, and where there is no terminal."""

_WORKED = Text(en="Worked numbers", es="Números resueltos")
_QUANTITY = Text(en="quantity", es="cantidad")
_HERE = Text(en="here", es="aquí")
_SLIDE = Text(en="slide", es="diapositiva")
_SAYS = Text(en="the slide says", es="la diapositiva dice")
_RIGHT = Text(en="right is", es="lo correcto es")
_SOURCE = Text(en="Source", es="Fuente")


def show_lesson(lesson: Lesson, language: Language) -> None:
    """Print everything but the picture."""
    console = _console()
    console.print(f"\n[bold]{escape(lesson.title[language])}[/]\n")
    for paragraph in re.split(r"\n\s*\n", lesson.explanation[language].strip()):
        console.print(escape(" ".join(paragraph.split())) + "\n")
    rows = lesson.rows()
    _show_rows(console, rows, language)
    for table in lesson.tables():
        _show_table(console, table, language)
    for row in rows:
        if row.wrong:
            console.print(
                f"[red]≠[/] {escape(in_language(row.what, language))}: {_SAYS[language]} "
                f"{row.slide}, {_RIGHT[language]} {_number(row.numpy)}. "
                f"{escape(row.wrong[language])}"
            )
    for remark in lesson.remarks:
        console.print(f"[red]≠[/] {escape(remark[language])}")
    console.print(f"\n{_SOURCE[language]}: {escape(lesson.source)}")


def show_titles(lessons: dict[str, Lesson], language: Language) -> None:
    """Print the name and the title of every lesson."""
    width = max(map(len, lessons)) + 2
    for name, lesson in lessons.items():
        print(f"  {name:{width}}{lesson.title[language]}")


def _console() -> Console:
    width = min(Console().width, _WIDTH) if sys.stdout.isatty() else _WIDTH
    return Console(width=width, highlight=False, emoji=False)


def _show_rows(console: Console, rows: Sequence[Row], language: Language) -> None:
    columns = ["slide", "numpy", "torch"]
    if not any(row.slide for row in rows):
        columns.remove("slide")
    if all(row.torch is None for row in rows):
        columns.remove("torch")
    # Where torch has nothing to compute, neither has NumPy.
    ours = "NumPy" if "torch" in columns else _HERE[language]
    heads = {"slide": _SLIDE[language], "numpy": ours, "torch": "torch"}
    console.print(f"[italic]{_WORKED[language]}[/]")
    grid = _grid([_QUANTITY[language], *(heads[name] for name in columns)])
    for row in rows:
        cells = {
            "slide": f"[red]{row.slide} ≠[/]" if row.wrong else row.slide,
            "numpy": _number(row.numpy),
            "torch": "" if row.torch is None else _number(row.torch),
        }
        what = escape(in_language(row.what, language))
        grid.add_row(what, *(cells[name] for name in columns))
    console.print(grid)


def _show_table(console: Console, table: Table, language: Language) -> None:
    console.print(f"[italic]{escape(table.title[language])}[/]")
    grid = _grid([in_language(head, language) for head in table.heads])
    for row in table.rows:
        grid.add_row(*(escape(in_language(cell, language)) for cell in row))
    console.print(grid)


def _grid(heads: Sequence[str]) -> Grid:
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(heads):
        grid.add_column(escape(head), justify="right" if place else "left")
    return grid


def _number(value: float) -> str:
    return f"{value:.9g}"
