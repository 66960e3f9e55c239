"""How soon somebody in front of a browser sees what they do, and a guess."""

import io
from random import Random

from PIL import Image
from playwright.sync_api import Page, sync_playwright

LEAST_MILLISECONDS = 16.0
"""What the browser does not report was quicker than this, and counts as it."""

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


def measure(program: str, address: str, inputs: int) -> dict[str, list[float]]:
    """Use the web app in a browser.

    Args:
        program: The browser.
        address: Of the web app.
        inputs: How many of each kind it is given.

    Returns:
        Milliseconds of each input of a kind: "key", "click", "letter" and "pen down" to the screen,
        "pen up" to the guess.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        strokes, guesses = _draw(page, address, inputs)
        found = {
            "key": _play(page, address, inputs, by_key=True),
            "click": _play(page, address, inputs, by_key=False),
            "letter": _type(page, address, inputs),
            "pen down": strokes,
            "pen up": guesses,
        }
        browser.close()
    return found


def _play(page: Page, address: str, inputs: int, *, by_key: bool) -> list[float]:
    page.goto("about:blank")
    page.goto(f"{address}/connect4")
    page.wait_for_selector("#say:has-text('.')")
    page.evaluate(OBSERVE)
    for number in range(inputs):
        if by_key:
            page.keyboard.press("4")
        else:
            page.locator(f"[data-column='{number % 7 + 1}']").click()
        page.wait_for_timeout(100)
        page.locator("#new").dispatch_event("click")  # no input of a person, so it is not measured
        page.wait_for_selector(".disc", state="detached")
    return _durations(page, "keydown" if by_key else "click", inputs)


def _type(page: Page, address: str, inputs: int) -> list[float]:
    picture = io.BytesIO()
    Image.new("RGB", (256, 256)).save(picture, "PNG")
    page.goto(f"{address}/hide")
    page.locator("#cover").set_input_files(
        {"name": "black.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    )
    page.wait_for_selector("#room-text:has-text('0 of')")
    page.locator("#text").focus()
    page.evaluate(OBSERVE)
    for _ in range(inputs):
        page.keyboard.press("a")
        page.wait_for_timeout(50)
    return _durations(page, "keydown", inputs)


def _draw(page: Page, address: str, inputs: int) -> tuple[list[float], list[float]]:
    page.goto(f"{address}/doodle")
    box = page.locator("#canvas").bounding_box()
    assert box is not None  # it is visible
    page.evaluate(OBSERVE)
    random = Random(1)
    guesses = []
    for number in range(inputs):
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
    return _durations(page, "pointerdown", inputs), guesses


def _durations(page: Page, name: str, inputs: int) -> list[float]:
    """Of the events of a name, so many at least."""
    page.wait_for_timeout(500)
    reported: list[tuple[str, float]] = page.evaluate("window.inputs")
    found = [duration for event, duration in reported if event == name]
    return found + [LEAST_MILLISECONDS] * (inputs - len(found))
