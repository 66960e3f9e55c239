"""Visitors of the web app.

Each loads the pages, then plays Connect-4 against the network and draws, with a pause after each
action as a person makes one.
"""

import http.client
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

from websockets.sync.client import ClientConnection, connect

from fourcast_clients.web.pages import PAGES

PAUSE_SECONDS = 1.0
"""The mean time that a visitor looks at what came."""

PARTS = 4
"""How often one looks at the gateway while they are there."""


@dataclass
class Visitor:
    """Somebody who visits.

    Attributes:
        address: Of the gateway.
        seed: What they do follows from this number.
        times: Seconds of each action, by its name.
        errors: What went wrong.
    """

    address: str
    seed: int
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)

    def visit(self, end: float) -> None:
        """Act until a time, in `time.monotonic` seconds."""
        random = Random(self.seed)
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        moves = ""
        try:
            time.sleep(random.uniform(0, PAUSE_SECONDS))
            for page in PAGES:
                with self._timed("page"):
                    _load(connection, page)
            with connect(self.address.replace("http", "ws") + "/api/doodle/watch") as canvas:
                while time.monotonic() < end:
                    with self._timed("move"):
                        reply = _move(connection, moves)
                    is_over = reply["board"]["status"] != "in progress"
                    moves = "" if is_over else moves + str(reply["column"])
                    time.sleep(random.expovariate(1 / PAUSE_SECONDS))
                    with self._timed("stroke"):
                        _draw(canvas, random)
                    time.sleep(random.expovariate(1 / PAUSE_SECONDS))
        except Exception as error:  # noqa: BLE001 - reported, with the visitor's seed
            self.errors.append(f"visitor {self.seed}: {type(error).__name__}: {error}")
        finally:
            connection.close()

    @contextmanager
    def _timed(self, action: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.times[action].append(time.perf_counter() - start)


def _load(connection: http.client.HTTPConnection, page: str) -> None:
    connection.request("GET", "/" if page == "home" else f"/{page}")
    response = connection.getresponse()
    content = response.read()
    if response.status != 200 or b"</html>" not in content:
        raise ValueError(f"{page}: {response.status}")


def _move(connection: http.client.HTTPConnection, moves: str) -> Any:
    """The network's answer, as JSON has it."""
    body = json.dumps({"moves": moves, "level": "network"})
    connection.request("POST", "/api/connect4/move", body)
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise ValueError(f"move: {response.status} {content[:200]!r}")
    return json.loads(content)


def _draw(canvas: ClientConnection, random: Random) -> None:
    """A new drawing of one stroke, and the guess about it."""
    canvas.send(json.dumps({"clear": True}))
    points = [(random.uniform(0, 560), random.uniform(0, 420)) for _ in range(20)]
    canvas.send(json.dumps({"stroke": points}))
    while True:
        answer = json.loads(canvas.recv(timeout=60))
        if "error" in answer:
            raise ValueError(f"stroke: {answer['error']}")
        if answer["guesses"]:
            return


def visit(visitors: list[Visitor], seconds: float, look: Callable[[], None]) -> None:
    """Have visitors come at once, and look at what it costs at the end of each part of their time.

    Args:
        visitors: Who come.
        seconds: How long they stay.
        look: Called PARTS times.
    """
    start = time.monotonic()
    threads = [threading.Thread(target=one.visit, args=[start + seconds]) for one in visitors]
    for thread in threads:
        thread.start()
    for part in range(1, PARTS + 1):
        time.sleep(max(start + seconds * part / PARTS - time.monotonic(), 0))
        look()
    for thread in threads:
        thread.join()
