"""``fourcast web``: the arcade in the browser."""

import ipaddress
import socket
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Annotated

import tyro
from rich.console import Console

from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.connection import connected
from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.progress import progress
from fourcast_clients.terminal.server_access import ServerAccess

MAX_CHANGE_BYTES = 1 << 16
"""The largest message of a WebSocket: a part of a stroke."""

STOP_SECONDS = 2
"""How long requests may run on after Ctrl-C."""

KEEP_SECONDS = 75
"""How long a browser's connection stays open while a person thinks."""

BACKLOG = 1024
"""Browsers that may wait to be let in."""


@dataclass(frozen=True, kw_only=True)
class Web:
    """Serve the arcade to browsers: Connect-4, doodles, and what the server offers.

    It prints its address and serves until Ctrl-C. Without --server it starts a service of its own
    and stops it at the end. Only this computer reaches it unless --host says otherwise; there is no
    encryption and no login, so give other hosts to networks that you trust, or put a web server
    with TLS in front.

    Example: fourcast web

    Example: fourcast web --server games.example:443 --tls --port 8000
    """

    port: Annotated[int, tyro.conf.arg(metavar="N")] = 8080
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
        try:
            import uvicorn

            from fourcast_clients.web.gateway import make_app
            from fourcast_clients.web.protection import LOOPBACK_HOSTS
            from fourcast_clients.web.upstream import Upstream
        except ModuleNotFoundError as error:
            raise UsageError(
                f"the web app needs {error.name}: install it with pip install 'fourcast[web]'"
            ) from None
        with ExitStack() as stack:
            listener = stack.enter_context(self._listen())
            with progress(Console(stderr=True), "Getting ready ..."):
                connection = stack.enter_context(connected(self.access))
            host, port = listener.getsockname()[:2]
            is_local = ipaddress.ip_address(host).is_loopback
            app = make_app(
                Upstream(connection.fourcast, connection.service),
                self.names or (LOOPBACK_HOSTS if is_local else None),
            )
            config = uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                ws_max_size=MAX_CHANGE_BYTES,
                timeout_keep_alive=KEEP_SECONDS,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
            shown = f"[{host}]" if ":" in host else host
            print(f"fourcast web: http://{shown}:{port} (Ctrl-C stops it)", flush=True)
            uvicorn.Server(config).run(sockets=[listener])
        return exit_codes.OK

    def _listen(self) -> socket.socket:
        if not 0 <= self.port <= 65535:
            raise UsageError(f"--port is {self.port}, but must be 0 to 65535")
        try:
            family = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0][0]
            return socket.create_server((self.host, self.port), family=family, backlog=BACKLOG)
        except OSError as error:
            raise UsageError(
                f"--host {self.host} --port {self.port}: cannot listen there "
                f"({error.strerror}); choose another one, or 0 for any free port"
            ) from None
