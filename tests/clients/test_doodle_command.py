"""`fourcast doodle` as a process, and what it prints."""

import io
import json
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from rich.console import Console

from fourcast_clients.api import Fourcast, Guess, Guesses
from fourcast_clients.terminal.doodle import BAR_WIDTH, NOT_SURE_BELOW, show
from tests.clients.drawings import DOT, HOOK, LINE, Points, picture

REPOSITORY = Path(__file__).resolve().parents[2] / "models" / "repository"


def doodle(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run the command without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "fourcast_clients.terminal", "doodle", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def write_strokes(file: Path, *strokes: Points) -> Path:
    """A drawing in the form of Quick, Draw!."""
    lists = [[[x for x, _ in points], [y for _, y in points]] for points in strokes]
    file.write_text(json.dumps({"drawing": lists}))
    return file


def rows(output: str) -> list[tuple[str, str]]:
    """The names and per cent of an answer."""
    return re.findall(r"^(\S.*?)  +[━╸]* +(\d+\.\d%)$", output, re.MULTILINE)


def expected_rows(answer: Guesses) -> list[tuple[str, str]]:
    return [(guess.category, f"{guess.probability:.1%}") for guess in answer.guesses]


def test_strokes_are_named(doodles: Fourcast, tmp_path: Path) -> None:
    file = write_strokes(tmp_path / "drawing", LINE, HOOK)
    done = doodle(file, "--server", doodles.server)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    answer = doodles.doodle.classify(drawing=[LINE, HOOK])
    assert rows(done.stdout) == expected_rows(answer)
    assert done.stdout.splitlines()[-1] == "Answered by doodle_strokes, version 1."


def test_pictures_are_named(doodles: Fourcast, tmp_path: Path) -> None:
    file = tmp_path / "drawing.json"
    file.write_bytes(picture(LINE, HOOK, form="GIF"))
    done = doodle(file, "--server", doodles.server, "--top", "7")
    assert (done.returncode, done.stderr) == (0, "")
    answer = doodles.doodle.classify(image=file.read_bytes(), top_k=7)
    assert rows(done.stdout) == expected_rows(answer)
    assert "Answered by doodle, version 1." in done.stdout


def test_answers_for_programs(doodles: Fourcast, tmp_path: Path) -> None:
    file = write_strokes(tmp_path / "drawing", DOT)
    done = doodle("--json", "--model", "doodle", file, "--top", "2", "--server", doodles.server)
    assert (done.returncode, done.stderr) == (0, "")
    answer = doodles.doodle.classify(drawing=[DOT], top_k=2, model="doodle")
    assert json.loads(done.stdout) == asdict(answer) | {
        "guesses": list(map(asdict, answer.guesses))
    }
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "flags", "words"),
    [
        (b'{"drawing": []}', (), "{file}: the drawing is empty"),
        (picture(), (), "{file}: the image is empty"),
        (b"\x00 no picture", (), "{file}: the image is not a PNG"),
        (b"a cat", (), "{file} is neither a picture nor strokes"),
        (picture(LINE), ("--top", "0"), "--top is 0"),
        (picture(LINE), ("--top", "346"), "--top: 346"),
        (picture(LINE), ("--model", "nonesuch"), "--model: no model 'nonesuch'"),
        (picture(LINE), ("--model", "doodle_strokes"), "--model: 'doodle_strokes' is no model for"),
    ],
)
def test_wrong_usage_exits_2_and_says_why(
    doodles: Fourcast, tmp_path: Path, content: bytes, flags: tuple[str, ...], words: str
) -> None:
    file = tmp_path / "drawing"
    file.write_bytes(content)
    done = doodle(file, "--server", doodles.server, *flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"fourcast doodle: {words.format(file=file)}")
    assert done.stderr.count("\n") == 1


def test_a_missing_file_is_told_before_anything_is_started(tmp_path: Path) -> None:
    done = doodle(tmp_path / "missing.png")
    assert done.returncode == 2
    assert "missing.png: there is no such file" in done.stderr


def test_access_flags_need_a_server(tmp_path: Path) -> None:
    done = doodle(write_strokes(tmp_path / "drawing", LINE), "--tls")
    assert done.returncode == 2
    assert "go with --server" in done.stderr


def test_a_service_of_its_own(tmp_path: Path) -> None:
    if not (REPOSITORY / "doodle_strokes").is_dir():
        pytest.skip("the repository has no doodle network yet")
    done = doodle(write_strokes(tmp_path / "drawing", LINE, HOOK))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(rows(done.stdout)) == 5


def test_help_teaches() -> None:
    done = doodle("--help")
    assert done.returncode == 0
    assert done.stdout.count("Example: fourcast doodle ") == 2
    assert '{"drawing": [[[x, ...], [y, ...]], ...]}' in done.stdout
    assert '{"guesses": [{"category": "cat", ' in done.stdout


def shown(probability: float, *, terminal: bool) -> str:
    """An answer as it is printed."""
    file = io.StringIO()
    console = Console(
        file=file,
        width=80,
        force_terminal=terminal,
        color_system="standard" if terminal else None,
        no_color=False,
    )
    guesses = (Guess("cat", probability), Guess("The Great Wall of China", 0.0625))
    show(Guesses(guesses, "doodle", "3"), console)
    return file.getvalue()


@pytest.mark.parametrize(
    ("probability", "is_sure"), [(1.0, True), (NOT_SURE_BELOW, True), (0.2999, False)]
)
def test_low_confidence_is_said_in_words(probability: float, is_sure: bool) -> None:
    plain = shown(probability, terminal=False)
    assert ("Not sure" in plain) == (not is_sure)
    bar = plain.splitlines()[-3].split("cat")[1].split()[0]
    assert len(bar) == pytest.approx(probability * BAR_WIDTH, abs=1)
    green, yellow = "\x1b[32m", "\x1b[33m"
    coloured = shown(probability, terminal=True)
    assert (green in coloured, yellow in coloured) == (is_sure, not is_sure)
