"""The gateway in a thread, and requests to it such as a browser or an attacker makes."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from fourcast_clients.api import Fourcast
from fourcast_clients.web.gateway import make_app
from fourcast_clients.web.protection import LOOPBACK_HOSTS
from fourcast_clients.web.upstream import Upstream


@contextmanager
def run_gateway(fourcast: Fourcast) -> Iterator[str]:
    """Run a gateway until the block ends; its address, such as http://127.0.0.1:40321."""
    app = make_app(Upstream(fourcast), LOOPBACK_HOSTS)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def fields(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


def send(
    address: str,
    path: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """A POST of bytes, or of a value as JSON; a GET without a body."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    try:
        connection.request("GET" if body is None else "POST", path, content, dict(headers or {}))
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, headers, response.read())
    finally:
        connection.close()
