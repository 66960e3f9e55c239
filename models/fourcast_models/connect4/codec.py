"""Boards as the tensors that the network reads, and back.

A batch is uint8 of shape [N, 2, 6, 7] with values 0 and 1: plane 0 the stones of the side to move,
plane 1 the opponent's; row 0 is the top row, column 0 the left one, as a board is drawn.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fourcast_models.connect4.board import COLUMN_BITS, COLUMNS, ROWS, Board
from fourcast_models.model_config import TensorSpec

CODEC_VERSION = 1
"""Stamped into exported models; raise it when the planes change their meaning."""

BOARD = TensorSpec("board", np.dtype(np.uint8), (2, ROWS, COLUMNS))
"""What a network reads: the planes described above."""

POLICY = TensorSpec("policy", np.dtype(np.float32), (COLUMNS,))
"""What it answers first: a probability for each column, exactly 0 for full ones."""

VALUE = TensorSpec("value", np.dtype(np.float32), (3,))
"""What it answers second: probabilities of win, draw and loss for the side to move."""

BIT_OF_CELL = COLUMN_BITS * np.arange(COLUMNS) + np.arange(ROWS)[::-1, None]
"""The bit (`board`'s drawing) of each cell, int64 of shape [6, 7], top row first."""


def encode_bits(
    mover: npt.NDArray[np.int64], occupied: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint8]:
    """The planes of N positions given as bitboards, each int64 of shape [N]."""
    stones = np.stack([mover, mover ^ occupied], axis=1)
    planes: npt.NDArray[np.int64] = stones[:, :, None, None] >> BIT_OF_CELL & 1
    return planes.astype(np.uint8)


def encode(boards: Sequence[Board]) -> npt.NDArray[np.uint8]:
    """The planes of N boards."""
    mover = np.array([board.mover for board in boards], dtype=np.int64)
    occupied = np.array([board.occupied for board in boards], dtype=np.int64)
    return encode_bits(mover, occupied)


def decode(planes: npt.NDArray[np.uint8]) -> list[Board]:
    """The boards of planes that `encode` made."""
    bits = (planes.astype(np.int64) << BIT_OF_CELL).sum(axis=(2, 3))
    return [Board(mover=int(own), occupied=int(own | other)) for own, other in bits]
