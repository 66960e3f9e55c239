"""What all pages have in common: access for everybody, weight, switches, and recovery."""

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from fourcast_clients.api import Fourcast
from fourcast_clients.web.pages import PAGES
from tests.clients.photographs import file_of, hills
from tests.clients.web.gateway import send
from tests.clients.web.test_doodle_page import ENVELOPE, draw
from tests.services.waiting import until

OpenPage = Callable[..., Page]

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

FIRST_PAINT_BYTES = 100_000

PICTURES = Path(__file__).resolve().parents[3] / "clients" / "pictures"
PICTURED = "4444422226633653"
"""Only one column wins, so the scores differ."""

WIDE = {
    "home": (1120, 920),
    "connect4": (1120, 940),
    "doodle": (1120, 720),
    "hide": (1120, 1180),
    "forecast": (1120, 900),
    "models": (1120, 860),
}
"""The size of each page's picture."""

PHONE = (360, 740)
ALL_PICTURES_BYTES = 600_000
HILLS = file_of(hills())


# A message may be gone again before anybody looks.
NOTE_PROBLEMS = """() => {
  const problem = document.getElementById("problem");
  window.problems = [];
  new MutationObserver(() => problem.hidden || problems.push(problem.textContent))
    .observe(problem, { attributes: true, childList: true });
}"""


