"""Boards as planes, and back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fourcast_models.connect4.board import EMPTY_BOARD, mirror, parse_grid
from fourcast_models.connect4.codec import BOARD, decode, encode, encode_bits
from tests.models.naive import board_after, games

SECOND_TO_MOVE = """
    .......
    .......
    ......1
    ....1.2
    2...2.1
    1221121
"""


def test_planes_by_hand() -> None:
    (planes,) = encode([parse_grid(SECOND_TO_MOVE)])
    assert planes.dtype == np.uint8
    assert planes.shape == BOARD.dims == (2, 6, 7)
    assert planes[0].tolist() == [
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [1, 0, 0, 0, 1, 0, 0],
        [0, 1, 1, 0, 0, 1, 0],
    ]
    assert planes[1].tolist() == [
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [1, 0, 0, 1, 1, 0, 1],
    ]


def test_the_mover_changes_with_every_stone() -> None:
    before, after = encode([board_after((3,)), board_after((3, 2))])
    assert (before[0].sum(), before[1].sum()) == (0, 1)
    assert (after[0].sum(), after[1].sum()) == (1, 1)
    assert after[0, 5, 3] == after[1, 5, 2] == 1


@given(st.lists(games(), min_size=1, max_size=4))
def test_boards_come_back(columns: list[tuple[int, ...]]) -> None:
    boards = [board_after(game) for game in columns]
    planes = encode(boards)
    assert planes.shape == (len(boards), 2, 6, 7)
    assert decode(planes) == boards
    assert (planes.sum(axis=1) <= 1).all()
    np.testing.assert_array_equal(
        encode_bits(
            np.array([board.mover for board in boards]),
            np.array([board.occupied for board in boards]),
        ),
        planes,
    )


@given(games())
def test_a_mirror_flips_the_last_axis(columns: tuple[int, ...]) -> None:
    board = board_after(columns)
    np.testing.assert_array_equal(encode([mirror(board)]), encode([board])[..., ::-1])


def test_no_boards_are_no_planes() -> None:
    assert encode([]).shape == (0, 2, 6, 7)
    assert decode(encode([])) == []
    assert not encode([EMPTY_BOARD]).any()
