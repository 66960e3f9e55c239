"""How a lesson is told: its text in two languages, its table beside the slides', its picture."""

from fourcast_training.lessons.presentation.lesson import Floats, Lesson, Row, Table
from fourcast_training.lessons.presentation.text import Language, Text, in_language

__all__ = ["Floats", "Language", "Lesson", "Row", "Table", "Text", "in_language"]
