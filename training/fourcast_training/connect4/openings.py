"""Positions as arrays, and every position of the first plies: what the opening book must hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fourcast_models.connect4.board import (
    BOTTOM_ROW,
    COLUMN_BITS,
    COLUMNS,
    FULL_BOARD,
    STEPS,
    Board,
    column_mask,
)

Bits: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Positions:
    """N positions.

    Attributes:
        mover: `Board.mover` of each, int64 [N].
        occupied: `Board.occupied` of each, int64 [N].
    """

    mover: Bits
    occupied: Bits

    @property
    def keys(self) -> Bits:
        """`board.key` of each, int64 [N]."""
        return self.mover + self.occupied + BOTTOM_ROW

    @property
    def canonical_keys(self) -> Bits:
        """`board.canonical_key` of each, int64 [N]."""
        smaller: Bits = np.minimum(self.keys, self.mirrored().keys)
        return smaller

    @property
    def over(self) -> npt.NDArray[np.bool_]:
        """Whether each is over, bool [N]."""
        full: npt.NDArray[np.bool_] = self.occupied == FULL_BOARD
        return have_four(self.mover ^ self.occupied) | full

    def mirrored(self) -> "Positions":
        """The mirror images, in the same order."""
        return Positions(_mirrored(self.mover), _mirrored(self.occupied))

    def select(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> "Positions":
        """Those where a mask is true, or those with these numbers."""
        return Positions(self.mover[chosen], self.occupied[chosen])

    def canonical(self) -> "Positions":
        """That image of each whose key is the canonical one, sorted by it, each once."""
        mirrored = self.mirrored()
        own = self.keys <= mirrored.keys
        mover = np.where(own, self.mover, mirrored.mover)
        occupied = np.where(own, self.occupied, mirrored.occupied)
        chosen = Positions(mover, occupied)
        return chosen.select(np.unique(chosen.keys, return_index=True)[1])

    def after(self, column: int) -> tuple["Positions", npt.NDArray[np.bool_]]:
        """The positions after a stone in a column (0 to 6), and where it may be played, bool [N].

        Where it may not, the position means nothing.
        """
        cell = (self.occupied + BOTTOM_ROW) & column_mask(column)
        legal = (cell != 0) & ~self.over
        return Positions(self.mover ^ self.occupied, self.occupied | cell), legal

    def children(self) -> "Positions":
        """Every position one stone on, over or not; one that several lead to stands there often."""
        return joined([child.select(legal) for child, legal in map(self.after, range(COLUMNS))])


def joined(parts: Sequence[Positions]) -> Positions:
    """The positions of all parts, in their order."""
    nothing = np.zeros(0, dtype=np.int64)
    return Positions(
        np.concatenate([nothing, *(part.mover for part in parts)]),
        np.concatenate([nothing, *(part.occupied for part in parts)]),
    )


def positions_of(boards: Sequence[Board]) -> Positions:
    """Boards as arrays."""
    return Positions(
        np.array([board.mover for board in boards], dtype=np.int64),
        np.array([board.occupied for board in boards], dtype=np.int64),
    )


def openings(plies: int) -> list[Positions]:
    """The positions of 0, 1, ... `plies` stones that are not over, one of each mirror pair."""
    empty = np.zeros(1, dtype=np.int64)
    levels = [Positions(empty, empty)]
    for _ in range(plies):
        children = levels[-1].children().canonical()
        levels.append(children.select(~children.over))
    return levels


def count_positions(plies: int) -> list[int]:
    """How many positions of 0, 1, ... `plies` stones there are, those that are over included.

    Mirror images count as two. (OEIS A212693; computed here, not looked up.)
    """
    counts = [1]
    for level in openings(plies)[:-1]:
        children = level.children().canonical()
        symmetric = children.keys == children.mirrored().keys
        counts.append(2 * len(symmetric) - int(symmetric.sum()))
    return counts


def have_four(stones: Bits) -> npt.NDArray[np.bool_]:
    """`board.has_four` of every element."""
    four = np.zeros_like(stones)
    for step in STEPS:
        pairs = stones & (stones >> step)
        four |= pairs & (pairs >> 2 * step)
    won: npt.NDArray[np.bool_] = four != 0
    return won


def _mirrored(bits: Bits) -> Bits:
    found = np.zeros_like(bits)
    for column in range(COLUMNS):
        stones = bits >> COLUMN_BITS * column & column_mask(0)
        found |= stones << COLUMN_BITS * (COLUMNS - 1 - column)
    return found
