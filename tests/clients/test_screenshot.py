"""The README's picture is a real game.

Draw it anew with ``pytest tests/clients/test_screenshot.py --update-picture``.
"""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fourcast_clients.api import Fourcast
from fourcast_clients.terminal.column_view import ColumnView
from tests.clients.pilot import drawn_grid, new_app, until

PICTURE = Path(__file__).resolve().parents[2] / "clients" / "board.svg"

OPENING = "4444422226"
"""Where the pictured game begins; only one column wins, so the scores differ."""


def text_of(svg: str) -> str:
    """The text in a picture, its lines joined."""
    return " ".join(ElementTree.fromstring(svg).itertext()).replace("\N{NO-BREAK SPACE}", " ")


def without_web_fonts(svg: str) -> str:
    """The picture without the fonts that rich would have fetched from a public server."""
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


async def test_the_picture_shows_a_game(fourcast: Fourcast, request: pytest.FixtureRequest) -> None:
    app = new_app(fourcast, moves=OPENING)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(str(fourcast.connect4.analyze(OPENING).best_columns[0]))
        await until(pilot, lambda: len(app.game.turn.moves) == len(OPENING) + 2)
        await pilot.press("h")
        await until(pilot, lambda: app.query_one(ColumnView).scores is not None)
        grid = drawn_grid(app)
        svg = without_web_fonts(app.export_screenshot(title="fourcast play"))
    assert grid.count("1") == grid.count("2") == 6
    text = text_of(svg)
    for words in ("Your turn.", "The network expects", "exact: + you win"):
        assert words in text
    assert "url(http" not in svg
    if request.config.getoption("--update-picture", default=False):
        PICTURE.write_text(svg, encoding="utf-8")


def test_the_committed_picture_is_one_of_the_game() -> None:
    text = text_of(PICTURE.read_text(encoding="utf-8"))
    for words in ("fourcast play", "Connect-4", "Your turn.", "exact: + you win"):
        assert words in text
