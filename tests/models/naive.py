"""Connect-4 on a list of lists, as slow and plain as can be, to compare the bitboards with."""

from collections.abc import Iterable

from hypothesis import strategies as st

from fourcast_models.connect4.board import (
    COLUMNS,
    EMPTY_BOARD,
    ROWS,
    Board,
    format_grid,
    legal_columns,
    play,
)

Grid = list[list[str]]
"""Cells by column and row from the bottom: "." empty, "1" first player, "2" second player."""

DIRECTIONS = ((1, 0), (0, 1), (1, 1), (1, -1))


def grid_of(board: Board) -> Grid:
    lines = format_grid(board).splitlines()
    return [[lines[ROWS - 1 - row][column] for row in range(ROWS)] for column in range(COLUMNS)]


def played(columns: Iterable[int]) -> Grid:
    """The grid after the columns are played in turn, the first player first."""
    grid: Grid = [[] for _ in range(COLUMNS)]
    for number, column in enumerate(columns):
        grid[column].append("12"[number % 2])
    return [cells + ["."] * (ROWS - len(cells)) for cells in grid]


def lines_of_four() -> list[list[tuple[int, int]]]:
    """All 69 lines of four cells."""
    lines = []
    for column in range(COLUMNS):
        for row in range(ROWS):
            for right, up in DIRECTIONS:
                line = [(column + right * step, row + up * step) for step in range(4)]
                if all(0 <= c < COLUMNS and 0 <= r < ROWS for c, r in line):
                    lines.append(line)
    return lines


LINES = lines_of_four()


def winning_cells(grid: Grid) -> set[tuple[int, int]]:
    """The cells of all lines of four stones of one player."""
    found: set[tuple[int, int]] = set()
    for line in LINES:
        stones = {grid[column][row] for column, row in line}
        if stones in ({"1"}, {"2"}):
            found.update(line)
    return found


def completing_cells(grid: Grid, player: str) -> set[tuple[int, int]]:
    """The empty cells, in reach or not, in which a stone of this player makes four in a row."""
    found: set[tuple[int, int]] = set()
    for line in LINES:
        stones = [grid[column][row] for column, row in line]
        if stones.count(player) == 3 and stones.count(".") == 1:
            found.add(line[stones.index(".")])
    return found


@st.composite
def games(draw: st.DrawFn, fewest: int = 0, most: int = 42) -> tuple[int, ...]:
    """Columns of a legal game of at most so many moves; at least so many unless it ends before."""
    length = draw(st.integers(fewest, most))
    choices = draw(st.lists(st.integers(0, 5039), min_size=length, max_size=length))
    board, columns = EMPTY_BOARD, []
    for choice in choices:
        legal = legal_columns(board)
        if not legal:
            break
        columns.append(legal[choice % len(legal)])
        board = play(board, columns[-1])
    return tuple(columns)


def board_after(columns: Iterable[int]) -> Board:
    board = EMPTY_BOARD
    for column in columns:
        board = play(board, column)
    return board


def late_board(choices: list[int], stones: int) -> Board:
    """A position of so many stones that is not over, or over sooner; steered away from wins.

    Of the columns that do not end the game, each choice takes one; if all end it, any.
    """
    board = EMPTY_BOARD
    for choice in choices[:stones]:
        legal = legal_columns(board)
        if not legal:
            break
        quiet = [column for column in legal if legal_columns(play(board, column))]
        pick = quiet or list(legal)
        board = play(board, pick[choice % len(pick)])
    return board


@st.composite
def late_boards(draw: st.DrawFn, fewest: int, most: int) -> Board:
    """Positions of `fewest` to `most` stones, balanced ones among them; few of them are over."""
    stones = draw(st.integers(fewest, most))
    choices = draw(st.lists(st.integers(0, 5039), min_size=stones, max_size=stones))
    return late_board(choices, stones)