def check_access(page: Page) -> None:
    """Fail on anything that axe finds in the page as it is now."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(
        "rules => axe.run({ runOnly: rules, resultTypes: ['violations'] })"
        ".then(({ violations }) => violations.map(({ id, nodes }) =>"
        " [id, nodes.map(({ html, failureSummary }) => [html.slice(0, 200), failureSummary])]))",
        RULES,
    )
    assert found == []


def show(page: Page, name: str) -> None:
    """Bring what a page is for onto it."""
    match name:
        case "connect4":
            page.locator("#analyse").click()
            expect(page.locator("#analysis .top")).to_have_count(1)
            page.locator("#hint").click()
            expect(page.locator(".column.best")).to_have_count(1)
        case "doodle":
            draw(page, *ENVELOPE)
            expect(page.locator("#say")).to_have_text("I see: envelope.")
        case "hide":
            file: Any = {"name": "hills.png", "mimeType": "image/png", "buffer": HILLS}
            page.locator("#cover").set_input_files(file)
            page.locator("#text").fill("Meet me at five, behind the second hill.")
            expect(page.locator("#room-text")).to_contain_text("40 of")
            page.locator("#hide-button").click()
            expect(page.locator("#result-heading")).to_be_focused()
            page.evaluate("scrollTo(0, 0)")
        case "forecast":
            page.locator("#example-stormy").click()
            page.locator("#predict").click()
            expect(page.locator(".fan")).to_be_visible()
        case "models":
            expect(page.get_by_role("article", name="oil")).to_be_visible()


def unfold(page: Page, name: str) -> None:
    """Bring the rest onto it."""
    match name:
        case "connect4":
            page.locator("#review").click()
            last = page.locator("#moves li").nth(len(PICTURED) - 1)
            expect(last).to_have_class(re.compile("best|slower|mistake|blunder"))
            page.locator("#review-stop").click()
            page.locator("#moves button").last.click()
            expect(page.locator("#analysis .top").first).to_be_visible()
        case "models":
            page.get_by_text("The card of oil").click()
            expect(page.locator(".card table").first).to_be_visible()


def take_picture(page: Page, file: Path, width: int, height: int, *, anew: bool) -> None:
    """Compare the size with the picture that is there, or make that anew.

    A browser's fonts differ from machine to machine, so the pixels are not compared.
    """
    page.set_viewport_size({"width": width, "height": height})
    shown = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
    if anew:
        file.parent.mkdir(exist_ok=True)
        shown.save(file, quality=88, method=6)
    with Image.open(file) as picture:
        assert picture.size == shown.size


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_for_everybody_and_as_pictured(
    open_page: OpenPage, request: pytest.FixtureRequest, name: str
) -> None:
    anew: bool = request.config.getoption("--update-picture", default=False)
    path = {"home": "/", "connect4": f"/connect4#{PICTURED}"}.get(name, f"/{name}")
    page = open_page(path, reduced_motion="reduce")
    expect(page.locator("#health")).to_have_text("Ready")
    show(page, name)
    take_picture(page, PICTURES / f"{name}.webp", *WIDE[name], anew=anew)
    if name in {"home", "connect4", "doodle"}:
        page.emulate_media(color_scheme="dark")
        take_picture(page, PICTURES / f"{name}-phone.webp", *PHONE, anew=anew)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1280, "height": 800})
    unfold(page, name)
    check_access(page)
    page.locator("#theme").click()
    check_access(page)
    page.set_viewport_size({"width": 360, "height": 740})
    check_access(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_pictures_are_light() -> None:
    sizes = {picture.name: picture.stat().st_size for picture in PICTURES.iterdir()}
    assert len(sizes) == len(WIDE) + 3
    assert sum(sizes.values()) < ALL_PICTURES_BYTES


def test_the_first_paint_is_light(open_page: OpenPage) -> None:
    page = open_page("/", locale="es-ES")
    network = page.context.new_cdp_session(page)
    sizes: list[int] = []
    network.on("Network.loadingFinished", lambda done: sizes.append(done["encodedDataLength"]))
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    for name in PAGES:
        sizes.clear()
        page.goto("/" if name == "home" else f"/{name}", wait_until="networkidle")
        assert len(sizes) > 4
        assert sum(sizes) < FIRST_PAINT_BYTES


def test_language_and_colours_are_switched_and_stay(open_page: OpenPage) -> None:
    page = open_page("/", locale="es-MX", scheme="dark")
    expect(page.locator("h1")).to_have_text("Juegue con pequeñas redes neuronales")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(background)
    page.get_by_role("button", name="English").click()
    expect(page.locator("h1")).to_have_text("Play with small neural networks")
    page.get_by_role("button", name="Light or dark").click()
    light = page.evaluate(background)
    assert light != dark
    page.goto("/models")
    expect(page.locator("h1")).to_have_text("Models")
    assert page.evaluate(background) == light


def test_models_are_those_of_the_service(open_page: OpenPage, fourcast: Fourcast) -> None:
    (served,) = (model for model in fourcast.models.all() if model.name == "connect4")
    (value_keeping, *_) = served.versions[0].metrics.values()
    page = open_page("/models", locale="es-ES")
    oil = page.get_by_role("article", name="oil")
    expect(oil).to_contain_text("Sirve la versión 1")
    expect(oil).to_contain_text("fourcast-train oil")
    oil.locator("summary").click()
    expect(oil.locator(".card h3")).to_have_text("oil, versión 1")
    connect4 = page.get_by_role("article", name="connect4")
    expect(connect4.locator(".metrics dd").first).to_have_text(
        f"{value_keeping:.4g}".replace(".", ",")
    )
    connect4.locator("summary").click()
    expect(connect4.locator(".card")).to_have_attribute("lang", "en")
    row = page.locator("#calls tr", has_text="models.all")
    expect(row.locator("td").nth(2)).to_contain_text("ms")


def test_the_page_goes_on_when_the_service_is_back(browser: Browser, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-m", "fourcast_clients.terminal", "web", "--port", "0"]
    command += ["--names", "127.0.0.1", "arcade.example"]
    with log.open("w") as file:
        gateway = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True)
    assert gateway.stdout is not None
    try:
        said = gateway.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert address, said + log.read_text()
        assert send(address[0], "/", headers={"Host": "arcade.example"}).status == 200
        assert send(address[0], "/", headers={"Host": "localhost"}).status == 403
        page = browser.new_page()
        page.goto(f"{address[0]}/doodle")
        draw(page, *ENVELOPE)
        expect(page.locator("#say")).to_have_text("I see: envelope.")
        other = browser.new_page()
        other.goto(f"{address[0]}/connect4#44")
        expect(other.locator(".disc")).to_have_count(2)
        for one in (page, other):
            one.evaluate(NOTE_PROBLEMS)
        os.kill(child_of(gateway.pid), signal.SIGKILL)
        other.keyboard.press("4")
        for one in (page, other):
            until(partial(one.evaluate, "problems.some((text) => text.includes('by itself'))"))
        # Both go on without anybody doing anything, and so does the drawing.
        for one in (page, other):
            expect(one.get_by_role("alert")).to_be_hidden()
            expect(one.locator("#health")).to_have_text("Ready")
        draw(page, [(200, 350), (300, 360)])
        expect(page.locator("#guesses li")).to_have_count(5)
        other.keyboard.press("4")
        expect(other.locator(".disc")).to_have_count(4)
        gateway.send_signal(signal.SIGINT)
        assert gateway.wait(20) == 130
        assert "Traceback" not in log.read_text()
    finally:
        gateway.kill()
        gateway.wait()
        gateway.stdout.close()


def child_of(process: int) -> int:
    """The service that a gateway has started."""
    children = Path(f"/proc/{process}/task").glob("*/children")
    (child,) = until(lambda: [int(word) for file in children for word in file.read_text().split()])
    return int(child)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--port", "70000"], "--port is 70000"),
        (["--host", "nonesuch.invalid"], "cannot listen there"),
        (["--token-file", "token"], "--server"),
    ],
)
def test_wrong_flags_are_explained(flags: list[str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fourcast_clients.terminal", "web", *flags],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
