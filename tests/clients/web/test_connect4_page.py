"""Connect-4 in a real browser, against a real service."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from fourcast_clients.api import Fourcast, Level
from fourcast_models.repository import read_model
from tests.clients.conftest import REPOSITORY
from tests.clients.positions import LATE_WIN, LATE_WIN_SCORES

VERSION = read_model(REPOSITORY, "connect4").versions[0]

MINUS = "\N{MINUS SIGN}"

OpenPage = Callable[..., Page]


def column(page: Page, number: int) -> str:
    """What a column's button is called."""
    label = page.locator(f"[data-column='{number}']").get_attribute("aria-label")
    assert label is not None
    return label


def play_until_over(page: Page, thinking: str, turn: str) -> None:
    """Click the most central column that may be played until the game has ended."""
    said = page.locator("#say")
    for _ in range(21):
        expect(said).not_to_contain_text(thinking)
        if turn not in (said.text_content() or ""):
            return
        before = page.url
        for number in (4, 3, 5, 2, 6, 1, 7):
            button = page.locator(f"[data-column='{number}']")
            if button.get_attribute("aria-disabled") == "false":
                button.click()
                break
        expect(page).not_to_have_url(before)


@pytest.mark.parametrize(
    ("width", "locale", "thinking", "turn"),
    [(1280, "en-GB", "thinking", "Your turn"), (360, "es-ES", "Pensando", "Le toca")],
)
def test_a_whole_game_with_the_mouse(
    open_page: OpenPage, fourcast: Fourcast, width: int, locale: str, thinking: str, turn: str
) -> None:
    page = open_page("/connect4", width=width, locale=locale)
    expect(page.locator("#say")).to_contain_text(turn)
    play_until_over(page, thinking, turn)
    moves = page.url.partition("#")[2]
    board = fourcast.connect4.describe(moves)
    assert board.is_over
    assert page.locator(".disc").count() == len(moves)
    assert page.locator(".disc.winning").count() == len(board.winning_cells)
    # Every second move is the network's own.
    for ply in range(1, len(moves), 2):
        assert int(moves[ply]) == fourcast.connect4.choose_move(moves[:ply]).column
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.locator("#new").click()
    expect(page.locator(".disc")).to_have_count(0)
    assert "#" not in page.url


def test_keys_alone(open_page: OpenPage) -> None:
    page = open_page("/connect4")
    expect(page.locator("#say")).to_have_text("Your turn: red.")
    page.keyboard.press("4")
    expect(page.locator(".disc")).to_have_count(2)
    expect(page.locator("#thinking")).to_contain_text(
        f"the network (connect4, version {VERSION}) gave it"
    )
    page.locator("[data-column='4']").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-column='5']")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator(".disc")).to_have_count(4)
    assert "red" in column(page, 3)
    page.keyboard.press("ArrowDown")
    expect(page.locator(".disc")).to_have_count(6)


def test_a_phone_in_spanish(open_page: OpenPage) -> None:
    page = open_page("/connect4", width=360, locale="es-ES", has_touch=True, is_mobile=True)
    expect(page.locator("#say")).to_have_text("Le toca: roja.")
    page.locator("[data-column='4']").tap()
    expect(page.locator(".disc")).to_have_count(2)
    expect(page.locator("#thinking")).to_contain_text(f"la red (connect4, versión {VERSION})")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.get_by_role("button", name="Deshacer").tap()
    expect(page.locator(".disc")).to_have_count(0)
    page.locator("#side").select_option("second")
    expect(page.locator("#say")).to_have_text("Le toca: amarilla.")
    expect(page.locator(".disc")).to_have_count(1)
    expect(page.get_by_role("button", name="Deshacer")).to_be_disabled()


def test_a_link_opens_the_same_position(open_page: OpenPage) -> None:
    page = open_page("/connect4#44")
    expect(page.locator(".disc")).to_have_count(2)
    page.locator("[data-column='3']").click()
    expect(page.locator(".disc")).to_have_count(4)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#thinking")).to_contain_text("clipboard")
    link = page.evaluate("navigator.clipboard.readText()")
    other = open_page(link)
    expect(other.locator(".disc")).to_have_count(4)
    assert [column(other, number) for number in range(1, 8)] == [
        column(page, number) for number in range(1, 8)
    ]


def test_whoever_opens_a_link_plays_the_side_to_move(open_page: OpenPage) -> None:
    page = open_page("/connect4#444")
    expect(page.locator("#say")).to_have_text("Your turn: yellow.")
    expect(page.locator("#side")).to_have_value("second")


