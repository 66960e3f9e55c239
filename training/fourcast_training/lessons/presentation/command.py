"""Print a lesson of the course: a formula in NumPy beside torch, its numbers, its picture."""

import importlib
import pkgutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import tyro

from fourcast_training import lessons
from fourcast_training.lessons.presentation.lesson import Lesson
from fourcast_training.lessons.presentation.picture import save_picture
from fourcast_training.lessons.presentation.show import show_lesson, show_titles
from fourcast_training.lessons.presentation.text import Language, Text, locale_language

PROGRAM = "fourcast-train lesson"

_HEADER = Text(
    en="Lessons; `fourcast-train lesson NAME` prints one and draws its picture:",
    es="Lecciones; `fourcast-train lesson NAME` muestra una y dibuja su figura:",
)
_PICTURE = Text(en="Picture", es="Figura")


@dataclass(frozen=True)
class LessonConfig:
    """Print a lesson: what it is about, its worked numbers beside the slides', and its picture.

    Without a name the lessons are listed. Each is one file of training/fourcast_training/lessons,
    written to be read beside what it prints. Example: `fourcast-train lesson backpropagation`.
    """

    name: tyro.conf.Positional[str | None] = None
    """Of the lesson."""

    language: Language = field(default_factory=locale_language)
    """English or Spanish; without this option, what the locale of the environment says."""

    folder: Path = Path("runs/lessons")
    """Where the picture goes, as NAME.png."""


def main(args: list[str]) -> None:
    """``fourcast-train lesson``."""
    config = tyro.cli(LessonConfig, args=args, prog=PROGRAM)
    if config.name is None:
        print(_HEADER[config.language])
        found = {name: read_lesson(name) for name in lesson_names()}
        show_titles(found, config.language)
        return
    if config.name not in lesson_names():
        names = ", ".join(lesson_names())
        print(f"{PROGRAM}: there is no lesson {config.name!r}, only {names}", file=sys.stderr)
        sys.exit(2)
    lesson = read_lesson(config.name)
    show_lesson(lesson, config.language)
    file = config.folder / f"{config.name}.png"
    save_picture(lambda figure: lesson.draw(figure, config.language), lesson.size, file)
    print(f"{_PICTURE[config.language]}: {file}")


def lesson_names() -> list[str]:
    """The modules of the folder of lessons, in alphabetical order."""
    return sorted(m.name for m in pkgutil.iter_modules(lessons.__path__) if not m.ispkg)


def read_lesson(name: str) -> Lesson:
    """The lesson of this name, which is one of `lesson_names`."""
    lesson: Lesson = importlib.import_module(f"{lessons.__name__}.{name}").LESSON
    return lesson
