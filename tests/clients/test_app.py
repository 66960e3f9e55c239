"""The terminal game, played by keyboard and mouse against a real service."""

import itertools
import os
import signal

import pytest
from textual.color import Color
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Static

from fourcast_clients.api import Fourcast, Level, Player, Status
from fourcast_clients.terminal.app import PlayApp
from fourcast_clients.terminal.board_view import BoardView
from fourcast_clients.terminal.column_view import ColumnView
from fourcast_clients.terminal.local_service import LocalService
from fourcast_clients.terminal.panel import Doing
from fourcast_models.connect4.board import (
    format_grid,
    parse_moves,
    status,
    winning_cells,
)
from tests.clients.pilot import (
    column_offset,
    drawn_grid,
    marked_cells,
    new_app,
    screen_text,
    until,
    until_my_turn,
)
from tests.clients.positions import HARD, LATE_WIN, LATE_WIN_SCORES, WON

SIZE = (80, 24)


def notice(app: PlayApp) -> str:
    return str(app.query_one("#notice", Static).content)


async def until_moves(pilot: Pilot[None], app: PlayApp, count: int) -> None:
    """Let the app run until so many stones are on the board."""
    await until(pilot, lambda: len(app.game.turn.moves) == count)


def scores(app: PlayApp) -> tuple[int | None, ...] | None:
    return app.query_one(ColumnView).scores


async def play_to_the_end(pilot: Pilot[None], app: PlayApp, *, by_mouse: bool) -> None:
    """Play legal columns in turn until the game is over."""
    for wish in itertools.count():
        await until_my_turn(pilot, app)
        if app.game.is_over:
            return
        legal = app.game.turn.board.legal_columns
        column = legal[wish % len(legal)]
        count = len(app.game.turn.moves)
        if by_mouse:
            await pilot.click(BoardView, offset=column_offset(column))
        else:
            await pilot.press(str(column))
        await until(pilot, lambda: len(app.game.turn.moves) > count)  # noqa: B023  # called at once


@pytest.mark.parametrize("by_mouse", [False, True])
@pytest.mark.parametrize("human", list(Player))
async def test_a_whole_game(fourcast: Fourcast, human: Player, by_mouse: bool) -> None:
    app = new_app(fourcast, human=human)
    async with app.run_test(size=SIZE) as pilot:
        await play_to_the_end(pilot, app, by_mouse=by_mouse)
        board = parse_moves(app.game.turn.moves)
        assert drawn_grid(app) == format_grid(board)
        assert marked_cells(app) == {(column + 1, row + 1) for column, row in winning_cells(board)}
        assert status(board).value == app.game.turn.board.status.value
        text = screen_text(app)
        winner = app.game.turn.board.winner
        expected = "A draw" if winner is None else "You win" if winner is human else "network wins"
        assert expected in text
        await pilot.press("1")
        assert "game is over" in notice(app)


async def test_arrows_and_enter_play(fourcast: Fourcast) -> None:
    app = new_app(fourcast)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("left", "left", "enter")
        await until_moves(pilot, app, 2)
        assert app.game.turn.moves[0] == "2"
        await pilot.press(*["right"] * 9, "enter")
        await until_moves(pilot, app, 4)
        assert app.game.turn.moves[2] == "7"


async def test_the_network_says_what_it_thinks(fourcast: Fourcast) -> None:
    app = new_app(fourcast)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("4")
        await until_moves(pilot, app, 2)
        move = fourcast.connect4.choose_move("4")
        assert move.value is not None
        assert move.policy is not None
        text = screen_text(app)
        assert f"{move.value.loss:4.0%}" in next(x for x in text.splitlines() if "you win" in x)
        assert f"{max(move.policy):.0%}" in text
        assert f"Moves: {app.game.turn.moves}" in text
        assert f"Reply: column {move.column} (network)" in text


async def test_undo_takes_back_the_move_and_the_reply(fourcast: Fourcast) -> None:
    app = new_app(fourcast)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("u")
        assert "no move of yours" in notice(app)
        for count in (2, 4):
            await pilot.press("4")
            await until_moves(pilot, app, count)
        two = app.game.turn.moves[:2]
        await pilot.press("u")
        await pilot.pause()
        assert app.game.turn.moves == two
        assert drawn_grid(app) == format_grid(parse_moves(two))
        await pilot.press("u")
        await pilot.pause()
        assert drawn_grid(app) == format_grid(parse_moves(""))
        assert "Reply" not in screen_text(app)


async def test_undo_while_the_server_thinks(slow_thinker: Fourcast) -> None:
    app = new_app(slow_thinker, level=Level.PERFECT, moves=HARD[:-1])
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(HARD[-1])
        await until(pilot, lambda: "thinking" in app.query_one(Doing).what)
        await pilot.press("1")
        assert "not your turn" in notice(app)
        await pilot.press("u")
        await until(pilot, lambda: not app.query_one(Doing).what)
        assert app.game.turn.moves == HARD[:-1]
        assert app.game.is_humans_turn


