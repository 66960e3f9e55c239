"""Many visitors of the web app at once, and how soon one of them sees what they do.

A visitor loads the pages, then plays Connect-4 against the network and draws, with a pause after
each action as a person makes one. The gateway, its service, the visitors and the browser share this
machine.

    python -m benchmarks.web
"""

import http.client
import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Annotated, Any
from urllib.parse import urlsplit

import numpy as np
import tyro
from playwright.sync_api import Page, sync_playwright
from websockets.sync.client import ClientConnection, connect

from fourcast_clients.web.pages import PAGES

PAUSE_SECONDS = 1.0
"""The mean time that a visitor looks at what came."""

PERCENTILES = (50, 90, 99)
ADDRESS = re.compile(r"http://\S+:\d+")

INPUTS = 60
"""How many keys and strokes the browser is given."""

# Event Timing: from the input to the paint that follows it, in steps of 8 ms.
OBSERVE = """() => {
  window.inputs = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.inputs.push([entry.name, entry.duration]);
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
  window.seen = 0;
  const guesses = document.getElementById("guesses");
  if (guesses) new MutationObserver(() => { window.seen = performance.now(); })
    .observe(guesses, { childList: true });
  addEventListener("pointerup", (event) => { window.lifted = event.timeStamp; }, true);
}"""


class GatewayError(Exception):
    """The web app did not start. Its own words stand above on standard error."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Have many people visit the web app, then use it in a browser, and print what it was like.

    Example: python -m benchmarks.web --visitors 10 --seconds 10
    """

    visitors: Annotated[int, tyro.conf.arg(metavar="N")] = 100
    """How many come at once."""

    seconds: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 120.0
    """How long they stay."""

    browser: Annotated[
        str | None,
        tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: chromium, if found)"),
    ] = shutil.which("chromium")
    """The browser that is measured."""

    def run(self) -> str:
        """Visit.

        Returns:
            The report.

        Raises:
            GatewayError: If the web app does not start.
        """
        with _gateway() as (address, process):
            before = _resident_mebibytes(process)
            visitors = [Visitor(address, seed) for seed in range(self.visitors)]
            halfway: list[float] = []
            _visit(visitors, self.seconds, lambda: halfway.append(_resident_mebibytes(process)))
            after = _resident_mebibytes(process)
            lines = [
                f"{self.visitors} visitors for {self.seconds:g} s: "
                f"{sum(len(times) for one in visitors for times in one.times.values())} requests, "
                f"{sum(len(one.errors) for one in visitors)} errors",
                f"gateway: {before:.0f} MiB before, {halfway[0]:.0f} MiB halfway, "
                f"{after:.0f} MiB after",
                "",
                "| action | requests | median ms | 90 % | 99 % |",
                "| --- | ---: | ---: | ---: | ---: |",
            ]
            for action in visitors[0].times:
                times = 1e3 * np.concatenate([one.times[action] for one in visitors])
                cells = " | ".join(f"{ms:.1f}" for ms in np.percentile(times, PERCENTILES))
                lines.append(f"| {action} | {len(times)} | {cells} |")
            lines += sorted({error for one in visitors for error in one.errors})[:5]
            if self.browser is not None:
                lines += ["", *_measure_browser(self.browser, address)]
        return "\n".join(lines)


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


def _visit(visitors: list[Visitor], seconds: float, halfway: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    threads = [threading.Thread(target=visitor.visit, args=[end]) for visitor in visitors]
    for thread in threads:
        thread.start()
    time.sleep(seconds / 2)
    halfway()
    for thread in threads:
        thread.join()


@contextmanager
def _gateway() -> Iterator[tuple[str, int]]:
    """The web app with a service of its own: its address, and its process."""
    command = [sys.executable, "-m", "fourcast_clients.terminal", "web", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # PIPE above
        try:
            address = ADDRESS.search(process.stdout.readline())
            if address is None:
                raise GatewayError("the web app did not start; the reason stands above")
            yield address[0], process.pid
        finally:
            process.terminate()


def _resident_mebibytes(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    resident = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    assert resident  # of every process
    return int(resident[1]) / 1024


def _measure_browser(program: str, address: str) -> list[str]:
    """How soon one sees a key or a stroke, and a guess."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        keys = _measure_keys(page, address)
        strokes, guesses = _measure_strokes(page, address)
        browser.close()
    return [
        f"browser, {INPUTS} inputs of each kind",
        "",
        "| from | to | median ms | 90 % | 99 % |",
        "| --- | --- | ---: | ---: | ---: |",
        *(
            f"| {start} | {end} | "
            + " | ".join(f"{ms:.0f}" for ms in np.percentile(times, PERCENTILES))
            + " |"
            for start, end, times in (
                ("key", "screen", keys),
                ("pen down", "screen", strokes),
                ("pen up", "guess", guesses),
            )
        ),
    ]


def _measure_keys(page: Page, address: str) -> list[float]:
    page.goto(f"{address}/connect4")
    page.wait_for_selector("#say:has-text('.')")
    page.evaluate(OBSERVE)
    for _ in range(INPUTS):
        page.keyboard.press("4")
        page.wait_for_timeout(100)
        page.locator("#new").click()
        page.wait_for_selector(".disc", state="detached")
    return _durations(page, "keydown")


def _measure_strokes(page: Page, address: str) -> tuple[list[float], list[float]]:
    page.goto(f"{address}/doodle")
    box = page.locator("#canvas").bounding_box()
    assert box is not None  # it is visible
    page.evaluate(OBSERVE)
    random = Random(1)
    guesses = []
    for number in range(INPUTS):
        if number % 5 == 0 and number:
            page.locator("#clear").click()
        for step in range(8):
            x = box["x"] + random.uniform(0.1, 0.9) * box["width"]
            y = box["y"] + random.uniform(0.1, 0.9) * box["height"]
            page.mouse.move(x, y)
            if step == 0:
                page.mouse.down()
        page.mouse.up()
        page.wait_for_timeout(400)
        waited: float = page.evaluate("window.seen - window.lifted")
        # The last guess may have come before the pen was lifted: then there was no wait.
        guesses.append(max(waited, 0.0))
    return _durations(page, "pointerdown"), guesses


def _durations(page: Page, name: str) -> list[float]:
    """Of the events of a name; what took less than the browser reports counts as its least."""
    page.wait_for_timeout(500)
    inputs: list[tuple[str, float]] = page.evaluate("window.inputs")
    found = [duration for event, duration in inputs if event == name]
    return found + [16.0] * (INPUTS - len(found))


def main() -> int:
    """Run the benchmark; the exit code."""
    benchmark = tyro.cli(Benchmark, prog="python -m benchmarks.web")
    try:
        print(benchmark.run())
    except GatewayError as error:
        print(f"benchmarks.web: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
