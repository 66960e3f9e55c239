"""Doodles in a real browser, against a real service."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from fourcast_clients.api import Fourcast
from tests.clients.drawings import HOOK, LINE, picture

OpenPage = Callable[..., Page]

ENVELOPE = [
    [(120, 120), (440, 120), (440, 320), (120, 320), (120, 120)],
    [(120, 120), (280, 230), (440, 120)],
]
"""In the canvas' own units."""


def draw(page: Page, *strokes: list[tuple[int, int]]) -> None:
    """Draw with the mouse."""
    canvas = page.locator("#canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    scale = box["width"] / 560
    for points in strokes:
        for number, (x, y) in enumerate(points):
            page.mouse.move(box["x"] + x * scale, box["y"] + y * scale, steps=5 if number else 1)
            if number == 0:
                page.mouse.down()
        page.mouse.up()


def is_blank(page: Page) -> bool:
    """Whether nothing but white is on the sheet."""
    blank: bool = page.locator("#canvas").evaluate(
        "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)"
        ".data.every((value) => value === 255)"
    )
    return blank


@pytest.mark.parametrize(
    ("width", "locale", "name", "says"),
    [(1280, "en-GB", "envelope", "I see"), (360, "es-ES", "sobre", "Veo")],
)
def test_guesses_come_while_somebody_draws(
    open_page: OpenPage, width: int, locale: str, name: str, says: str
) -> None:
    page = open_page("/doodle", width=width, locale=locale)
    draw(page, ENVELOPE[0])
    expect(page.locator("#guesses li")).to_have_count(5)
    draw(page, ENVELOPE[1])
    expect(page.locator("#say")).to_have_text(f"{says}: {name}.")
    expect(page.locator("#guesses .name").first).to_have_text(name)
    expect(page.locator("#answered")).to_contain_text("doodle_strokes")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    # Without the flap it is something else, and without anything nothing.
    page.locator("#undo").click()
    expect(page.locator("#say")).not_to_contain_text(f"{name}.")
    page.locator("#clear").click()
    expect(page.locator("#guesses li")).to_have_count(0)
    expect(page.locator("#undo")).to_be_disabled()
    assert is_blank(page)


def test_who_draws_before_the_names_are_there_is_seen(open_page: OpenPage) -> None:
    # Before any page of ours, or one that is left could ask for the names and be held instead.
    page = open_page("about:blank", width=360, locale="es-ES")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/texts/categories.es.json", hold)
    page.goto("/doodle", wait_until="commit")
    expect(page.locator("#say")).not_to_be_empty()
    draw(page, *ENVELOPE)
    best = page.locator("#guesses .name").first
    expect(best).to_have_text("envelope")
    held[0].continue_()
    expect(best).to_have_text("sobre")


def test_touch_draws_without_scrolling(open_page: OpenPage) -> None:
    page = open_page("/doodle", width=360, has_touch=True, is_mobile=True)
    box = page.locator("#canvas").bounding_box()
    assert box is not None
    finger = page.context.new_cdp_session(page)
    for kind, x, y in [("touchStart", 60, 60), ("touchMove", 200, 80), ("touchMove", 90, 200)]:
        point = {"x": box["x"] + x, "y": box["y"] + y}
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator("#guesses li")).to_have_count(5)
    assert page.evaluate("scrollY") == 0


def test_a_picture_is_named(open_page: OpenPage, fourcast: Fourcast) -> None:
    page = open_page("/doodle")
    image = picture(LINE, HOOK)
    expect(page.locator("#load-label")).to_be_visible()
    file = {"name": "drawing.png", "mimeType": "image/png", "buffer": image}
    page.get_by_label("Load a picture").set_input_files(file)  # type: ignore[arg-type]  # a FilePayload
    expect(page.locator("#answered")).to_contain_text(fourcast.doodle.classify(image=image).model)
    names = page.locator("#guesses .name").all_text_contents()
    assert names == [guess.category for guess in fourcast.doodle.classify(image=image).guesses]
    assert not is_blank(page)


def test_a_file_that_is_no_picture_is_explained(open_page: OpenPage) -> None:
    page = open_page("/doodle", refused=True)
    expect(page.locator("#load-label")).to_be_visible()
    file = {"name": "text.png", "mimeType": "image/png", "buffer": b"no picture"}
    page.get_by_label("Load a picture").set_input_files(file)  # type: ignore[arg-type]  # a FilePayload
    expect(page.get_by_role("alert")).to_contain_text("Check the link or the file")


def test_the_game_ends_with_all_drawings(open_page: OpenPage) -> None:
    page = open_page("/doodle")
    # The words are drawn by lot; here they are all the same.
    page.route("**/api/doodle/categories", lambda route: route.fulfill(body=json.dumps(WORDS)))
    page.get_by_role("button", name="draw this").click()
    expect(page.locator("#word")).to_have_text("Draw: envelope")
    expect(page.get_by_role("timer")).to_contain_text("s")
    draw(page, *ENVELOPE)
    expect(page.locator("#round")).to_have_text("Drawing 2 of 6")
    draw(page, [(100, 100), (400, 300)])
    expect(page.locator("#guesses li")).to_have_count(5)
    for number in range(2, 7):
        expect(page.locator("#round")).to_have_text(f"Drawing {number} of 6")
        page.get_by_role("button", name="Next word").click()
    expect(page.locator("#score")).to_have_text("The network recognised 1 of 6.")
    results = page.locator("#drawings li")
    expect(results).to_have_count(6)
    expect(results.nth(0)).to_contain_text("✓ seen after")
    expect(results.nth(1)).to_contain_text("✗ looked like")
    expect(results.nth(5)).to_contain_text("✗ nothing drawn")
    path = results.nth(1).locator("path").get_attribute("d")
    assert path is not None
    assert path.startswith("M100,100 L")
    expect(page.locator("#result-heading")).to_be_focused()


WORDS = ["envelope"] * 6
