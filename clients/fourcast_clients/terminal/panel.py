"""The column of text beside the board: who plays, what is going on, what the network thinks."""

from rich.text import Text
from textual.reactive import reactive
from textual.widgets import Static

from fourcast_clients.api import Board, Move, Player
from fourcast_clients.terminal.board_view import STONE_COLOURS
from fourcast_clients.terminal.game import Game
from fourcast_clients.terminal.wording import OPPONENTS, SOURCES, STONES, ending

BAR_WIDTH = 18
PARTIAL_BLOCKS = " ▏▎▍▌▋▊▉█"
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
SPINNER_SECONDS = 0.1


class Players(Static):
    """Who plays which stones, and at which level."""

    def show(self, game: Game) -> None:
        """Show the players of a game; the one to move is marked."""
        names = {game.human: "you", game.human.opponent: OPPONENTS[game.level]}
        text = Text()
        for player in Player:
            to_move = not game.is_over and game.turn.board.side_to_move is player
            text.append("▸ " if to_move else "  ", "bold")
            text.append(STONES[player], STONE_COLOURS[player])
            text.append(f" {names[player]}", "bold" if to_move else "")
            text.append(f"  {player.value}\n", "dim")
        text.rstrip()
        self.update(text)


class Doing(Static):
    """What the program is busy with, with the seconds that it has taken."""

    what: reactive[str] = reactive("")
    """Such as ``"The network is thinking"``; empty when nothing is going on."""

    ticks: reactive[int] = reactive(0)

    def on_mount(self) -> None:
        """Start the clock."""
        self.set_interval(SPINNER_SECONDS, self._tick)

    def watch_what(self) -> None:
        """Begin to count anew."""
        self.ticks = 0

    def render(self) -> Text:
        """A turning wheel, the words, the seconds."""
        if not self.what:
            return Text()
        seconds = int(self.ticks * SPINNER_SECONDS)
        wheel = SPINNER[self.ticks % len(SPINNER)]
        return Text(f"{wheel} {self.what} ..." + (f" {seconds} s" if seconds else ""))

    def _tick(self) -> None:
        if self.what:
            self.ticks += 1


class Thoughts(Static):
    """What the network believed when it made its last move."""

    def show(self, move: Move | None) -> None:
        """Show the estimate that came with a move; None before the first one."""
        text = Text()
        if move is not None:
            text.append(f"Reply: column {move.column} ({SOURCES[move.source]})\n")
            if move.value is None:
                text.append("Perfect play asks no network.\n", "dim")
            else:
                text.append("The network expects\n", "dim")
                value = move.value
                # The estimate is the mover's; the player reads it from the other side.
                for label, share in (
                    ("you win", value.loss),
                    ("a draw", value.draw),
                    ("it wins", value.win),
                ):
                    text.append(f"{label:>7} {_bar(share)} {share:4.0%}\n")
                text.append(f"{move.model}, version {move.model_version}", "dim")
        self.update(text)


def state_of_play(game: Game) -> str:
    """Whose turn it is, or how the game ended."""
    board: Board = game.turn.board
    if board.is_over:
        return ending(board, {game.human: "You", game.human.opponent: OPPONENTS[game.level]}) + "."
    return "Your turn." if game.is_humans_turn else ""


def _bar(share: float) -> str:
    """A bar of eighths of a character for a share from 0 to 1."""
    whole, part = divmod(round(share * BAR_WIDTH * 8), 8)
    return (PARTIAL_BLOCKS[8] * whole + PARTIAL_BLOCKS[part] * bool(part)).ljust(BAR_WIDTH)
