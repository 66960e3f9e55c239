"""``fourcast arcade``: the web app and the terminal game over one service."""

import socket
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Annotated

import tyro
from rich.console import Console

from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.connection import Connection, connected
from fourcast_clients.terminal.console import Output, has_terminal
from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.gateway_server import (
    DEFAULT_PORT,
    check_web_extra,
    gateway_server,
    in_background,
    listen,
    web_address,
)
from fourcast_clients.terminal.keyboard import CTRL_D, Keyboard
from fourcast_clients.terminal.play import Play
from fourcast_clients.terminal.progress import progress
from fourcast_clients.terminal.server_access import ServerAccess

HOST = "127.0.0.1"
PLAY_KEYS = {"\r", "\n", "t", "T"}
LEAVE_KEYS = {CTRL_D, "q", "Q"}
ANY_PORT = 0

INVITATION = "Enter or t plays Connect-4 here in the terminal; q or Ctrl-C leaves."


@dataclass(frozen=True, kw_only=True)
class Arcade:
    """Open the arcade: all apps in the browser, and Connect-4 in this terminal one key away.

    It prints the address of the web app and that of the service behind it, which takes gRPC. Enter
    or t plays here, q or Ctrl-C leaves. Only this computer reaches either; for others there is
    fourcast web. When input or output is not a terminal, one demo game is played and printed
    instead, as fourcast play does. It is for people, so there is no --json.

    Example: fourcast arcade

    Example: fourcast arcade --port 8000
    """

    port: Annotated[
        int | None,
        tyro.conf.arg(
            metavar="N", help_behavior_hint=f"(default: {DEFAULT_PORT}, or a free one if it is not)"
        ),
    ] = None
    """Where the web app listens; 0 takes any free port."""

    access: tyro.conf.OmitArgPrefixes[ServerAccess] = field(default_factory=ServerAccess)

    def run(self) -> int:
        """Open the arcade until somebody leaves.

        Returns:
            The exit code: 0, or 128 and the number of the signal that ended a game.

        Raises:
            UsageError: If a flag's value is wrong, or the web app is not installed.
            FourcastError: If the server failed.
            LocalServiceError: If a service of its own did not start.
        """
        if not has_terminal():
            return Play(access=self.access).run()
        check_web_extra()
        with ExitStack() as stack:
            # Before anything is started, so that Ctrl-C is this command's alone from the beginning.
            keyboard = stack.enter_context(Keyboard())
            listener = stack.enter_context(self._listen())
            with progress(Console(stderr=True), "Opening the arcade ..."):
                connection = stack.enter_context(connected(self.access))
                server = gateway_server(connection, listener)
                stack.enter_context(in_background(server, listener))
            console = Output()
            console.print("The arcade is open.", style="bold")
            console.print(f"  In the browser: {web_address(listener)}", soft_wrap=True)
            console.print(f"  The service:    {connection.fourcast.server} (gRPC)", soft_wrap=True)
            return self._play_here(keyboard, connection, console)

    def _play_here(self, keyboard: Keyboard, connection: Connection, console: Console) -> int:
        """Games in this terminal, as often as somebody wants one; the exit code."""
        console.print(INVITATION)
        while (key := keyboard.read()) not in LEAVE_KEYS:
            if key in PLAY_KEYS:
                with keyboard.paused():
                    code = Play().play(connection)
                if code != exit_codes.OK:
                    return code
                console.print(INVITATION)
        return exit_codes.OK

    def _listen(self) -> socket.socket:
        if self.port is not None:
            return listen(HOST, self.port)
        try:
            return listen(HOST, DEFAULT_PORT)
        except UsageError:
            return listen(HOST, ANY_PORT)
