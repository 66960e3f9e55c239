"""``fourcast play``: Connect-4 in the terminal."""

import asyncio
import os
import signal
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import FrameType
from typing import Annotated, NoReturn

import tyro
from rich.console import Console

from fourcast_clients.api import CredentialsError, Fourcast, FourcastError, Level, Player
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.demo import play_demo
from fourcast_clients.terminal.game import Game, Turn
from fourcast_clients.terminal.local_service import LocalService, LocalServiceError
from fourcast_clients.terminal.progress import progress
from fourcast_clients.terminal.server_access import ServerAccess, flag

READY_SECONDS = 5.0
"""How long a server that is given may take to answer."""

LOCAL_READY_SECONDS = 120.0
"""How long the game's own service may take to load its models on a busy machine."""


@dataclass(frozen=True, kw_only=True)
class Play:
    """Play Connect-4 in the terminal against a network or against perfect play.

    Keys: 1-7 or the arrows and Enter play a column (or click it), h shows the exact score of
    every column, u takes a move back, n begins anew, l changes the level, s the side, q quits.

    Without --server the game starts a service of its own and stops it at the end. When input or
    output is not a terminal, one demo game is played and printed instead.

    Example: fourcast play --side second --level search

    Example: fourcast play --server games.example:443 --tls --token-file ~/.fourcast-token
    """

    server: Annotated[
        str | None,
        tyro.conf.arg(metavar="HOST:PORT", help_behavior_hint="(default: one of its own)"),
    ] = None
    """Where a fourcast-serve listens."""

    access: tyro.conf.OmitArgPrefixes[ServerAccess] = field(default_factory=ServerAccess)

    side: Annotated[
        Player | None,
        tyro.conf.arg(metavar="{first,second}", help_behavior_hint="(default: first)"),
    ] = None
    """Your side. In the demo: the side of perfect play, second by default."""

    level: Level = Level.NETWORK
    """How the opponent chooses: the network alone, checked by a shallow search, or perfectly."""

    model: Annotated[
        str, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: connect4)")
    ] = ""
    """The model in the server's repository that the network levels ask."""

    moves: Annotated[str, tyro.conf.arg(metavar="4453", help_behavior_hint="(default: none)")] = ""
    """The columns already played, where the game begins."""

    demo: bool = False
    """Play one game by itself, the level against perfect play, and print it as text."""

    def run(self) -> int:
        """Play.

        Returns:
            The exit code: 0, 1 if the server failed, 2 if a flag's value is wrong, 130 after
            Ctrl-C, 128 and the number of the signal after another one.
        """
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _leave)
        is_demo = self.demo or not all(
            stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)
        )
        try:
            if self.server is None and self.access != ServerAccess():
                raise UsageError(
                    "--tls, --ca, --certificate, --key and --token-file go with --server "
                    "HOST:PORT: a service of the game's own needs none of them"
                )
            with ExitStack() as stack:
                service = None
                with progress(Console(stderr=True), "Getting ready ..."):
                    if self.server is None:
                        service = stack.enter_context(LocalService())
                    fourcast = stack.enter_context(self._connect(service))
                    start = self._start(fourcast)
                if is_demo:
                    return self._show_demo(fourcast, start)
                return self._open_screen(fourcast, start, service)
        except UsageError as error:
            return _fail(exit_codes.WRONG_USAGE, str(error))
        except (FourcastError, LocalServiceError) as error:
            return _fail(exit_codes.FAILED, str(error))

    def _connect(self, service: LocalService | None) -> Fourcast:
        """A client of the server that is asked for, once it is ready."""
        try:
            fourcast = Fourcast(
                service.server if service else self.server or "",
                credentials=self.access.credentials(),
            )
        except CredentialsError as error:
            raise UsageError(f"{flag(error)}: {error.reason}") from None
        except ValueError as error:
            raise UsageError(f"--server: {error}") from None
        try:
            fourcast.wait_until_ready(LOCAL_READY_SECONDS if service else READY_SECONDS)
        except BaseException:
            fourcast.close()
            raise
        return fourcast

    def _start(self, fourcast: Fourcast) -> Turn:
        """The start position, having made sure that the server can play on from it."""
        try:
            board = fourcast.connect4.describe(self.moves)
        except FourcastError as error:
            if error.code == "INVALID_ARGUMENT":
                reason = error.message.removeprefix(f"{error.field}: ")
                raise UsageError(f"--moves: {reason}") from None
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

    def _open_screen(self, fourcast: Fourcast, start: Turn, service: LocalService | None) -> int:
        # Textual takes a good part of a second to import, which the demo need not wait for.
        from fourcast_clients.terminal.app import PlayApp

        game = Game(start, human=self.side or Player.FIRST, level=self.level)
        app = PlayApp(
            fourcast.connect4,
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

        asyncio.run(run())
        return app.return_code or exit_codes.OK


class UsageError(Exception):
    """A flag's value is wrong; the text names the flag and says why."""


def _leave(number: int, _: FrameType | None) -> NoReturn:
    """Turn a signal into an exit that runs every clean-up on its way."""
    raise SystemExit(exit_codes.SIGNALLED + number)


def _fail(code: int, text: str) -> int:
    print(f"fourcast play: {text}", file=sys.stderr)
    return code