async def test_the_hint_shows_exact_scores_until_the_next_move(fourcast: Fourcast) -> None:
    app = new_app(fourcast, moves=LATE_WIN)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: scores(app) is not None)
        assert scores(app) == LATE_WIN_SCORES
        assert ["+5", "0", "+6", "+7", "+6", "0"] in [
            line.split() for line in screen_text(app).splitlines()
        ]
        await pilot.press("escape")
        assert scores(app) is None
        await pilot.press("h")
        await until(pilot, lambda: scores(app) is not None)
        await pilot.press("4")
        await until(pilot, lambda: app.game.is_over)
        assert scores(app) is None
        assert app.game.turn.board.status is Status.FIRST_WON
        await pilot.press("h")
        assert "your own turn" in notice(app)


async def test_a_hint_can_be_broken_off(slow_thinker: Fourcast) -> None:
    app = new_app(slow_thinker, moves=HARD, human=Player.SECOND)
    async with app.run_test(size=SIZE) as pilot:
        doing = app.query_one(Doing)
        await pilot.press("h")
        await until(pilot, lambda: "solving" in doing.what)
        await until(pilot, lambda: doing.ticks > 1)
        assert "Hint: solving" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: not doing.what)
        assert scores(app) is None
        assert notice(app) == ""


async def test_level_and_side_change_in_the_game(fourcast: Fourcast) -> None:
    app = new_app(fourcast)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("l")
        assert app.game.level is Level.SEARCH
        assert "network and search" in screen_text(app)
        await pilot.press("l")
        assert "perfect play" in screen_text(app)
        await pilot.press("l", "s")
        await until_moves(pilot, app, 1)
        assert app.game.human is Player.SECOND
        await pilot.press("n")
        await until(pilot, lambda: len(app.game.turn.moves) == 1 and app.game.is_humans_turn)


async def test_a_full_column_is_refused_in_words(fourcast: Fourcast) -> None:
    app = new_app(fourcast, moves=LATE_WIN)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("5")
        assert notice(app) == "Column 5 is full."
        assert app.game.turn.moves == LATE_WIN


async def test_stones_fall(fourcast: Fourcast) -> None:
    app = new_app(fourcast, human=Player.SECOND, moves="1122336")
    app.animation_level = "full"
    async with app.run_test(size=SIZE) as pilot:
        view = app.query_one(BoardView)
        heights: list[int] = []

        def record(lines: int) -> None:  # Textual takes no built-in method for a callback
            heights.append(lines)

        app.watch(view, "falling", record, init=False)
        await pilot.press("4")
        await until(pilot, lambda: len(app.game.turn.moves) == 9 and not view.falling)
        assert max(heights) > 8
        assert heights[-1] == 0
        assert drawn_grid(app) == format_grid(parse_moves(app.game.turn.moves))


async def test_a_server_that_dies_and_comes_back_keeps_the_game() -> None:
    with LocalService() as service, Fourcast(service.server) as fourcast:
        fourcast.wait_until_ready()
        app = new_app(fourcast)
        async with app.run_test(size=SIZE) as pilot:
            await pilot.press("4")
            await until_moves(pilot, app, 2)
            os.kill(service.process_id, signal.SIGKILL)
            before = app.game.turn.moves
            await pilot.press("3")
            await until(pilot, lambda: "no fourcast server answers" in notice(app))
            assert "Trying again" in notice(app)
            service.revive()
            await until_moves(pilot, app, 4)
            assert app.game.turn.moves[:3] == before + "3"
            assert notice(app) == ""


async def test_the_game_revives_its_own_service() -> None:
    with LocalService() as service, Fourcast(service.server) as fourcast:
        fourcast.wait_until_ready()
        app = new_app(fourcast, revive=service.revive)
        async with app.run_test(size=SIZE) as pilot:
            os.kill(service.process_id, signal.SIGKILL)
            await pilot.press("3")
            await until_moves(pilot, app, 2)


async def test_everything_fits_80_by_24(fourcast: Fourcast) -> None:
    app = new_app(fourcast, moves=LATE_WIN[:-2])
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("1")
        await until_my_turn(pilot, app)
        await pilot.press("h")
        await until(pilot, lambda: scores(app) is not None)
        app._say("x" * 150)
        await pilot.pause()
        screen = Region(0, 0, *SIZE)
        for widget in app.screen.walk_children(Widget):
            assert screen.contains_region(widget.region), widget
            assert widget.region.area or not widget.display, widget
            assert widget.virtual_size.height <= widget.size.height, widget
        lines = screen_text(app).splitlines()
        for words in ("exact: + you win", "Quit", app.game.turn.moves[:30], "xxx"):
            assert any(words in line for line in lines), words


async def test_no_color_is_respected(fourcast: Fourcast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = new_app(fourcast, moves=WON)
    async with app.run_test(size=SIZE):
        for strip in app.screen._compositor.render_strips():
            for _, style, _ in strip:
                for colour in (style.color, style.bgcolor) if style else ():
                    if colour is not None:
                        red, green, blue = Color.from_rich_color(colour).rgb
                        assert red == green == blue
        assert drawn_grid(app) == format_grid(parse_moves(WON))
        assert marked_cells(app) == {(1, 1), (2, 1), (3, 1), (4, 1)}
