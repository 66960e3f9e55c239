"""A real gateway with a real service behind it, and a real browser in front."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from fourcast_clients.api import Fourcast
from tests.clients.positions import LATE_WIN
from tests.clients.web.gateway import run_gateway

# On a busy machine; where nothing is wrong, nobody waits so long.
expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def gateway(fourcast: Fourcast) -> Iterator[str]:
    """The address of a gateway to a service with the committed models."""
    fourcast.connect4.analyze(LATE_WIN)  # compiles the solver, before anybody waits for it
    with run_gateway(fourcast) as address:
        yield address


# Of a module and not of the session: as long as it lives, no other event loop can run here.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or the one that FOURCAST_CHROMIUM names, or a skip."""
    program = os.environ.get("FOURCAST_CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.skip("no browser: install Debian's chromium, or set FOURCAST_CHROMIUM")
    with sync_playwright() as playwright:
        # Without its sandbox, which needs what a container may not give; it sees our pages alone.
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, gateway: str) -> Iterator[Callable[..., Page]]:
    """Opens pages of the gateway; the test fails if one of them logs an error."""
    pages: list[Page] = []
    errors: list[str] = []

    def open_one(
        path: str,
        *,
        width: int = 1280,
        locale: str = "en-GB",
        scheme: str = "light",
        refused: bool = False,
        **more: object,
    ) -> Page:
        context = browser.new_context(
            base_url=gateway,
            viewport={"width": width, "height": 800},
            locale=locale,
            color_scheme=scheme,  # type: ignore[arg-type]  # "light" or "dark"
            **more,  # type: ignore[arg-type]  # what a context takes
        )
        page = context.new_page()

        def note(said: ConsoleMessage) -> None:
            # Chromium logs answers of 400 and above by itself.
            is_refusal = refused and said.text.startswith("Failed to load resource")
            if said.type == "error" and not is_refusal:
                errors.append(said.text)

        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path)
        pages.append(page)
        return page

    yield open_one
    for page in pages:
        page.context.close()
    assert errors == []
