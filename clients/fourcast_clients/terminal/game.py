"""A game under way, as the player's side remembers it. The rules are the server's."""

from dataclasses import dataclass, field

from fourcast_clients.api import Board, Level, Move, Player

THINKING_SECONDS = 600.0
"""How long the server may think about a move or a hint; the player can always break it off."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A position of the game.

    Attributes:
        moves: The columns played so far, ``1`` to ``7``.
        board: The position as the server described it.
        reply: The server's move that led here; None if the player's move did, or none.
    """

    moves: str
    board: Board
    reply: Move | None = None


@dataclass(slots=True)
class Game:
    """The positions from the start to now, and who plays.

    Attributes:
        start: Where the game begins.
        human: The player at the keyboard.
        level: How the server chooses its moves.
    """

    start: Turn
    human: Player
    level: Level
    _turns: list[Turn] = field(default_factory=list)

    @property
    def turn(self) -> Turn:
        """The position now."""
        return self._turns[-1] if self._turns else self.start

    @property
    def is_over(self) -> bool:
        """Whether the game has ended."""
        return self.turn.board.is_over

    @property
    def is_humans_turn(self) -> bool:
        """Whether the player at the keyboard may move."""
        return not self.is_over and self.turn.board.side_to_move is self.human

    @property
    def last_reply(self) -> Move | None:
        """The server's latest move, on the board now; None if it has made none."""
        return next((turn.reply for turn in reversed(self._turns) if turn.reply), None)

    def add(self, turn: Turn) -> None:
        """Go on to the next position."""
        self._turns.append(turn)

    def take_back(self) -> bool:
        """Take back the player's last move and the reply to it.

        Returns:
            Whether there was one; if not, nothing changes.
        """
        before = len(self._turns)
        while before:
            before -= 1
            earlier = self._turns[before - 1] if before else self.start
            if earlier.board.side_to_move is self.human:
                del self._turns[before:]
                return True
        return False

    def restart(self) -> None:
        """Go back to the start position."""
        self._turns.clear()
