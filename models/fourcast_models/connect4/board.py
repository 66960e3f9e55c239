"""The rules of Connect-4: pure functions over a frozen bitboard.

Seven columns, six rows; the first player moves on the empty board; four in a row wins.

Coordinates, all of them named here:

- *column* 0 to 6 from the left, *row* 0 to 5 from the bottom, wherever code talks to code;
- *moves*, the text people and the public test sets use: the digits ``1`` to ``7``, one for each
  column played from the empty board (``"4453"``);
- *grid*, the other text: six lines of seven characters, top row first, ``.`` empty, ``1`` a stone
  of the first player, ``2`` of the second;
- *bit* ``7 * column + row``, as in this drawing; the row numbered 6, 13, ... stays empty, so that
  lines shifted over the top of a column never wrap into the next one:

      6 13 20 27 34 41 48   always 0
      5 12 19 26 33 40 47   top row
      4 11 18 25 32 39 46
      3 10 17 24 31 38 45
      2  9 16 23 30 37 44
      1  8 15 22 29 36 43
      0  7 14 21 28 35 42   bottom row

A line of four is four bits one *step* apart: 1 vertical, 7 horizontal, 6 and 8 diagonal.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

COLUMNS = 7
ROWS = 6
CELLS = COLUMNS * ROWS
COLUMN_BITS = ROWS + 1
"""Bits from one column to the next: the rows and the one that is always empty."""

STEPS = (1, COLUMN_BITS, COLUMN_BITS - 1, COLUMN_BITS + 1)
BOTTOM_ROW = sum(1 << (COLUMN_BITS * column) for column in range(COLUMNS))
FULL_BOARD = BOTTOM_ROW * ((1 << ROWS) - 1)


class Status(Enum):
    """Whether the game goes on, and if not, how it ended."""

    IN_PROGRESS = "in progress"
    FIRST_WON = "first player won"
    SECOND_WON = "second player won"
    DRAW = "draw"


@dataclass(frozen=True, slots=True)
class Board:
    """A position.

    Attributes:
        mover: Bits of the stones of the side to move.
        occupied: Bits of all stones.

    Who is to move follows from the number of stones: the first player on an even number.
    `play` and `parse_moves` build only positions that play leads to; `parse_grid` checks what the
    stones can tell.
    """

    mover: int
    occupied: int

    @property
    def opponent(self) -> int:
        """Bits of the stones of the side that moved last."""
        return self.mover ^ self.occupied

    @property
    def plies(self) -> int:
        """How many stones are on the board, 0 to 42."""
        return self.occupied.bit_count()

    @property
    def first_to_move(self) -> bool:
        """Whether the first player is to move."""
        return self.plies % 2 == 0


EMPTY_BOARD = Board(mover=0, occupied=0)


def column_mask(column: int) -> int:
    """The six bits of a column (0 to 6)."""
    return ((1 << ROWS) - 1) << (COLUMN_BITS * column)


def playable_cells(board: Board) -> int:
    """Bits of the lowest empty cell of every column that has one, whoever has won."""
    return (board.occupied + BOTTOM_ROW) & FULL_BOARD


def has_four(stones: int) -> bool:
    """Whether these bits hold four in a row."""
    for step in STEPS:
        pairs = stones & (stones >> step)
        if pairs & (pairs >> 2 * step):
            return True
    return False


def winning_cells(board: Board) -> tuple[tuple[int, int], ...]:
    """The cells of every winning line, as (column, row), sorted; empty while nobody has won."""
    cells = 0
    for stones in (board.mover, board.opponent):
        for step in STEPS:
            lines = stones & (stones >> step) & (stones >> 2 * step) & (stones >> 3 * step)
            cells |= lines | (lines << step) | (lines << 2 * step) | (lines << 3 * step)
    return tuple(divmod(bit, COLUMN_BITS) for bit in _bits(cells))


def status(board: Board) -> Status:
    """Whether the game goes on, and if not, how it ended."""
    if has_four(board.opponent):
        return Status.SECOND_WON if board.first_to_move else Status.FIRST_WON
    return Status.DRAW if board.occupied == FULL_BOARD else Status.IN_PROGRESS


def legal_columns(board: Board) -> tuple[int, ...]:
    """The columns (0 to 6, ascending) that may be played; empty when the game is over."""
    if status(board) is not Status.IN_PROGRESS:
        return ()
    return tuple(bit // COLUMN_BITS for bit in _bits(playable_cells(board)))


def play(board: Board, column: int) -> Board:
    """The position after the side to move drops a stone into a column (0 to 6).

    Raises:
        ValueError: If there is no such column, it is full, or the game is over. The message counts
            columns from 1, as `parse_moves` does.
    """
    if not 0 <= column < COLUMNS:
        raise ValueError(f"column {column + 1} does not exist: columns are 1 to {COLUMNS}")
    if column not in legal_columns(board):
        state = status(board)
        if state is not Status.IN_PROGRESS:
            raise ValueError(f"the game is over ({state.value})")
        raise ValueError(f"column {column + 1} is full")
    cell = playable_cells(board) & column_mask(column)
    return Board(mover=board.opponent, occupied=board.occupied | cell)


def mirror(board: Board) -> Board:
    """The position seen in a mirror: column 0 becomes column 6, and so on."""
    return Board(mover=_mirror_bits(board.mover), occupied=_mirror_bits(board.occupied))


def key(board: Board) -> int:
    """A number of 49 bits that no other position has.

    Adding the bottom row to the occupied cells puts one bit just above each column's stones; below
    it the mover's stones are 1 and the opponent's 0 (Tromp's encoding).
    """
    return board.mover + board.occupied + BOTTOM_ROW


def board_of_key(number: int) -> Board:
    """The position whose `key` this is."""
    mover = occupied = 0
    for column in range(COLUMNS):
        bits = number >> COLUMN_BITS * column & (1 << COLUMN_BITS) - 1
        stones = (1 << bits.bit_length() - 1) - 1
        mover |= (bits & stones) << COLUMN_BITS * column
        occupied |= stones << COLUMN_BITS * column
    return Board(mover=mover, occupied=occupied)


def canonical_key(board: Board) -> int:
    """The smaller `key` of the position and its mirror image: one number for both."""
    return min(key(board), key(mirror(board)))


def parse_moves(text: str) -> Board:
    """The position after the columns in ``text`` (``1`` to ``7``) are played from the empty board.

    Raises:
        ValueError: If a character is not a column, a column is full, or a move comes after the
            end of the game. The message names the move (counted from 1) and the reason.
    """
    board = EMPTY_BOARD
    for number, character in enumerate(text, start=1):
        where = f"move {number} ({character!r})"
        if character not in "1234567":
            raise ValueError(f"{where} is not a column: columns are '1' to '7'")
        try:
            board = play(board, int(character) - 1)
        except ValueError as error:
            raise ValueError(f"{where} cannot be played: {error}") from None
    return board


def parse_grid(text: str) -> Board:
    """The position drawn in ``text``: six lines of seven of ``.12``, top row first.

    Blank lines and spaces around a line are passed over. The side to move follows from the counts.

    Raises:
        ValueError: If the shape or a character is wrong, a stone floats, the counts are
            impossible, both players have four in a row, the player with four in a row did not
            move last, or its lines do not share a cell that can have been the last one. The
            message names the line or the cell (column and row from 1, bottom row first).
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) != ROWS:
        raise ValueError(f"a grid has {ROWS} rows, top row first, not {len(lines)}")
    stones = {"1": 0, "2": 0}
    for index, line in enumerate(lines):
        if len(line) != COLUMNS:
            raise ValueError(
                f"grid row {index + 1} from the top has {len(line)} cells, not {COLUMNS}"
            )
        row = ROWS - 1 - index
        for column, character in enumerate(line):
            if character in stones:
                stones[character] |= 1 << (COLUMN_BITS * column + row)
            elif character != ".":
                raise ValueError(
                    f"{_name(column, row)} holds {character!r}: write '.' for empty, "
                    "'1' or '2' for a stone of the first or second player"
                )
    return _checked_board(stones["1"], stones["2"])


