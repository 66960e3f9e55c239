"""The terminal game: keys and mouse in, calls to the server, the board redrawn in place.

The program knows no rules. Every position on the screen, its legal columns and its winning line
come from the server, and every call runs in a thread, so that the screen never waits.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar, TypeVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Static

from fourcast_clients.api import COLUMNS, Cancellation, Cell, Connect4, FourcastError, Level
from fourcast_clients.terminal.board_view import STONE_COLOURS, BoardView
from fourcast_clients.terminal.column_view import ColumnView
from fourcast_clients.terminal.exit_codes import INTERRUPTED
from fourcast_clients.terminal.game import THINKING_SECONDS, Game, Turn
from fourcast_clients.terminal.local_service import LocalServiceError
from fourcast_clients.terminal.panel import Doing, Players, Thoughts, state_of_play
from fourcast_clients.terminal.wording import OPPONENTS

Answer = TypeVar("Answer")

RULES_SECONDS = 10.0
"""How long the server may take to describe a position, which costs it microseconds."""

RETRY_SECONDS = 1.0
"""Pause before a call is made again to a server that is away."""


class PlayApp(App[None]):
    """A game of Connect-4 against the server."""

    CSS_PATH = "app.tcss"
    TITLE = "fourcast play"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(column), f"play({column})", show=False) for column in range(1, COLUMNS + 1)),
        Binding("left", "aim(-1)", show=False),
        Binding("right", "aim(1)", show=False),
        Binding("enter,space,down", "drop", show=False),
        Binding("h", "hint", "Hint"),
        Binding("u", "undo", "Undo"),
        Binding("n", "new", "New game"),
        Binding("l", "level", "Level"),
        Binding("s", "side", "Side"),
        Binding("escape", "stop_hint", "Stop hint"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "interrupt", show=False, priority=True),
    ]

    def __init__(
        self,
        connect4: Connect4,
        game: Game,
        *,
        model: str = "",
        revive: Callable[[], None] | None = None,
    ) -> None:
        """Prepare the game; `run` or `run_async` opens the screen.

        Args:
            connect4: Where moves, hints and the rules come from.
            game: The game to play, at its start.
            model: The model that the levels with a network ask; ``""`` is the server's default.
            revive: Called from a thread when the server is away, to bring it back; raises
                `LocalServiceError` if it cannot. None if that is not in this program's hands.
        """
        super().__init__()
        self.game = game
        self._connect4 = connect4
        self._model = model
        self._revive = revive
        self._column = COLUMNS // 2 + 1

    def compose(self) -> ComposeResult:
        """The board on the left, the words on the right, the keys below."""
        with Horizontal(id="table"):
            with Vertical(id="left"):
                yield BoardView()
                yield ColumnView()
            with Vertical(id="right"):
                yield Static("Connect-4", id="title")
                yield Players()
                yield Static(id="state")
                yield Doing()
                yield Thoughts()
                yield Static(id="moves")
        yield Static(id="notice")
        yield Footer()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The stones' colours under the names that the style sheet uses."""
        return {f"{player.value}-stone": colour for player, colour in STONE_COLOURS.items()}

    def on_mount(self) -> None:
        """Show the start position and let the server move if it is first."""
        self._show_position()
        self._carry_on()

    def on_board_view_aimed(self, message: BoardView.Aimed) -> None:
        """Follow the mouse."""
        if self.game.is_humans_turn:
            self._aim(message.column)

    def on_board_view_picked(self, message: BoardView.Picked) -> None:
        """Play where the mouse clicked."""
        self.action_play(message.column)

    def action_aim(self, step: int) -> None:
        """Move the aim by one column."""
        if self.game.is_humans_turn:
            self._aim(min(max(self._column + step, 1), COLUMNS))

    def action_drop(self) -> None:
        """Play the column aimed at."""
        self.action_play(self._column)

    def action_play(self, column: int) -> None:
        """Play a column, 1 to 7, if it is the player's turn and the column is legal."""
        if self.game.is_over:
            self._say("The game is over: n begins a new one, u takes the last move back.")
        elif not self.game.is_humans_turn:
            self._say("It is not your turn yet.")
        elif column not in self.game.turn.board.legal_columns:
            self._say(f"Column {column} is full.")
        else:
            self._aim(column)
            self.run_worker(self._play(column), group="turn", exclusive=True)

    def action_hint(self) -> None:
        """Ask for the exact score of every column."""
        if self.game.is_humans_turn:
            self.run_worker(self._hint(), group="hint", exclusive=True)
        else:
            self._say("A hint is for your own turn.")

    def action_stop_hint(self) -> None:
        """Break the hint off, or clear it away."""
        self.workers.cancel_group(self, "hint")
        self.query_one(ColumnView).scores = None

    def action_undo(self) -> None:
        """Take back the player's last move and the reply."""
        if self.game.take_back():
            self.workers.cancel_group(self, "turn")
            self._show_position()
        else:
            self._say("There is no move of yours to take back.")

    def action_new(self) -> None:
        """Begin again from the start position."""
        self.workers.cancel_group(self, "turn")
        self.game.restart()
        self._show_position()
        self._carry_on()

    def action_side(self) -> None:
        """Change sides, in a new game."""
        self.game.human = self.game.human.opponent
        self.action_new()

    def action_level(self) -> None:
        """Go on to the next level; a move being thought about is asked for anew."""
        levels = list(Level)
        self.game.level = levels[(levels.index(self.game.level) + 1) % len(levels)]
        self._show_words()
        self._carry_on()

    def action_interrupt(self) -> None:
        """Leave as Ctrl-C asks."""
        self.leave(INTERRUPTED)

    def leave(self, code: int) -> None:
        """Close the screen; the process is to end with this exit code."""
        self.exit(return_code=code)

    def _aim(self, column: int) -> None:
        self._column = self.query_one(BoardView).aim = column

    def _carry_on(self) -> None:
        """Let the server move if it is its turn."""
        if not self.game.is_over and not self.game.is_humans_turn:
            self.run_worker(self._reply(), group="turn", exclusive=True)

    async def _play(self, column: int) -> None:
        """The player's move, and the reply."""
        moves = self.game.turn.moves + str(column)
        try:
            board = await self._persist(
                lambda cancellation: self._connect4.describe(
                    moves, timeout=RULES_SECONDS, cancellation=cancellation
                )
            )
        except FourcastError as error:
            self._say(f"{error}.")
            return
        await self._advance(Turn(moves, board))
        if not board.is_over:
            await self._reply()

    async def _reply(self) -> None:
        """The server's move."""
        moves, level = self.game.turn.moves, self.game.level
        try:
            with self._busy(f"{OPPONENTS[level].capitalize()}: thinking"):
                move = await self._persist(
                    lambda cancellation: self._connect4.choose_move(
                        moves,
                        level=level,
                        model=self._model,
                        timeout=THINKING_SECONDS,
                        cancellation=cancellation,
                    )
                )
        except FourcastError as error:
            self._say(f"{error}. l tries another level, u takes your move back.")
            return
        await self._advance(Turn(moves + str(move.column), move.board, move))

    async def _hint(self) -> None:
        """The exact scores under the columns."""
        self._say("")
        moves = self.game.turn.moves
        try:
            with self._busy("Hint: solving (Esc stops)"):
                analysis = await _in_thread(
                    lambda cancellation: self._connect4.analyze(
                        moves, timeout=THINKING_SECONDS, cancellation=cancellation
                    )
                )
        except FourcastError as error:
            self._say(f"{error}. h asks again.")
        else:
            self.query_one(ColumnView).scores = analysis.scores

    async def _persist(self, call: Callable[[Cancellation], Answer]) -> Answer:
        """Make a call until the server answers it, saying in the meantime what is wrong."""
        while True:
            try:
                answer = await _in_thread(call)
            except FourcastError as error:
                if not error.is_passing:
                    raise
                pause = error.retry_after or RETRY_SECONDS
                self._say(f"{error}. Trying again every {pause:g} s; your game is kept.")
            else:
                self._say("")
                return answer
            await asyncio.sleep(pause)
            try:
                if self._revive is not None:
                    await asyncio.to_thread(self._revive)
            except LocalServiceError as error:
                self._say(f"{str(error).splitlines()[0]} Trying again.")

    async def _advance(self, turn: Turn) -> None:
        """Go on to the next position, its stone falling."""
        before = self.game.turn.board
        self.game.add(turn)
        self._show_words()
        cell = next(
            Cell(column, row)
            for row in range(1, len(before.rows) + 1)
            for column in range(1, COLUMNS + 1)
            if before.stone(Cell(column, row)) is not turn.board.stone(Cell(column, row))
        )
        await self.query_one(BoardView).drop(turn.board, cell)

    def _show_position(self) -> None:
        """Show the position at once, and every word about it."""
        self.query_one(BoardView).place(self.game.turn.board)
        self._say("")
        self._show_words()

    def _show_words(self) -> None:
        """Show all that stands around the board."""
        game, reply = self.game, self.game.last_reply
        self.workers.cancel_group(self, "hint")
        view = self.query_one(BoardView)
        view.aiming = game.human
        view.aim = self._column if game.is_humans_turn else None
        columns = self.query_one(ColumnView)
        columns.scores = None
        columns.policy = reply.policy if reply is not None else None
        columns.chosen = reply.column if reply is not None else None
        self.query_one(Players).show(game)
        self.query_one(Thoughts).show(reply)
        self.query_one("#state", Static).update(state_of_play(game))
        moves = game.turn.moves
        self.query_one("#moves", Static).update(f"Moves: {moves}" if moves else "")

    def _say(self, text: str) -> None:
        """Show a notice until the next one; ``""`` takes it away."""
        self.query_one("#notice", Static).update(text)

    @contextmanager
    def _busy(self, what: str) -> Iterator[None]:
        """Show what is going on while it does."""
        doing = self.query_one(Doing)
        doing.what = what
        try:
            yield
        finally:
            if doing.what == what:  # something newer may have taken its place
                doing.what = ""


async def _in_thread(call: Callable[[Cancellation], Answer]) -> Answer:
    """Make a blocking call in a thread; cancelling the task ends the call."""
    cancellation = Cancellation()
    try:
        return await asyncio.to_thread(call, cancellation)
    finally:
        cancellation.cancel()
