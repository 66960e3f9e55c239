"""The record of a game and the words for its end, without a server."""

import pytest

from fourcast_clients.api import Board, Cell, Level, Player, Status
from fourcast_clients.terminal.game import Game, Turn
from fourcast_clients.terminal.wording import ending, win_place


def board(
    side: Player, status: Status = Status.IN_PROGRESS, winning_cells: tuple[Cell, ...] = ()
) -> Board:
    return Board((".......",) * 6, side, status, (), winning_cells)


def game(human: Player, *moves: str) -> Game:
    """A game from the empty board; who moves follows from the number of moves."""
    turns = [
        Turn(text, board(Player.SECOND if len(text) % 2 else Player.FIRST)) for text in ("", *moves)
    ]
    record = Game(turns[0], human, Level.NETWORK)
    for turn in turns[1:]:
        record.add(turn)
    return record


@pytest.mark.parametrize(
    ("human", "moves", "left"),
    [
        (Player.FIRST, ("4",), ""),
        (Player.FIRST, ("4", "44"), ""),
        (Player.FIRST, ("4", "44", "443"), "44"),
        (Player.SECOND, ("4", "44"), "4"),
        (Player.SECOND, ("4", "44", "443"), "4"),
    ],
)
def test_taking_back_returns_to_the_players_turn(
    human: Player, moves: tuple[str, ...], left: str
) -> None:
    record = game(human, *moves)
    assert record.take_back()
    assert record.turn.moves == left
    assert record.is_humans_turn


@pytest.mark.parametrize(("human", "moves"), [(Player.FIRST, ()), (Player.SECOND, ("4",))])
def test_nothing_to_take_back_changes_nothing(human: Player, moves: tuple[str, ...]) -> None:
    record = game(human, *moves)
    assert not record.take_back()
    assert record.turn.moves == "".join(moves)


def test_a_restart_returns_to_the_start() -> None:
    record = game(Player.FIRST, "4", "44")
    record.restart()
    assert record.turn is record.start


def test_nobody_is_to_move_when_the_game_is_over() -> None:
    record = game(Player.FIRST)
    record.add(Turn("4", board(Player.FIRST, Status.DRAW)))
    assert record.is_over
    assert not record.is_humans_turn


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([(3, 1), (3, 2), (3, 3), (3, 4)], "in column 3"),
        ([(2, 1), (3, 1), (4, 1), (5, 1), (6, 1)], "in row 1, columns 2 to 6"),
        ([(1, 4), (2, 3), (3, 2), (4, 1)], "diagonal, from column 1, row 4 to column 4, row 1"),
        ([(1, 1), (2, 1), (3, 1), (4, 1), (4, 2), (4, 3), (4, 4)], "in more than one line"),
    ],
)
def test_the_place_of_a_win_in_words(cells: list[tuple[int, int]], words: str) -> None:
    assert words in win_place(tuple(Cell(*cell) for cell in cells))


def test_the_ending_in_words() -> None:
    names = {Player.FIRST: "You", Player.SECOND: "the network"}
    cells = tuple(Cell(3, row) for row in (1, 2, 3, 4))
    assert ending(board(Player.SECOND, Status.FIRST_WON, cells), names) == (
        "You win: four in a row in column 3"
    )
    assert ending(board(Player.FIRST, Status.SECOND_WON, cells), names).startswith(
        "The network wins:"
    )
    assert ending(board(Player.FIRST, Status.DRAW), names).startswith("A draw:")
