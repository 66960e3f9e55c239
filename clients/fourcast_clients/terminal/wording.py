"""What the terminal apps call things, and how they say how a game ended."""

from fourcast_clients.api import Board, Cell, Level, Player, Source

STONES = {Player.FIRST: "●", Player.SECOND: "○"}
"""A stone of each player in running text; told apart without colour."""

OPPONENTS = {
    Level.NETWORK: "the network",
    Level.SEARCH: "network and search",
    Level.PERFECT: "perfect play",
}
"""Who plays at each level."""

SOURCES = {
    Source.NETWORK: "network",
    Source.SEARCH: "search",
    Source.SOLVER: "exact solver",
    Source.BOOK: "opening table",
    Source.RULES: "rules",
}
"""What an answer rests on."""


def win_place(cells: tuple[Cell, ...]) -> str:
    """Where the winning cells lie, such as ``"in column 3"`` or ``"on a diagonal, ..."``."""
    first, last = cells[0], cells[-1]
    columns = {cell.column for cell in cells}
    rows = {cell.row for cell in cells}
    if len(columns) == 1:
        return f"in column {first.column}"
    if len(rows) == 1:
        return f"in row {first.row}, columns {first.column} to {last.column}"
    if len(columns) == len(rows) == len(cells):
        return (
            f"on a diagonal, from column {first.column}, row {first.row} "
            f"to column {last.column}, row {last.row}"
        )
    return "in more than one line"


def ending(board: Board, names: dict[Player, str]) -> str:
    """How a finished game ended, in one sentence without its full stop.

    Args:
        board: A position whose game is over.
        names: What to call each player; ``"You"`` takes the verb's plain form.
    """
    if board.winner is None:
        return "A draw: the board is full and nobody has four in a row"
    name = names[board.winner]
    verb = "win" if name == "You" else "wins"
    return f"{name[0].upper()}{name[1:]} {verb}: four in a row {win_place(board.winning_cells)}"
