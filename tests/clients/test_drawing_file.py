"""Files that drawings come in, told apart by their content."""

import json
from pathlib import Path

import pytest

from fourcast_clients.terminal.drawing_file import read_drawing_file
from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.input_file import MAX_FILE_BYTES
from tests.clients.drawings import HOOK, LINE, picture

QUICK_DRAW = [[[0, 90], [0, 10]], [[30, 80, 85], [90, 20, 90]]]
WITH_TIMES = [[*QUICK_DRAW[0], [0, 16]], [*QUICK_DRAW[1], [40, 56, 72]]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "drawing.png"


@pytest.mark.parametrize(
    "value",
    [
        QUICK_DRAW,
        WITH_TIMES,
        {"drawing": QUICK_DRAW},
        {"word": "cat", "key_id": "5", "recognized": True, "drawing": WITH_TIMES},
    ],
)
def test_strokes_in_every_form(file: Path, value: object) -> None:
    for text in (json.dumps(value), f"\ufeff \n{json.dumps(value, indent=2)}\n"):
        file.write_text(text, encoding="utf-8")
        assert read_drawing_file(file) == [LINE, HOOK]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_pictures_stay_as_they_are(tmp_path: Path, form: str) -> None:
    file = tmp_path / "drawing.json"
    file.write_bytes(picture(LINE, form=form))
    assert read_drawing_file(file) == file.read_bytes()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("a cat\n", r"neither a picture nor strokes: at line 1, column 1 .*\[\[\[x, "),
        ('{"drawing": [[[1], [2]]\n', "line 2, column 1"),
        ('{"drawing": []}\n{"drawing": []}\n', "more than one drawing"),
        ("7", "no list of strokes"),
        ('{"strokes": []}', "no list of strokes"),
        ('{"drawing": {"x": [1]}}', "no list of strokes"),
        ('[[[1, 2], [3, 4]], [{"x": 1, "y": 2}]]', "stroke 2 is not a list of x"),
        ("[[[1, 2]]]", "stroke 1 is not a list of x"),
        ('["ab"]', "stroke 1 is not a list of x"),
        ("[[[1, 2], [3]]]", "stroke 1 has 2 x, but 1 y"),
        ('[[[1, "2"], [3, 4]]]', "stroke 1, point 2 is not two numbers"),
        ("[[[true], [3]]]", "stroke 1, point 1 is not two numbers"),
        (f"[[[1{'0' * 400}], [3]]]", "stroke 1, point 1 is not two numbers"),
        (f"[[[1{'0' * 5000}], [3]]]", "no drawing"),
        ("[" * 100_000, "no drawing"),
    ],
)
def test_texts_that_are_no_drawing(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError, match=words) as caught:
        read_drawing_file(file)
    assert str(caught.value).startswith(str(file))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as sparse:
        sparse.truncate(MAX_FILE_BYTES + 1)
    for file, words in (
        (tmp_path / "missing.png", "no such file"),
        (tmp_path, "is a folder"),
        (large / "in a file", "cannot be read: Not a directory"),
        (large, "more than 64 MiB"),
    ):
        with pytest.raises(UsageError, match=words):
            read_drawing_file(file)
