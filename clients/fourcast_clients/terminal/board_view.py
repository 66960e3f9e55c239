"""The board on the screen: draws what the server described, reports where the player points.

A cell is six characters wide and two lines high, so that a stone is about round. The two players'
stones differ in shape, not only in colour: a disc and a ring.
"""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from fourcast_clients.api import COLUMNS, ROWS, Board, Cell, Player
from fourcast_clients.terminal.wording import STONES

CELL_WIDTH = 6
CELL_HEIGHT = 2
WIDTH = COLUMNS * CELL_WIDTH + 2
HEIGHT = ROWS * CELL_HEIGHT + 3

STONE_COLOURS = {Player.FIRST: "#f4c430", Player.SECOND: "#ff6b5e"}

ART = {
    Player.FIRST: ("▟██▙", "▜██▛"),
    Player.SECOND: ("▟▀▀▙", "▜▄▄▛"),
    None: (" ▗▖ ", " ▝▘ "),
}
"""The two lines of a stone, and of an empty cell."""

PLAIN_SIDES = ((" ", " "), (" ", " "))
WINNING_SIDES = (("╭", "╮"), ("╰", "╯"))
"""What stands left and right of a winning stone, in each of its lines."""

FRAME_SECONDS = 1 / 30
FALL_ACCELERATION = 120.0
"""Lines per second squared; the longest fall takes under half a second."""


class BoardView(Widget):
    """The board with the aim above it and the column numbers below."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "board--frame",
        "board--empty",
        "board--first",
        "board--second",
        "board--last",
        "board--winning",
    }

    board: reactive[Board | None] = reactive(None)
    """The position shown; None before the first one is known."""

    aim: reactive[int | None] = reactive(None)
    """The column that a stone hangs over, 1 to 7; None if the player may not move."""

    aiming: reactive[Player] = reactive(Player.FIRST)
    """Whose stone that is."""

    last: reactive[Cell | None] = reactive(None)
    """The cell of the stone played last; None if there is none to point out."""

    falling: reactive[int] = reactive(0)
    """How many lines above its cell that stone still is."""

    @dataclass
    class Aimed(Message):
        """The mouse points at a column, 1 to 7."""

        column: int

    @dataclass
    class Picked(Message):
        """The mouse clicked a column, 1 to 7."""

        column: int

    def place(self, board: Board, last: Cell | None = None) -> None:
        """Show a position as it is.

        Args:
            board: The position.
            last: The cell of the stone played last, which is pointed out.
        """
        self.falling = 0
        self.board, self.last = board, last

    async def drop(self, board: Board, cell: Cell) -> None:
        """Show a position whose last stone falls into a cell."""
        self.place(board, cell)
        if self.app.animation_level == "none":
            return
        height = self.falling = (ROWS - cell.row) * CELL_HEIGHT + 1
        seconds = 0.0
        try:
            while self.falling > 0:
                await asyncio.sleep(FRAME_SECONDS)
                seconds += FRAME_SECONDS
                self.falling = max(0, height - int(FALL_ACCELERATION * seconds**2 / 2))
        finally:
            self.falling = 0

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """Seven cells and the frame."""
        return WIDTH

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The aim, the frame and six cells."""
        return HEIGHT

    def render_line(self, y: int) -> Strip:
        """One line: the aim, the frame, twelve lines of cells, the frame with the numbers."""
        if y == 0:
            return self._aim_line()
        if y == 1:
            return self._frame_line("╭" + "─" * (WIDTH - 2) + "╮")
        if y < HEIGHT - 1:
            return self._cells_line(y - 2)
        numbers = "".join(f"{f' {column} ':─^{CELL_WIDTH}}" for column in range(1, COLUMNS + 1))
        return self._frame_line(f"╰{numbers}╯")

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Aim where the mouse points."""
        if (column := _column_at(event.x)) is not None:
            self.post_message(self.Aimed(column))

    def on_click(self, event: events.Click) -> None:
        """Pick the column that was clicked."""
        if (column := _column_at(event.x)) is not None:
            self.post_message(self.Picked(column))

    def _aim_line(self) -> Strip:
        line = Strip.blank(WIDTH, self.rich_style)
        if self.aim is None:
            return line
        left = 1 + (self.aim - 1) * CELL_WIDTH
        ink = self.get_component_rich_style(f"board--{self.aiming.value}").color
        pointer = Segment(
            f"{f'{STONES[self.aiming]} ▾':^{CELL_WIDTH}}", self.rich_style + Style(color=ink)
        )
        return Strip.join(
            [line.crop(0, left), Strip([pointer]), line.crop(left + CELL_WIDTH, WIDTH)]
        )

    def _frame_line(self, text: str) -> Strip:
        return Strip([Segment(text, self.get_component_rich_style("board--frame"))])

    def _cells_line(self, line: int) -> Strip:
        edge = Segment("│", self.get_component_rich_style("board--frame"))
        cells = (self._cell(column, line) for column in range(1, COLUMNS + 1))
        return Strip([edge, *cells, edge])

    def _cell(self, column: int, line: int) -> Segment:
        """One of the twelve lines of a column, 0 at the top."""
        row, part = ROWS - line // CELL_HEIGHT, line % CELL_HEIGHT
        cell = Cell(column, row)
        stone = self.board.stone(cell) if self.board is not None else None
        if self.falling and self.last is not None and self.last.column == column:
            top = (ROWS - self.last.row) * CELL_HEIGHT - self.falling
            if 0 <= line - top < CELL_HEIGHT and self.board is not None:
                stone, part = self.board.stone(self.last), line - top
            elif cell == self.last:
                stone = None
        wins = self.board is not None and not self.falling and cell in self.board.winning_cells
        left, right = (WINNING_SIDES if wins else PLAIN_SIDES)[part]
        style = self.get_component_rich_style(f"board--{stone.value if stone else 'empty'}")
        if wins:
            style += self._ground("winning")
        elif stone and cell == self.last:
            style += self._ground("last")
        return Segment(f"{left}{ART[stone][part]}{right}", style)

    def _ground(self, name: str) -> Style:
        """What sets a stone's cell apart: the background alone, which keeps the stone's colour."""
        return Style(bgcolor=self.get_component_rich_style(f"board--{name}").bgcolor)


def _column_at(x: int) -> int | None:
    """The column at a horizontal offset in the widget; None on the frame."""
    return (x - 1) // CELL_WIDTH + 1 if 1 <= x < WIDTH - 1 else None
