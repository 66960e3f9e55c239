"""``fourcast web``: the arcade in the browser."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Annotated

import tyro
from rich.console import Console

from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.connection import connected
from fourcast_clients.terminal.gateway_server import (
    DEFAULT_PORT,
    check_web_extra,
    gateway_server,
    listen,
    web_address,
)
from fourcast_clients.terminal.progress import progress
from fourcast_clients.terminal.server_access import ServerAccess


@dataclass(frozen=True, kw_only=True)
class Web:
    """Serve the arcade to browsers: games, hidden texts, forecasts, and what the server offers.

    It prints its address and serves until Ctrl-C. Without --server it starts a service of its own
    and stops it at the end. Only this computer reaches it unless --host says otherwise; there is no
    encryption and no login, so give other hosts to networks that you trust, or put a web server
    with TLS in front. It has no result, so there is no --json.

    Example: fourcast web

    Example: fourcast web --server games.example:443 --tls --port 8000
    """

    port: Annotated[int, tyro.conf.arg(metavar="N")] = DEFAULT_PORT
    """Where to listen; 0 takes any free port."""

    host: Annotated[str, tyro.conf.arg(metavar="HOST")] = "127.0.0.1"
    """The address to listen on; 0.0.0.0 for every computer that reaches this one."""

    names: Annotated[
        tuple[str, ...],
        tyro.conf.arg(
            metavar="NAME ...", help_behavior_hint="(default: this computer's own, or any)"
        ),
    ] = ()
    """The names that browsers may ask for. Without them: localhost and the like where only this
    computer listens, any name elsewhere."""

    access: tyro.conf.OmitArgPrefixes[ServerAccess] = field(default_factory=ServerAccess)

    def run(self) -> int:
        """Serve until stopped.

        Returns:
            The exit code: 0.

        Raises:
            UsageError: If a flag's value is wrong, or the extra is not installed.
            FourcastError: If the server failed.
            LocalServiceError: If a service of its own did not start.
        """
        check_web_extra()
        with ExitStack() as stack:
            listener = stack.enter_context(listen(self.host, self.port))
            with progress(Console(stderr=True), "Getting ready ..."):
                connection = stack.enter_context(connected(self.access))
            server = gateway_server(connection, listener, self.names)
            print(f"fourcast web: {web_address(listener)} (Ctrl-C stops it)", flush=True)
            server.run(sockets=[listener])
        return exit_codes.OK
