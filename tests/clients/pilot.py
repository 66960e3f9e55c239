"""Plays the terminal game as a person does, and reads what stands on the screen."""

from collections.abc import Callable

from textual.pilot import Pilot

from fourcast_clients.api import COLUMNS, ROWS, Cell, Fourcast, Level, Player
from fourcast_clients.terminal.app import PlayApp
from fourcast_clients.terminal.board_view import (
    ART,
    CELL_HEIGHT,
    CELL_WIDTH,
    WINNING_SIDES,
    BoardView,
)
from fourcast_clients.terminal.game import Game, Turn

CHARACTERS = {Player.FIRST: "1", Player.SECOND: "2", None: "."}


def new_app(
    fourcast: Fourcast,
    *,
    human: Player = Player.FIRST,
    level: Level = Level.NETWORK,
    moves: str = "",
    revive: Callable[[], None] | None = None,
) -> PlayApp:
    """The app at the start of a game, without animation."""
    start = Turn(moves, fourcast.connect4.describe(moves))
    app = PlayApp(fourcast.connect4, Game(start, human, level), revive=revive)
    app.animation_level = "none"
    return app


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Let the app run until something is so; the test's own timeout limits it."""
    while not condition():
        assert pilot.app.is_running, "the app has ended"
        await pilot.pause(0.02)
    await pilot.pause()


async def until_my_turn(pilot: Pilot[None], app: PlayApp) -> None:
    """Let the app run until the player may move or the game is over."""
    await until(pilot, lambda: app.game.is_humans_turn or app.game.is_over)


def screen_text(app: PlayApp) -> str:
    """What stands on the screen, line by line."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def drawn_grid(app: PlayApp) -> str:
    """The stones on the screen as six lines of ``.12``, top row first, read off their shapes."""
    shapes = {art: CHARACTERS[player] for player, art in ART.items()}
    return "\n".join(
        "".join(shapes[_art(app, Cell(column, row))[1]] for column in range(1, COLUMNS + 1))
        for row in range(ROWS, 0, -1)
    )


def marked_cells(app: PlayApp) -> set[tuple[int, int]]:
    """The cells that are marked as winning on the screen, as (column, row) from 1."""
    cells = [Cell(column, row) for column in range(1, COLUMNS + 1) for row in range(1, ROWS + 1)]
    return {(cell.column, cell.row) for cell in cells if _art(app, cell)[0] == WINNING_SIDES}


def column_offset(column: int) -> tuple[int, int]:
    """A place to click in the board for a column."""
    return 1 + (column - 1) * CELL_WIDTH + CELL_WIDTH // 2, 5


def _art(app: PlayApp, cell: Cell) -> tuple[tuple[tuple[str, str], ...], tuple[str, str]]:
    """What is drawn at a cell: the sides of its two lines, and the stone between them."""
    view = app.query_one(BoardView)
    top = 2 + (ROWS - cell.row) * CELL_HEIGHT
    left = 1 + (cell.column - 1) * CELL_WIDTH
    upper, lower = (
        view.render_line(top + line).text[left : left + CELL_WIDTH] for line in range(CELL_HEIGHT)
    )
    return ((upper[0], upper[-1]), (lower[0], lower[-1])), (upper[1:-1], lower[1:-1])
