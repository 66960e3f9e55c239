"""The arcade on a real terminal, as `fourcast arcade` and as `make play` open it."""

import re
import shutil
import signal
import socket
import sys
from pathlib import Path

import pytest

from fourcast_clients.api import Fourcast
from fourcast_clients.terminal.gateway_server import DEFAULT_PORT
from tests.clients.web.gateway import send
from tests.end_to_end.terminals import (
    COMMAND,
    read_first_line,
    terminal,
    wait_until_none_runs,
)

CHECKOUT = Path(__file__).resolve().parents[2]
ARCADE = [*COMMAND, "arcade"]
INVITED = "q or Ctrl-C leaves."

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="finds processes through Linux's /proc"
)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the Makefile, in which everything that `play` installs is there already."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(CHECKOUT / name, tmp_path)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    program = programs / "fourcast"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m fourcast_clients.terminal "$@"\n')
    program.chmod(0o755)
    for name in ("bin/pip", ".installed-serve-web", ".solver-compiled"):
        (tmp_path / ".venv" / name).touch()
    return tmp_path


def test_make_play_opens_everything_and_ctrl_c_closes_it(
    environment: dict[str, str], installed: Path
) -> None:
    environment = {name: value for name, value in environment.items() if "MAKE" not in name}
    with terminal(environment, ["make", "play"], installed) as screen:
        screen.read_until(INVITED)
        page = re.search(r"In the browser: (http://127\.0\.0\.1:\d+)", screen.text)
        service = re.search(r"The service: +(127\.0\.0\.1:\d+) \(gRPC\)", screen.text)
        assert page
        assert service
        assert b"</html>" in send(page[1], "/connect4").body
        with Fourcast(service[1]) as client:
            client.wait_until_ready()
            assert client.connect4.describe("44").rows[5][3] == "1"
        screen.write("x\n")  # no key of the arcade, and the one that opens the game
        screen.read_until("Your turn.")
        # The browser is served while somebody plays.
        assert send(page[1], "/api/connect4/describe", {"moves": "4"}).status == 200
        screen.write("q")
        screen.output = ""
        screen.read_until(INVITED)
        screen.write("\x03")
        assert screen.finish() == 0
        assert screen.modes_now() == screen.modes
        for word in ("Traceback", "make:"):
            assert word not in screen.output


def test_ctrl_c_while_it_opens_is_no_failure_either(
    environment: dict[str, str], installed: Path
) -> None:
    with terminal(environment, ["make", "play"], installed) as screen:
        screen.read_until("Opening the arcade")
        screen.write("\x03")
        assert screen.finish() == 0
        assert screen.modes_now() == screen.modes
        for word in ("Traceback", "make:", "In the browser"):
            assert word not in screen.output


@pytest.mark.parametrize(("keys", "number", "code"), [("q", None, 0), ("", signal.SIGTERM, 143)])
def test_every_way_out_leaves_the_terminal_as_it_was(
    environment: dict[str, str], keys: str, number: signal.Signals | None, code: int
) -> None:
    # Where somebody else listens already, another port will do.
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", DEFAULT_PORT))
            other.listen()
        except OSError:
            pass  # somebody does
        with terminal(environment, ARCADE) as screen:
            screen.read_until(INVITED)
            assert re.search(r"http://127\.0\.0\.1:(?!8080\b)\d+", screen.text)
            screen.write(keys)
            if number is not None:
                screen.process.send_signal(number)
            assert screen.finish() == code
            assert screen.modes_now() == screen.modes
            assert "Traceback" not in screen.output


def test_ctrl_c_in_the_game_closes_the_arcade(environment: dict[str, str]) -> None:
    with terminal(environment, [*ARCADE, "--port", "0"]) as screen:
        screen.read_until(INVITED)
        screen.write("t")
        screen.read_until("Your turn.")
        screen.write("\x03")
        assert screen.finish() == 130
        assert screen.modes_now() == screen.modes


def test_closing_the_terminal_closes_the_arcade(environment: dict[str, str]) -> None:
    with terminal(environment, [*ARCADE, "--port", "0"]) as screen:
        screen.read_until(INVITED)
        screen.hang_up()
        assert screen.process.wait() in {0, 128 + signal.SIGHUP}
        wait_until_none_runs(environment)


def test_a_port_that_is_taken_is_refused_before_anything_starts(
    environment: dict[str, str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with terminal(environment, [*ARCADE, "--port", str(port)]) as screen:
            assert screen.finish() == 2
            assert f"--port {port}: cannot listen there" in screen.text
            assert screen.modes_now() == screen.modes


def test_without_a_terminal_it_shows_the_demo_game(environment: dict[str, str]) -> None:
    # A whole game against perfect play takes long; whoever reads it has seen enough.
    line, status, errors = read_first_line(ARCADE, environment)
    assert line == "Connect-4: the network ● moves first against perfect play ○.\n"
    assert (status, errors) == (0, "")
