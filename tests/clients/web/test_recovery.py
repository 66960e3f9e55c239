"""Every page goes on by itself when the service was away, whatever was done meanwhile."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from fourcast_clients.api import Fourcast
from tests.clients.conftest import REPOSITORY
from tests.clients.photographs import file_of, photograph
from tests.clients.web.gateway import run_gateway
from tests.clients.web.test_doodle_page import ENVELOPE, draw
from tests.clients.web.test_hide_page import upload
from tests.services.fronts import unused_port
from tests.services.running import run_server

OpenPage = Callable[..., Page]
PORT = unused_port()


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    """The address of a gateway to a service that is not there yet."""
    with Fourcast(f"127.0.0.1:{PORT}") as client, run_gateway(client) as address:
        yield address


def test_pages_that_came_too_early_go_on(open_page: OpenPage) -> None:
    pages = {
        name: open_page(f"/{name}", refused=True)
        for name in ("connect4", "doodle", "hide", "forecast", "models")
    }
    draw(pages["doodle"], *ENVELOPE)
    upload(pages["hide"], "cover", file_of(photograph()))
    pages["hide"].locator("#text").fill("later")
    for page in pages.values():
        expect(page.locator("#health")).to_have_attribute("data-state", "away")
    with run_server(REPOSITORY, "--port", str(PORT)):
        for page in pages.values():
            expect(page.locator("#health")).to_have_text("Ready")
            expect(page.get_by_role("alert")).to_be_hidden()
        expect(pages["connect4"].locator("#say")).to_have_text("Your turn: red.")
        expect(pages["doodle"].locator("#say")).to_have_text("I see: envelope.")
        expect(pages["hide"].locator("#room-text")).to_contain_text("5 of")
        expect(pages["forecast"].locator("#model")).to_have_value("forecast_lstm")
        expect(pages["models"].get_by_role("article", name="oil")).to_be_visible()
