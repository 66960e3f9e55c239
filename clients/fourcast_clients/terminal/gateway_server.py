"""The web app's server: what `fourcast web` and `fourcast arcade` run."""

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from fourcast_clients.terminal.connection import Connection
from fourcast_clients.terminal.exit_codes import UsageError

if TYPE_CHECKING:
    import uvicorn

DEFAULT_PORT = 8080

MAX_CHANGE_BYTES = 1 << 16
"""The largest message of a WebSocket: a part of a stroke."""

STOP_SECONDS = 2
"""How long requests may run on after Ctrl-C."""

KEEP_SECONDS = 75
"""How long a browser's connection stays open while a person thinks."""

BACKLOG = 1024
"""Browsers that may wait to be let in."""

LOOK_SECONDS = 0.01

WEB_EXTRA = ("markdown_it", "starlette", "uvicorn", "websockets")
"""What the extra `web` of pyproject.toml installs."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that browsers can reach; 0 is any free port.

    Raises:
        UsageError: If there can be none.
    """
    if not 0 <= port <= 65535:
        raise UsageError(f"--port is {port}, but must be 0 to 65535")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise UsageError(
            f"--host {host} --port {port}: cannot listen there "
            f"({error.strerror}); choose another one, or 0 for any free port"
        ) from None


def web_address(listener: socket.socket) -> str:
    """Where a browser on this computer finds what listens."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def gateway_server(
    connection: Connection, listener: socket.socket, names: Sequence[str] = ()
) -> "uvicorn.Server":
    """The server of the web app, not running yet.

    Args:
        connection: The fourcast server behind it.
        listener: Where it will answer.
        names: What browsers may call it; empty for this computer's own names where only this
            computer reaches it, and for any name elsewhere.

    Raises:
        UsageError: If the extra is not installed.
    """
    check_web_extra()
    import uvicorn

    from fourcast_clients.web.gateway import make_app
    from fourcast_clients.web.protection import LOOPBACK_HOSTS
    from fourcast_clients.web.upstream import Upstream

    is_local = ipaddress.ip_address(listener.getsockname()[0]).is_loopback
    app = make_app(
        Upstream(connection.fourcast, connection.service),
        names or (LOOPBACK_HOSTS if is_local else None),
    )
    return uvicorn.Server(
        uvicorn.Config(
            app,
            # Errors go where standard error is at the time: a game in the terminal takes it over.
            log_config=None,
            access_log=False,
            server_header=False,
            ws_max_size=MAX_CHANGE_BYTES,
            timeout_keep_alive=KEEP_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )


def check_web_extra() -> None:
    """Say so before any work is done if the web app is not installed.

    Raises:
        UsageError: If it is not.
    """
    for module in WEB_EXTRA:
        if find_spec(module) is None:
            raise UsageError(
                f"the web app needs {module}: install it with pip install 'fourcast[web]'"
            )


@contextmanager
def in_background(server: "uvicorn.Server", listener: socket.socket) -> Iterator[None]:
    """Serve in a thread until the block ends."""
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(LOOK_SECONDS)
        yield
    finally:
        server.should_exit = True
        thread.join()
