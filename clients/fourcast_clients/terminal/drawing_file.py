"""The file that a drawing comes in: a picture, or strokes in JSON. Its content says which."""

import json
from pathlib import Path
from typing import TypeAlias

from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.input_file import MAX_FILE_BYTES, read_input

FORM = '{"drawing": [[[x, ...], [y, ...]], ...]}'
"""How strokes are written; the list alone will do, too."""

Strokes: TypeAlias = list[list[tuple[float, float]]]


def read_drawing_file(path: Path) -> Strokes | bytes:
    """The strokes in a file, or the file itself if it is no text: then it may be a picture.

    Strokes are read in the form of the Quick, Draw! data set: for each stroke a list of x and a
    list of y; what follows them, the times in its raw files, is passed over, as are keys other than
    "drawing". Whether anything can be drawn from a picture or from strokes, the server says.

    Raises:
        UsageError: If the file cannot be read, is empty or too large, or is a text without a
            drawing in this form.
    """
    content = read_input(path, MAX_FILE_BYTES, "save the drawing smaller")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content
    if "\0" in text:  # never in text, and always in a picture
        return content
    return _read_strokes(path, text)


def _read_strokes(path: Path, text: str) -> Strokes:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and text.lstrip().startswith("{"):
            raise UsageError(
                f"{path} has more than one drawing, as .ndjson files have: save one line of it as "
                "a file"
            ) from None
        raise UsageError(
            f"{path} is neither a picture nor strokes: at line {error.lineno}, column "
            f"{error.colno} it is not JSON ({error.msg}); strokes are written as {FORM}"
        ) from None
    except (ValueError, RecursionError):
        # A number of thousands of digits, or lists within lists without end.
        raise UsageError(f"{path} is no drawing: strokes are written as {FORM}") from None
    if isinstance(value, dict):
        value = value.get("drawing")
    if not isinstance(value, list):
        raise UsageError(f"{path} has no list of strokes: they are written as {FORM}")
    return [_read_stroke(path, number, stroke) for number, stroke in enumerate(value, 1)]


def _read_stroke(path: Path, number: int, stroke: object) -> list[tuple[float, float]]:
    match stroke:
        case [[*xs], [*ys], *_]:
            if len(xs) != len(ys):
                raise UsageError(
                    f"{path}: stroke {number} has {len(xs)} x, but {len(ys)} y: write one of each "
                    "for every point"
                )
        case _:
            raise UsageError(
                f"{path}: stroke {number} is not a list of x and a list of y: strokes are written "
                f"as {FORM}"
            )
    points = []
    for place, (x, y) in enumerate(zip(xs, ys, strict=True), 1):
        try:
            points.append((_number(x), _number(y)))
        except (TypeError, OverflowError):
            raise UsageError(f"{path}: stroke {number}, point {place} is not two numbers") from None
    return points


def _number(value: object) -> float:
    # JSON's true is 1 to Python.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)