def format_grid(board: Board) -> str:
    """The position as text that `parse_grid` reads back: six lines of seven of ``.12``."""
    mover, opponent = ("1", "2") if board.first_to_move else ("2", "1")

    def character(bit: int) -> str:
        if board.mover >> bit & 1:
            return mover
        return opponent if board.occupied >> bit & 1 else "."

    return "\n".join(
        "".join(character(COLUMN_BITS * column + row) for column in range(COLUMNS))
        for row in reversed(range(ROWS))
    )


def _checked_board(first: int, second: int) -> Board:
    """The position with these stones, if play can have led there as far as stones can tell."""
    occupied = first | second
    for bit in _bits(occupied & ~BOTTOM_ROW):
        if not occupied >> (bit - 1) & 1:
            raise ValueError(
                f"the stone at {_name(*divmod(bit, COLUMN_BITS))} floats over an empty cell"
            )
    surplus = first.bit_count() - second.bit_count()
    if surplus not in (0, 1):
        raise ValueError(
            f"impossible stone counts: {first.bit_count()} of the first player and "
            f"{second.bit_count()} of the second; the first has as many or one more"
        )
    mover, opponent = (first, second) if surplus == 0 else (second, first)
    if has_four(mover):
        if has_four(opponent):
            raise ValueError("two winners: both players have four in a row")
        raise ValueError(
            f"the {'first' if surplus == 0 else 'second'} player has four in a row but the "
            "opponent moved after that"
        )
    if has_four(opponent) and not _was_won_by_last_stone(opponent, occupied):
        raise ValueError("two wins: there is no last stone that completes every line of four")
    return Board(mover=mover, occupied=occupied)


def _was_won_by_last_stone(winner: int, occupied: int) -> bool:
    """Whether taking one top stone of the winner away leaves no four in a row."""
    tops = winner & ~(occupied >> 1)
    return any(not has_four(winner & ~(1 << bit)) for bit in _bits(tops))


def _mirror_bits(bits: int) -> int:
    mirrored = 0
    for column in range(COLUMNS):
        stones = bits >> (COLUMN_BITS * column) & (1 << ROWS) - 1
        mirrored |= stones << (COLUMN_BITS * (COLUMNS - 1 - column))
    return mirrored


def _bits(bits: int) -> Iterator[int]:
    """The indices of the set bits, ascending."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def _name(column: int, row: int) -> str:
    return f"column {column + 1}, row {row + 1}"
