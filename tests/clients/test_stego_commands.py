"""`fourcast hide`, `reveal` and `capacity` as processes."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import tyro
from PIL import Image

from fourcast_clients.api import Fourcast, Profile
from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.hide import Hide
from fourcast_clients.terminal.reveal import harmless
from tests.clients.photographs import damaged, file_of, photograph
from tests.clients.test_stego import incompressible

TEXT = "línea uno\nzwei \U0001f388 \x1b[31m\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With cat.png, and a passphrase in key."""
    (tmp_path / "cat.png").write_bytes(file_of(photograph()))
    (tmp_path / "key").write_text("correct horse\n")
    return tmp_path


def fourcast(
    folder: Path, *arguments: str, given: bytes | None = None
) -> "subprocess.CompletedProcess[bytes]":
    """Run the command in a folder, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "fourcast_clients.terminal", *arguments],
        cwd=folder,
        input=given if given is not None else b"",
        capture_output=True,
        check=False,
    )


def test_there_and_back_byte_for_byte(hiding: Fourcast, folder: Path) -> None:
    server = ("--server", hiding.server)
    done = fourcast(folder, "hide", "cat.png", "-", "out.png", *server, given=TEXT.encode())
    assert (done.returncode, done.stderr) == (0, b"")
    said = done.stdout.decode()
    assert said.startswith("Hidden in out.png, profile robust: ")
    assert "was read back after a JPEG" in said
    assert "Metadata of cat.png" in said
    assert "not encrypted" in said
    done = fourcast(folder, "reveal", "out.png", *server)
    assert (done.returncode, done.stdout, done.stderr) == (0, TEXT.encode(), b"")


def test_answers_for_programs_and_a_passphrase(hiding: Fourcast, folder: Path) -> None:
    flags = ("--passphrase-file", "key", "--json", "--server", hiding.server)
    hide = ("hide", "cat.png", TEXT, "out.png", "--profile", "capacity", "--explain", "plot.png")
    done = fourcast(folder, *hide, *flags)
    assert (done.returncode, done.stderr) == (0, b"")
    answer = json.loads(done.stdout)
    assert (answer["file"], answer["profile"]) == ("out.png", "capacity")
    assert (answer["comparison"], answer["survives_jpeg"]) == ("plot.png", False)
    assert 0 < answer["bytes_used"] < answer["bytes_available"]
    assert Image.open(folder / "plot.png").width > 1500
    done = fourcast(folder, "reveal", "out.png", *flags)
    answer = json.loads(done.stdout)
    assert answer.pop("corrected_bits") >= 0
    assert answer == {"text": TEXT, "profile": "capacity", "decoder_version": "1"}
    files = sorted(path.name for path in folder.iterdir())
    assert files == ["cat.png", "key", "out.png", "plot.png"]


def test_capacity_of_both_profiles(hiding: Fourcast, folder: Path) -> None:
    expected = {
        profile.value: hiding.stego.capacity(size=(192, 128), profile=profile).bytes_available
        for profile in Profile
    }
    server = ("--server", hiding.server)
    done = fourcast(folder, "capacity", "cat.png", *server)
    assert (done.returncode, done.stderr) == (0, b"")
    first, *rows = done.stdout.decode().splitlines()
    assert first == "cat.png, 192 x 128 pixels, holds"
    assert [row.split()[:3] for row in rows] == [
        [name, f"{number:,}", "bytes"] for name, number in expected.items()
    ]
    done = fourcast(folder, "capacity", "cat.png", "--json", *server)
    assert json.loads(done.stdout) == {"width": 192, "height": 128, "bytes_available": expected}


def test_each_failure_to_reveal_has_its_own_code(hiding: Fourcast, folder: Path) -> None:
    cover = (folder / "cat.png").read_bytes()
    sealed = hiding.stego.hide(cover, TEXT, passphrase="right").image
    lost = hiding.stego.hide(cover, incompressible(2000), profile=Profile.CAPACITY).image
    (folder / "sealed.png").write_bytes(sealed)
    (folder / "lost.png").write_bytes(damaged(lost, slice(60, 80)))
    for arguments, code, words in (
        (("cat.png",), 3, "cat.png: no text is hidden here"),
        (("lost.png",), 4, "lost.png: a text is hidden here, but"),
        (("sealed.png",), 5, "sealed.png: the hidden text is encrypted"),
        (("sealed.png", "--passphrase-file", "key"), 5, "another passphrase"),
        (("key",), 2, "key: the image is not a PNG"),
        (("missing.png",), 2, "missing.png: there is no such file"),
    ):
        done = fourcast(folder, "reveal", *arguments, "--server", hiding.server)
        assert (done.returncode, done.stdout) == (code, b"")
        assert done.stderr.startswith(b"fourcast reveal: ")
        assert words in done.stderr.decode()
        assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("arguments", "given", "words"),
    [
        (("cat.png", incompressible(3000), "out.png"), b"", r"room for \d+; a larger picture"),
        (("key", "text", "out.png"), b"", "key: the image is not a PNG"),
        (("cat.png", "-", "out.png"), b"", "standard input is empty"),
        (("cat.png", "-", "out.png"), b"ab\xff", "not UTF-8 text at byte 2"),
        (("cat.png", "", "out.png"), b"", "TEXT is empty"),
        (("cat.png", "a\udcff", "out.png"), b"", "TEXT is not valid Unicode"),
        (("cat.png", "text", "out.jpg"), b"", r"end with \.png"),
        (("cat.png", "text", "no/out.png"), b"", "there is no such folder"),
        (("cat.png", "text", "cat.png", "--force"), b"", "would overwrite what is read"),
        (("cat.png", "text", "out.png", "--explain", "cat.png"), b"", "would overwrite"),
        (("cat.png", "text", "out.png", "--explain", "out.png"), b"", "is OUT"),
        (("cat.png", "text", "out.png", "--passphrase-file", "empty"), b"", "empty is empty"),
        (("cat.png", "text", "out.png", "--passphrase-file", "blank"), b"", "no passphrase"),
    ],
)
def test_what_cannot_be_hidden_leaves_no_file(
    hiding: Fourcast,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    given: bytes,
    words: str,
) -> None:
    (folder / "empty").touch()
    (folder / "blank").write_text("\n")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
    command = tyro.cli(
        Hide, args=[*arguments, "--server", hiding.server], config=(tyro.conf.FlagCreatePairsOff,)
    )
    with pytest.raises(UsageError, match=words):
        command.run()
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_text_that_is_too_long_as_a_process(hiding: Fourcast, folder: Path) -> None:
    arguments = ("cat.png", incompressible(3000), "out.png", "--server", hiding.server)
    done = fourcast(folder, "hide", *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"fourcast hide: cat.png: the text takes ")
    assert done.stderr.count(b"\n") == 1
    assert not (folder / "out.png").exists()


def test_an_existing_file_is_overwritten_only_if_told_to(hiding: Fourcast, folder: Path) -> None:
    out = folder / "out.png"
    out.write_bytes(b"precious")
    hide = ("hide", "cat.png", "text", "out.png", "--server", hiding.server)
    done = fourcast(folder, *hide)
    assert done.returncode == 2
    assert b"out.png is there already" in done.stderr
    assert out.read_bytes() == b"precious"
    assert fourcast(folder, *hide, "--force").returncode == 0
    assert Image.open(io.BytesIO(out.read_bytes())).size == (192, 128)


def test_a_strangers_text_does_not_steer_the_terminal(hiding: Fourcast, folder: Path) -> None:
    picture = hiding.stego.hide((folder / "cat.png").read_bytes(), TEXT).image
    (folder / "out.png").write_bytes(picture)
    ours, theirs = pty.openpty()
    command = ("reveal", "out.png", "--server", hiding.server)
    done = subprocess.run(
        [sys.executable, "-m", "fourcast_clients.terminal", *command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert shown.replace("\r\n", "\n") == "línea uno\nzwei \U0001f388 \\x1b[31m\\r\n\n"


def test_only_what_steers_is_escaped() -> None:
    assert harmless("a\tñ\n日 \U0001f388") == "a\tñ\n日 \U0001f388"
    assert harmless("\x07\x9b\u202e\u2028") == "\\x07\\x9b\\u202e\\u2028"


def test_help_teaches() -> None:
    for name, words in (
        ("hide", ("from standard input", "metadata of IN", "--passphrase-file", "Exit code")),
        ("reveal", ("byte for byte", "3 no text", "--passphrase-file")),
        ("capacity", ("takes a byte", "--encrypted")),
    ):
        done = fourcast(Path.cwd(), name, "--help")
        assert done.returncode == 0
        text = " ".join(done.stdout.decode().replace("│", " ").split())
        assert text.count(f"Example: fourcast {name} ") == 2
        for word in words:
            assert word in text
