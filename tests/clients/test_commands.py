"""What all commands have in common: help, --json, exit codes, Ctrl-C, colours."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fourcast_clients.api import Fourcast
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.__main__ import main
from fourcast_clients.terminal.commands import COMMANDS
from tests.clients.drawings import picture as drawn
from tests.clients.positions import LATE_WIN

CLIENTS_PAGE = Path(__file__).resolve().parents[2] / "clients" / "README.md"
COMMAND = [sys.executable, "-m", "fourcast_clients.terminal"]

WITHOUT_RESULT = {"arcade", "play", "web", "completion"}
"""For people, or for a shell: their help says that they have no --json."""

WRONG = {
    "arcade": (["--server", "nowhere"], "--server: "),
    "play": (["--server", "nowhere"], "--server: "),
    "analyze": (["44", "--timeout", "0"], "--timeout is 0"),
    "doodle": (["missing.png"], "missing.png: there is no such file"),
    "hide": (["missing.png", "text", "out.png"], "missing.png: there is no such file"),
    "reveal": (["missing.png"], "missing.png: there is no such file"),
    "capacity": (["missing.png"], "missing.png: there is no such file"),
    "forecast": (["prices.csv", "--horizon", "0"], "--horizon is 0"),
    "backtest": (["prices.csv", "--days", "0"], "--days is 0"),
    "data": (
        ["crypto", "BTC-USD", "--out", "a.csv", "--start", "2024-01-02", "--end", "2024-01-01"],
        "--start, --end: ",
    ),
    "screen": (["--ca", "ca.pem"], "--tls, --ca, "),
    "models": (["--token-file", "missing", "--server", "127.0.0.1:1"], "--token-file: "),
    "web": (["--port", "70000"], "--port is 70000"),
}
"""What no server need be asked about, and how the message begins."""

WAITING = {
    "arcade": [],
    "play": [],
    "analyze": ["44"],
    "doodle": ["picture.png"],
    "hide": ["picture.png", "text", "out.png"],
    "reveal": ["picture.png"],
    "capacity": ["picture.png"],
    "forecast": ["prices.csv"],
    "backtest": ["prices.csv"],
    "data": ["crypto", "BTC-USD", "--out", "a.csv", "--cache", "cache"],
    "screen": [],
    "models": [],
    "web": ["--port", "0"],
}
"""Lines that ask a server."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands run, with a file of each kind."""
    (tmp_path / "picture.png").write_bytes(drawn([(0, 0), (9, 9)]))
    (tmp_path / "prices.csv").write_text("date,close\n2025-01-01,1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """`main` changes what signals do; afterwards they do as before."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def run(*arguments: str) -> int:
    """A command's exit code, run in this process."""
    try:
        return main(arguments)
    except SystemExit as done:
        return int(done.code or 0)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_and_says_what_json_there_is(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(name, "--help") == exit_codes.OK
    text = " ".join(capsys.readouterr().out.split())
    assert f"Example: fourcast {name}" in text
    assert ("there is no --json" in text) == (name in WITHOUT_RESULT)
    assert ("With --json it prints one JSON object" in text) == (name not in WITHOUT_RESULT)


def test_the_list_of_commands_has_each_with_what_it_is_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("--help") == exit_codes.OK
    text = capsys.readouterr().out
    for name in COMMANDS:
        assert re.search(rf"• {name} +[A-Z]", text)


def test_exit_codes_are_said_where_people_look(capsys: pytest.CaptureFixture[str]) -> None:
    run("--help")
    text = capsys.readouterr().out
    shown = {int(code): words for code, words in re.findall(r"^ +(\d+)  (\S.*)$", text, re.M)}
    assert shown == exit_codes.MEANINGS
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", CLIENTS_PAGE.read_text(), re.M)
    assert {int(code): words for code, words in rows} == exit_codes.MEANINGS


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_explained(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, words = WRONG[name]
    assert run(name, *arguments) == exit_codes.WRONG_USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"fourcast {name}: {words}")
    assert said.err.count("\n") == 1
    assert sorted(path.name for path in folder.iterdir()) == ["picture.png", "prices.csv"]


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_flag_is_explained(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    needed = WAITING.get(name, ["bash"])
    assert run(name, *needed, "--nonesuch") == exit_codes.WRONG_USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert "--nonesuch" in said.err


def test_every_command_is_in_these_tables() -> None:
    assert {*WRONG, "completion"} == {*WAITING, "completion"} == set(COMMANDS)


@pytest.mark.parametrize("name", WAITING)
@pytest.mark.usefixtures("folder")
def test_ctrl_c_ends_a_command_that_waits(name: str) -> None:
    # A server that takes the connection and says nothing.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        where = ["--address", f"http://{address}"] if name == "data" else ["--server", address]
        with subprocess.Popen(
            [*COMMAND, name, *WAITING[name], *where],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            caller, _ = silent.accept()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate()
            caller.close()
    assert (process.returncode, out) == (exit_codes.INTERRUPTED, "")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("environment", "colours"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colours_are_for_terminals_that_want_them(
    fourcast: Fourcast, environment: dict[str, str], colours: bool
) -> None:
    master, slave = pty.openpty()
    variables = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(
        [*COMMAND, "analyze", LATE_WIN, "--server", fourcast.server],
        env=variables | {"TERM": "xterm-256color"} | environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
    ) as process:
        os.close(slave)
        shown = b""
        try:
            while part := os.read(master, 65536):
                shown += part
        except OSError:
            pass  # so a terminal ends whose last program has left
    os.close(master)
    assert process.returncode == exit_codes.OK
    text = shown.decode()
    assert "Best: column 4." in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    # Foreground and background colours; bold and dim are left.
    assert (re.search(r"\x1b\[(\d+;)*(3|4|9|10)[0-7](;\d+)*m", text) is not None) == colours
