"""The rules: bitboards against a list of lists, texts both ways, and every refusal."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fourcast_models.connect4.board import (
    COLUMNS,
    EMPTY_BOARD,
    ROWS,
    Board,
    Status,
    board_of_key,
    canonical_key,
    column_mask,
    format_grid,
    has_four,
    key,
    legal_columns,
    mirror,
    parse_grid,
    parse_moves,
    play,
    playable_cells,
    status,
    winning_cells,
)
from tests.models import naive
from tests.models.naive import Grid, board_after, games

DRAWN_GAME = "162425751166561157146745773222576443433323"


def text_of(columns: tuple[int, ...]) -> str:
    return "".join(str(column + 1) for column in columns)


def naive_text(grid: Grid) -> str:
    rows = reversed(range(ROWS))
    return "\n".join("".join(grid[column][row] for column in range(COLUMNS)) for row in rows)


@given(games())
def test_moves_build_the_grid(columns: tuple[int, ...]) -> None:
    board = parse_moves(text_of(columns))
    assert board == board_after(columns)
    assert format_grid(board) == naive_text(naive.played(columns))
    assert board.plies == len(columns)
    assert board.first_to_move == (len(columns) % 2 == 0)


@given(games())
def test_grids_are_read_back(columns: tuple[int, ...]) -> None:
    board = board_after(columns)
    assert parse_grid(format_grid(board)) == board
    spaced = "\n\n".join(f"  {line} " for line in format_grid(board).splitlines())
    assert parse_grid(f"\n{spaced}\n") == board


@given(games())
def test_wins_and_their_cells_are_the_naive_ones(columns: tuple[int, ...]) -> None:
    board = board_after(columns)
    expected = naive.winning_cells(naive.grid_of(board))
    assert winning_cells(board) == tuple(sorted(expected))
    assert has_four(board.opponent) == bool(expected)
    assert not has_four(board.mover)
    if expected:
        assert status(board) is (Status.FIRST_WON if len(columns) % 2 else Status.SECOND_WON)
    else:
        assert status(board) is (Status.DRAW if len(columns) == 42 else Status.IN_PROGRESS)


@given(st.sets(st.tuples(st.integers(0, 6), st.integers(0, 5)), min_size=4, max_size=24))
def test_has_four_is_the_naive_one_on_any_stones(stones: set[tuple[int, int]]) -> None:
    bits = sum(1 << (7 * column + row) for column, row in stones)
    grid = [["1" if (c, r) in stones else "." for r in range(ROWS)] for c in range(COLUMNS)]
    assert has_four(bits) == bool(naive.winning_cells(grid))
    expected = tuple(sorted(naive.winning_cells(grid)))
    assert winning_cells(Board(mover=0, occupied=bits)) == expected
    assert winning_cells(Board(mover=bits, occupied=bits)) == expected


@pytest.mark.parametrize("line", naive.LINES, ids=lambda line: f"{line[0]}-{line[3]}")
def test_every_line_of_four_wins_and_no_three_of_it_do(line: list[tuple[int, int]]) -> None:
    bits = [1 << (7 * column + row) for column, row in line]
    assert has_four(sum(bits))
    assert winning_cells(Board(mover=0, occupied=sum(bits))) == tuple(sorted(line))
    for bit in bits:
        assert not has_four(sum(bits) - bit)


def test_there_are_69_lines_of_four() -> None:
    # 24 across, 21 up and 12 along each diagonal: the naive reference itself is checked here.
    assert len(naive.LINES) == 24 + 21 + 12 + 12


@pytest.mark.parametrize(
    "cells",
    [
        [(0, 3), (0, 4), (0, 5), (1, 0)],
        [(0, 5), (1, 5), (2, 5), (3, 0)],
        [(0, 3), (1, 4), (2, 5), (3, 0)],
        [(0, 2), (1, 1), (2, 0), (2, 5)],
    ],
)
def test_lines_do_not_go_on_over_the_edge(cells: list[tuple[int, int]]) -> None:
    assert not has_four(sum(1 << (7 * column + row) for column, row in cells))


@pytest.mark.parametrize(
    ("moves", "state", "cells"),
    [
        ("1122334", Status.FIRST_WON, [(0, 0), (1, 0), (2, 0), (3, 0)]),
        ("1212121", Status.FIRST_WON, [(0, 0), (0, 1), (0, 2), (0, 3)]),
        ("12234334544", Status.FIRST_WON, [(0, 0), (1, 1), (2, 2), (3, 3)]),
        ("76654554344", Status.FIRST_WON, [(3, 3), (4, 2), (5, 1), (6, 0)]),
        ("71122334", Status.SECOND_WON, [(0, 0), (1, 0), (2, 0), (3, 0)]),
        ("1122335566774", Status.FIRST_WON, [(column, 0) for column in range(7)]),
        (DRAWN_GAME, Status.DRAW, []),
        ("", Status.IN_PROGRESS, []),
    ],
)
def test_ends_by_hand(moves: str, state: Status, cells: list[tuple[int, int]]) -> None:
    board = parse_moves(moves)
    assert status(board) is state
    assert winning_cells(board) == tuple(cells)
    if state is not Status.IN_PROGRESS:
        assert legal_columns(board) == ()


@given(games())
def test_legal_columns_and_playable_cells_are_the_naive_ones(columns: tuple[int, ...]) -> None:
    board = board_after(columns)
    grid = naive.grid_of(board)
    lowest = {column: cells.index(".") for column, cells in enumerate(grid) if "." in cells}
    assert playable_cells(board) == sum(1 << (7 * column + row) for column, row in lowest.items())
    over = bool(naive.winning_cells(grid))
    assert legal_columns(board) == (() if over else tuple(lowest))
    for column in range(COLUMNS):
        if column not in legal_columns(board):
            with pytest.raises(ValueError, match="over" if over or not lowest else "is full"):
                play(board, column)


@given(games())
def test_a_mirror_keeps_all_but_the_side(columns: tuple[int, ...]) -> None:
    board = board_after(columns)
    image = mirror(board)
    assert mirror(image) == board
    assert image == board_after(tuple(6 - column for column in columns))
    assert status(image) is status(board)
    assert legal_columns(image) == tuple(sorted(6 - column for column in legal_columns(board)))
    flipped = {(6 - column, row) for column, row in winning_cells(board)}
    assert set(winning_cells(image)) == flipped
    assert format_grid(image) == "\n".join(line[::-1] for line in format_grid(board).splitlines())
    assert canonical_key(image) == canonical_key(board) in (key(board), key(image))


@given(games(most=12), games(most=12))
def test_keys_tell_positions_apart(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    first, second = board_after(one), board_after(other)
    assert (key(first) == key(second)) == (first == second)
    alike = first in (second, mirror(second))
    assert (canonical_key(first) == canonical_key(second)) == alike


def test_keys_of_all_positions_of_six_plies_differ() -> None:
    level = {EMPTY_BOARD}
    boards = {EMPTY_BOARD}
    for _ in range(6):
        level = {play(board, column) for board in level for column in legal_columns(board)}
        boards |= level
    # The published numbers of positions after 0 to 6 plies: 1, 7, 49, 238, 1120, 4263, 16422.
    assert len(boards) == 1 + 7 + 49 + 238 + 1120 + 4263 + 16422
    assert len({key(board) for board in boards}) == len(boards)


def test_column_masks_part_the_board() -> None:
    assert column_mask(0) == 0b111111
    assert [column_mask(column) >> 7 * column for column in range(COLUMNS)] == [0b111111] * 7


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        ("444444" + "4", "move 7 ('4') cannot be played: column 4 is full"),
        ("1122334" + "5", "move 8 ('5') cannot be played: the game is over (first player won)"),
        ("71122334" + "5", "move 9 ('5') cannot be played: the game is over (second player won)"),
        (DRAWN_GAME + "1", "move 43 ('1') cannot be played: the game is over (draw)"),
        ("12a", "move 3 ('a') is not a column: columns are '1' to '7'"),
        ("0", "move 1 ('0') is not a column: columns are '1' to '7'"),
        ("448", "move 3 ('8') is not a column: columns are '1' to '7'"),
        ("4 4", "move 2 (' ') is not a column: columns are '1' to '7'"),
        ("4\n", "move 2 ('\\n') is not a column: columns are '1' to '7'"),
        ("-1", "move 1 ('-') is not a column: columns are '1' to '7'"),
        ("\N{ARABIC-INDIC DIGIT ONE}", "move 1 ('\N{ARABIC-INDIC DIGIT ONE}') is not a column"),
        ("\N{FULLWIDTH DIGIT FOUR}", "move 1 ('\N{FULLWIDTH DIGIT FOUR}') is not a column"),
    ],
)
def test_bad_moves_are_named(moves: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        parse_moves(moves)


@pytest.mark.parametrize(
    ("moves", "column", "message"),
    [
        ("", 7, "column 8 does not exist: columns are 1 to 7"),
        ("", -1, "column 0 does not exist: columns are 1 to 7"),
        ("444444", 3, "column 4 is full"),
        ("1122334", 6, "the game is over (first player won)"),
    ],
)
def test_bad_plays_are_refused(moves: str, column: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        play(parse_moves(moves), column)


def drawn(*lowest_rows: str) -> str:
    """A grid whose lowest rows are given, the rows above them empty."""
    return "\n".join(["......."] * (ROWS - len(lowest_rows)) + list(lowest_rows))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a grid has 6 rows, top row first, not 0"),
        ("\n".join(["......."] * 5), "a grid has 6 rows, top row first, not 5"),
        ("\n".join(["......."] * 7), "a grid has 6 rows, top row first, not 7"),
        (drawn("......"), "grid row 6 from the top has 6 cells, not 7"),
        (drawn("........", "......."), "grid row 5 from the top has 8 cells, not 7"),
        (drawn("..X...."), "column 3, row 1 holds 'X': write '.' for empty, '1' or '2'"),
        (drawn("3......", "1......"), "column 1, row 2 holds '3': write '.' for empty"),
        (drawn("......1", "......."), "the stone at column 7, row 2 floats over an empty cell"),
        (
            "\n".join(["...1...", *["......."] * 5]),
            "the stone at column 4, row 6 floats over an empty cell",
        ),
        (drawn("11....."), "impossible stone counts: 2 of the first player and 0 of the second"),
        (drawn("..2...."), "impossible stone counts: 0 of the first player and 1 of the second"),
        (drawn("1112..1"), "impossible stone counts: 4 of the first player and 1 of the second"),
        (drawn("2222...", "1111..."), "two winners: both players have four in a row"),
        (drawn("222....", "1111..2"), "the first player has four in a row but the opponent moved"),
        (
            drawn("1......", "111....", "2222..1"),
            "the second player has four in a row but the oppo",
        ),
        # Two columns of four stones: neither can be the last.
        (drawn("1.....1", "1.2.2.1", "1.2.2.1", "1.222.1"), "two wins: there is no last stone"),
        # One line, but stones of both players on top of all of it.
        (drawn("2212...", "1111.2."), "two wins: there is no last stone"),
    ],
)
def test_bad_grids_are_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        parse_grid(text)


@given(games(fewest=1), st.integers(0, 41), st.sampled_from(".12"))
def test_a_changed_grid_is_read_as_it_stands_or_refused(
    columns: tuple[int, ...], cell: int, character: str
) -> None:
    lines = [list(line) for line in format_grid(board_after(columns)).splitlines()]
    lines[cell // COLUMNS][cell % COLUMNS] = character
    text = "\n".join("".join(line) for line in lines)
    try:
        board = parse_grid(text)
    except ValueError:
        return
    assert format_grid(board) == text


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_moves, parse_grid):
        try:
            board = parse(text)
        except ValueError:
            continue
        assert parse_grid(format_grid(board)) == board


@given(games())
def test_a_key_tells_its_board(columns: tuple[int, ...]) -> None:
    board = board_after(columns)
    assert board_of_key(key(board)) == board
