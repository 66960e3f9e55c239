"""One shown game as plain text: a level against perfect play. For pipes and `make play`."""

from rich.text import Text

from fourcast_clients.api import COLUMNS, ROWS, Board, Cell, Connect4, Level, Player
from fourcast_clients.terminal.console import Output
from fourcast_clients.terminal.game import THINKING_SECONDS, Turn
from fourcast_clients.terminal.progress import progress
from fourcast_clients.terminal.wording import OPPONENTS, SOURCES, STONES, ending

BOARD_EVERY = 8
"""Moves between two drawings of the board."""

STYLES = {Player.FIRST: "yellow", Player.SECOND: "red"}


def play_demo(
    connect4: Connect4, start: Turn, *, level: Level, model: str, perfect_side: Player
) -> None:
    """Play one game to its end and print it on standard output.

    Args:
        connect4: Where the moves come from.
        start: The position to begin with.
        level: The level that plays against perfect play.
        model: The model that it asks; ``""`` is the server's default.
        perfect_side: The player whose moves are perfect.

    Raises:
        FourcastError: If a call fails.
    """
    console = Output()
    whole_lines = not console.is_terminal
    levels = {perfect_side: Level.PERFECT, perfect_side.opponent: level}
    names = _names(levels)
    console.print(
        f"Connect-4: {names[Player.FIRST]} {STONES[Player.FIRST]} moves first "
        f"against {names[Player.SECOND]} {STONES[Player.SECOND]}.",
        soft_wrap=whole_lines,
    )
    moves, board = start.moves, start.board
    if moves:
        console.print(f"From the position after {moves}:\n", drawing(board), sep="")
    while not board.is_over:
        mover = board.side_to_move
        with progress(console, f"{names[mover]} is thinking ..."):
            move = connect4.choose_move(
                moves, level=levels[mover], model=model, timeout=THINKING_SECONDS
            )
        moves, board = moves + str(move.column), move.board
        console.print(
            f"{len(moves):2}. ",
            Text(STONES[mover], STYLES[mover]),
            f" column {move.column}  {names[mover]} ({SOURCES[move.source]})",
            sep="",
            soft_wrap=whole_lines,
        )
        if len(moves) % BOARD_EVERY == 0 and not board.is_over:
            console.print(drawing(board))
    console.print(drawing(board))
    console.print(f"{ending(board, names)}, after {len(moves)} moves.", soft_wrap=whole_lines)
    console.print(f"Moves: {moves}", soft_wrap=whole_lines)


def drawing(board: Board) -> Text:
    """The board as text: ``●`` first player, ``○`` second, winning stones in brackets."""
    text = Text("\n")
    for row in range(ROWS, 0, -1):
        text.append("    ")
        for column in range(1, COLUMNS + 1):
            cell = Cell(column, row)
            stone = board.stone(cell)
            left, right = "[]" if cell in board.winning_cells else "  "
            text.append(left)
            text.append(STONES[stone] if stone else "·", STYLES[stone] if stone else "dim")
            text.append(right)
        text.append("\n")
    text.append("    " + "".join(f" {column} " for column in range(1, COLUMNS + 1)) + "\n")
    return text


def _names(levels: dict[Player, Level]) -> dict[Player, str]:
    """What to call the players; two that play at the same level are told apart by their turn."""
    names = {player: OPPONENTS[level] for player, level in levels.items()}
    if len(set(names.values())) == 1:
        return {player: f"{name} ({player.value})" for player, name in names.items()}
    return names
