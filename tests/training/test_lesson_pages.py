"""Every lesson as a reader meets it: both languages, numbers that agree, tables, pictures."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text as Drawn

from fourcast_training import lessons
from fourcast_training.lessons.presentation import Language, Lesson, Row, Table, Text
from fourcast_training.lessons.presentation.command import lesson_names, main, read_lesson
from fourcast_training.lessons.presentation.text import locale_language
from tests.training.running import fourcast_train, run

NAMES = lesson_names()
LANGUAGES: tuple[Language, ...] = ("en", "es")
FOLDER = Path(lessons.__path__[0])

SAME_IN_BOTH = {
    *("Adam", "ReLU", "leaky", "PReLU", "SELU", "GELU", "swish", "softplus", "softmax", "tanh"),
    *("error", "minimax", "beta"),
}
"""Words of four letters and more that English and Spanish share."""


WITHOUT_TORCH = "minimax"
"""A lesson of searches: there is nothing that torch could compute."""


@cache
def lesson(name: str) -> Lesson:
    return read_lesson(name)


@cache
def rows(name: str) -> tuple[Row, ...]:
    return tuple(lesson(name).rows())


@cache
def tables(name: str) -> tuple[Table, ...]:
    return tuple(lesson(name).tables())


def test_the_course_is_complete() -> None:
    assert set(NAMES) >= {
        *("gradient_descent", "momentum", "backpropagation", "computation_graph", "perceptron"),
        *("approximation", "activations", "losses", "batches", "dropout"),
        *("vanishing_gradients", "recurrence"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_slides_number_is_ours_or_the_lesson_says_what_is_wrong(name: str) -> None:
    assert rows(name)
    for row in rows(name):
        if row.slide:
            assert row.agrees == (row.wrong is None), row
        else:
            assert row.wrong is None


@pytest.mark.parametrize("name", NAMES)
def test_numpy_and_torch_agree(name: str) -> None:
    compared = [row for row in rows(name) if row.torch is not None]
    assert compared or name == WITHOUT_TORCH
    for row in compared:
        # Two random draws of a million ones have means that differ by a few thousandths.
        tolerance = 5e-3 if "mean of a million" in str(row.what) else 1e-7
        assert row.numpy == pytest.approx(row.torch, rel=tolerance, abs=1e-12), row


@pytest.mark.parametrize("name", NAMES)
def test_every_table_is_whole(name: str) -> None:
    for table in tables(name):
        assert table.rows
        for row in table.rows:
            assert len(row) == len(table.heads)
            assert "nan" not in [str(cell).lower() for cell in row]


def texts(name: str) -> list[Text | str]:
    """All that a lesson prints."""
    told = lesson(name)
    found: list[Text | str] = [told.title, told.explanation, *told.remarks]
    found += [text for row in rows(name) for text in (row.what, row.wrong) if text]
    for table in tables(name):
        found += [table.title, *table.heads, *(cell for row in table.rows for cell in row)]
    return found


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{4,}", text))


@pytest.mark.parametrize("name", NAMES)
def test_every_text_has_both_languages(name: str) -> None:
    for text in texts(name):
        if isinstance(text, str):
            assert words(text) <= SAME_IN_BOTH, f"only in one language: {text!r}"
        elif not words(text.en) <= SAME_IN_BOTH:
            assert text.en != text.es, f"not translated: {text.en!r}"


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_has_both_languages(name: str) -> None:
    drawn = {}
    for language in LANGUAGES:
        figure = Figure(figsize=lesson(name).size)
        lesson(name).draw(figure, language)
        found = figure.findobj(Drawn)
        drawn[language] = {word for text in found for word in words(text.get_text())}
    shared = drawn["en"] & drawn["es"]
    assert shared <= SAME_IN_BOTH, f"only in one language: {shared - SAME_IN_BOTH}"


@pytest.mark.parametrize(
    "file", sorted(FOLDER.rglob("*.py")), ids=lambda file: str(file.relative_to(FOLDER))
)
def test_both_languages_stand_side_by_side(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Text":
            assert [keyword.arg for keyword in node.keywords] == ["en", "es"], node.lineno


@pytest.mark.parametrize("halves", [{"en": "", "es": "hola"}, {"en": "hello", "es": ""}])
def test_half_a_text_is_refused(halves: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a text lacks its"):
        Text(**halves)


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "es_CR.UTF-8"}, "es"),
        ({"LANG": "es"}, "es"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "est_EE.UTF-8"}, "en"),
        ({"LANG": "es_ES.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "es_ES@euro"}, "es"),
        ({"LANG": "es_ES", "LC_ALL": ""}, "es"),
    ],
)
def test_the_language_is_the_locales(environment: dict[str, str], language: Language) -> None:
    assert locale_language(environment) == language


@pytest.mark.parametrize(
    ("slide", "value", "agrees"),
    [
        ("-0.402", -0.402499737, True),
        ("-0.402", -0.4026, False),
        ("3.510188e-5", 3.51018778e-5, True),
        ("3.510188e-5", 3.5102e-5, False),
        ("130", 130.0, True),
    ],
)
def test_agreement_is_to_the_last_printed_digit(slide: str, value: float, *, agrees: bool) -> None:
    assert Row("a number", slide, value).agrees is agrees


def test_a_lesson_prints_its_tables_and_draws_its_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for language, phrases in (
        ("en", ["Worked numbers", "the slide says -5.478, right is -6.47173801", "Picture: "]),
        ("es", ["Números resueltos", "la diapositiva dice -5.478, lo correcto es", "Figura: "]),
    ):
        main(["gradient_descent", "--language", language, "--folder", str(tmp_path / language)])
        printed = " ".join(capsys.readouterr().out.split())
        for phrase in [*phrases, "-0.726086637", "53.5144", "3.782980"]:
            assert phrase in printed
        picture = (tmp_path / language / "gradient_descent.png").read_bytes()
        assert picture.startswith(b"\x89PNG")


def test_without_a_name_the_lessons_are_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "es_ES.UTF-8")
    main([])
    printed = capsys.readouterr().out
    for name in NAMES:
        (line,) = (row for row in printed.splitlines() if row.startswith(f"  {name} "))
        assert line.split(maxsplit=1)[1] == lesson(name).title.es


def test_an_unknown_lesson_exits_2_and_names_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["alchemy"])
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    assert "there is no lesson 'alchemy'" in message
    assert "perceptron" in message


def test_help_teaches(tmp_path: Path) -> None:
    done = run(fourcast_train("lesson --help"), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("--language", "--folder", "fourcast-train lesson backpropagation"):
        assert word in done.stdout
