"""``fourcast play``: Connect-4 in the terminal."""

import asyncio
import os
import signal
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import FrameType
from typing import Annotated, NoReturn

import tyro
from rich.console import Console

from fourcast_clients.api import Fourcast, FourcastError, Level, Player
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.connection import Connection, connected
from fourcast_clients.terminal.console import has_terminal
from fourcast_clients.terminal.demo import play_demo
from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.game import Game, Turn
from fourcast_clients.terminal.progress import progress
from fourcast_clients.terminal.server_access import ServerAccess

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, kw_only=True)
class Play:
    """Play Connect-4 in the terminal against a network or against perfect play.

    Keys: 1-7 or the arrows and Enter play a column (or click it), h shows the exact score of
    every column, u takes a move back, n begins anew, l changes the level, s the side, q quits.

    Without --server the game starts a service of its own and stops it at the end. When input or
    output is not a terminal, one demo game is played and printed instead. It is for people, so
    there is no --json.

    Example: fourcast play --side second --level search

    Example: fourcast play --server games.example:443 --tls --token-file ~/.fourcast-token
    """

    side: Annotated[
        Player | None,
        tyro.conf.arg(metavar="{first,second}", help_behavior_hint="(default: first)"),
    ] = None
    """Your side. In the demo: the side of perfect play, second by default."""

    level: Level = Level.NETWORK
    """How the opponent chooses: the network alone, checked by a short search, or perfectly."""

    model: Annotated[
        str, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: connect4)")
    ] = ""
    """The model in the server's repository that the network levels ask."""

    moves: Annotated[str, tyro.conf.arg(metavar="4453", help_behavior_hint="(default: none)")] = ""
    """The columns already played, where the game begins."""

    demo: bool = False
    """Play one game by itself, the level against perfect play, and print it as text."""

    access: tyro.conf.OmitArgPrefixes[ServerAccess] = field(default_factory=ServerAccess)

    def run(self) -> int:
        """Play.

        Returns:
            The exit code: 0, or 128 and the number of the signal that ended the game.

        Raises:
            UsageError: If a flag's value is wrong.
            FourcastError: If the server failed.
            LocalServiceError: If a service of its own did not start.
        """
        is_demo = self.demo or not has_terminal()
        with ExitStack() as stack:
            with progress(Console(stderr=True), "Getting ready ..."):
                connection = stack.enter_context(connected(self.access))
                start = self._start(connection.fourcast)
            if is_demo:
                return self._show_demo(connection.fourcast, start)
            return self._open_screen(connection, start)

    def play(self, connection: Connection) -> int:
        """Play on this terminal over a connection that is there already.

        Returns:
            The exit code: 0, or 128 and the number of the signal that ended the game.

        Raises:
            UsageError: If a flag's value is wrong.
            FourcastError: If the server failed.
        """
        return self._open_screen(connection, self._start(connection.fourcast))

    def _start(self, fourcast: Fourcast) -> Turn:
        """The start position, having made sure that the server can play on from it."""
        try:
            board = fourcast.connect4.describe(self.moves)
        except FourcastError as error:
            if error.code == "INVALID_ARGUMENT":
                raise UsageError(f"--moves: {error.reason}") from None
            raise
        if not board.is_over and self.level is not Level.PERFECT:
            try:
                fourcast.connect4.choose_move(self.moves, model=self.model)
            except FourcastError as error:
                if error.code == "NOT_FOUND" and self.model:
                    raise UsageError(f"--model: {error}") from None
                raise
        return Turn(self.moves, board)

    def _show_demo(self, fourcast: Fourcast, start: Turn) -> int:
        play_demo(
            fourcast.connect4,
            start,
            level=self.level,
            model=self.model,
            perfect_side=self.side or Player.SECOND,
        )
        return exit_codes.OK

    def _open_screen(self, connection: Connection, start: Turn) -> int:
        # Textual takes a good part of a second to import, which the demo need not wait for.
        from fourcast_clients.terminal.app import PlayApp

        game = Game(start, human=self.side or Player.FIRST, level=self.level)
        service = connection.service
        app = PlayApp(
            connection.fourcast.connect4,
            game,
            model=self.model,
            revive=service.revive if service else None,
        )

        def hang_up(number: int, _: FrameType | None) -> NoReturn:
            # The terminal is gone. Textual's output thread dies of that, and then its queue can
            # block the app for ever, so there is no orderly way out through it.
            if service is not None:
                service.stop()
            os._exit(exit_codes.SIGNALLED + number)

        async def run() -> None:
            loop = asyncio.get_running_loop()
            signal.signal(signal.SIGHUP, hang_up)
            for number in (signal.SIGINT, signal.SIGTERM):
                # Through the app, so that the terminal is left as it was.
                loop.add_signal_handler(number, app.leave, exit_codes.SIGNALLED + number)
            await app.run_async()

        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        try:
            asyncio.run(run())
        finally:
            # What goes on after the game wants its own again.
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return app.return_code or exit_codes.OK
