"""Forecasts in a real browser, against a real service with the committed models."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from fourcast_clients.api import Fourcast
from tests.clients.web.gateway import send
from tests.clients.web.test_pages import check_access

OpenPage = Callable[..., Page]


def prices(days: int) -> str:
    """A CSV file of prices that go up and down."""
    first = date(2025, 1, 1)
    rows = [f"{first + timedelta(day)},{100 + 7 * (day * day % 11) / 11}" for day in range(days)]
    return "\n".join(["date,close", *rows]) + "\n"


def upload(page: Page, content: str) -> None:
    """Choose a file of prices."""
    file: Any = {"name": "prices.csv", "mimeType": "text/csv", "buffer": content.encode()}
    page.locator("#csv").set_input_files(file)


@pytest.mark.parametrize(("width", "locale"), [(1280, "en-GB"), (360, "es-ES")])
def test_a_file_is_forecast(
    open_page: OpenPage, fourcast: Fourcast, width: int, locale: str
) -> None:
    page = open_page("/forecast", width=width, locale=locale)
    expect(page.locator("#model")).to_have_value("forecast_lstm")
    upload(page, prices(120))
    expect(page.locator("#status")).to_contain_text("prices.csv: 120")
    page.locator("#horizon").fill("5")
    page.locator("#predict").click()
    expect(page.locator(".fan .band")).to_have_count(3)
    answer = fourcast.forecast.predict(csv=prices(120).encode(), horizon=5, levels=(50, 80, 95))
    expect(page.locator("#verdicts li")).to_have_count(len(answer.verdicts))
    expect(page.locator("#answered")).to_contain_text(str(answer.trained_until))
    known = page.locator(".fan .known").get_attribute("points")
    median = page.locator(".fan .median").get_attribute("points")
    assert known is not None
    assert median is not None
    assert len(known.split()) == len(answer.recent)
    assert len(median.split()) == 1 + len(answer.prospects)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_past_is_tested_with_progress(open_page: OpenPage) -> None:
    page = open_page("/forecast", scheme="dark")
    page.get_by_role("button", name="random walk").click()
    expect(page.locator("#status")).to_contain_text("500 rows")
    page.locator("#days").fill("80")
    # Watched from inside: it may be gone again before the next look from here.
    page.evaluate(
        """() => {
            const bar = document.getElementById("progress");
            new MutationObserver(() => { window.wasShown ||= !bar.hidden; })
                .observe(bar, { attributes: true });
        }"""
    )
    page.locator("#backtest").click()
    rows = page.locator("#scores tr")
    expect(rows).to_have_count(8)  # four forecasts, one day ahead and fourteen
    expect(page.locator("#progress")).to_be_hidden()
    assert page.evaluate("window.wasShown")
    expect(rows.nth(0)).to_contain_text("naive")
    assert page.locator("#scores tr", has_text="forecast_lstm").count() == 2
    check_access(page)


def test_a_file_without_prices_is_explained(open_page: OpenPage) -> None:
    page = open_page("/forecast", refused=True)
    expect(page.locator("#model option")).not_to_have_count(0)
    for button in ("predict", "backtest"):
        upload(page, "date,close\n2025-01-01,one\n")
        page.locator(f"#{button}").click()
        expect(page.get_by_role("alert")).to_contain_text("Check the link or the file")


def test_what_cannot_be_is_refused(gateway: str) -> None:
    for fields in ({"csv": "", "model": "", "horizon": 0}, {"csv": 1, "model": "", "horizon": 1}):
        assert send(gateway, "/api/forecast/predict", fields).status == 400
    reply = send(gateway, "/api/forecast/predict", {"csv": "", "model": "x", "horizon": 1})
    assert reply.status in {400, 404}