def test_the_analysis_is_the_services(open_page: OpenPage, fourcast: Fourcast) -> None:
    page = open_page(f"/connect4#{LATE_WIN}")
    page.get_by_role("button", name="Analysis").click()
    cells = page.locator("#analysis tbody").nth(0).locator("td")
    expect(page.locator("#analysis .top")).to_have_text("+7")
    shown = [cell.replace(MINUS, "-").replace("+", "") for cell in cells.all_text_contents()]
    assert shown == ["·" if score is None else str(score) for score in LATE_WIN_SCORES]
    move = fourcast.connect4.choose_move(LATE_WIN)
    assert move.policy is not None
    assert move.value is not None
    policy = page.locator("#analysis tbody").nth(1).locator(".share").all_text_contents()
    assert policy == [f"{share:.0%}" for share in move.policy]
    expect(page.locator(".keyline")).to_contain_text(f"You {move.value.win:.0%}")
    page.get_by_role("button", name="Hint").click()
    expect(page.locator(".column.best")).to_have_count(1)
    expect(page.locator("[data-column='4']")).to_have_class("column best")
    page.keyboard.press("4")
    expect(page.locator("#say")).to_have_text("You win: four in a row!")
    expect(page.locator(".disc.winning")).to_have_count(4)


def test_the_review_marks_mistakes(open_page: OpenPage, fourcast: Fourcast) -> None:
    # Where column 4 wins at once, column 2 only draws.
    moves = LATE_WIN + "2"
    page = open_page(f"/connect4#{moves}")
    page.locator("#side").select_option("first")
    expect(page.locator("#say")).to_have_text("Your turn: red.")
    moves = page.url.partition("#")[2]
    page.get_by_role("button", name="Game review").click()
    row = page.locator("#moves li").nth(len(LATE_WIN))
    expect(row).to_have_class("mistake")
    expect(row).to_contain_text("better: 4 (+7)")
    # The next ones back, too; the first moves of a game would take minutes.
    expect(page.locator("#moves li").nth(len(LATE_WIN) - 2).locator("button")).to_be_enabled()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#review-progress")).to_contain_text("Stopped")
    for ply in range(len(LATE_WIN) - 2, len(moves)):
        analysis = fourcast.connect4.analyze(moves[:ply])
        is_best = int(moves[ply]) in analysis.best_columns
        assert (page.locator("#moves li").nth(ply).get_attribute("class") == "best") == is_best
    row.get_by_role("button").click()
    expect(page.locator(".disc")).to_have_count(len(LATE_WIN))
    expect(page.locator("#say")).to_contain_text("better: 4")
    page.get_by_role("button", name="Back to the game").click()
    expect(page.locator(".disc")).to_have_count(len(moves))


@pytest.mark.parametrize("level", [Level.SEARCH, Level.PERFECT])
def test_levels_answer_as_they_are_called(
    open_page: OpenPage, fourcast: Fourcast, level: Level
) -> None:
    page = open_page(f"/connect4#{LATE_WIN}")
    # Before the page has the position, a key means nothing to it.
    expect(page.locator("#say")).to_contain_text("Your turn")
    page.locator("#level").select_option(level.value)
    page.keyboard.press("7")
    expect(page.locator(".disc")).to_have_count(len(LATE_WIN) + 2)
    moves = page.url.partition("#")[2]
    assert int(moves[-1]) == fourcast.connect4.choose_move(moves[:-1], level=level).column


def test_a_link_that_cannot_be_is_explained(open_page: OpenPage) -> None:
    page = open_page("/connect4#4444444", refused=True)
    expect(page.get_by_role("alert")).to_contain_text("Check the link")
    expect(page.get_by_role("alert")).to_contain_text("column 4 is full")
    page.get_by_role("button", name="New game").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.locator("#say")).to_contain_text("Your turn")


@pytest.mark.parametrize(("motion", "name"), [("reduce", "none"), ("no-preference", "drop")])
def test_discs_do_not_fall_for_those_who_want_no_motion(
    open_page: OpenPage, motion: str, name: str
) -> None:
    page = open_page("/connect4", reduced_motion=motion)
    expect(page.locator("#say")).to_contain_text("Your turn")
    page.keyboard.press("4")
    style = "element => getComputedStyle(element).animationName"
    assert page.locator(".disc.dropping").first.evaluate(style) == name
