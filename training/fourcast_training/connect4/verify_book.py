"""Whether an opening book is complete and true, without trusting what computed it.

Three parts are cheap, because all positions are worked on at once: the positions are those that
play leads to and no others; exactly the legal columns have scores, alike in the mirror; and every
score follows from the position that the column leads to. A wrong score of the last ply can hide
from these if it is not its row's best: the fourth part solves a random sample again.
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np
from tqdm import tqdm

from fourcast_models.connect4.board import COLUMNS, Board, format_grid
from fourcast_models.connect4.book import ILLEGAL, Book
from fourcast_models.connect4.solver import HIGHEST_SCORE, Solver, finished_score
from fourcast_training.connect4.openings import Positions, count_positions, openings

KNOWN_COUNTS = (1, 7, 49, 238, 1120, 4263, 16422, 54859, 184275)
"""Positions of 0 to 8 stones, those that are over and mirror images included (OEIS A212693)."""

MOST_REPORTED = 5
"""Problems of one part that are told; the rest would repeat them."""


def verify(book: Book, *, sample: int, seed: int, table_mebibytes: int) -> list[str]:
    """What is wrong with a book, in words; empty if nothing is.

    Args:
        book: The book.
        sample: How many positions to solve again, each of all columns, without a book.
        seed: Which ones follows from this number.
        table_mebibytes: Memory of the solver that solves them.
    """
    positions, problems = _positions(book)
    if problems:
        # Without the right positions the other parts have nothing to hold on to.
        return problems
    for part in (_columns(book, positions), _families(book, positions)):
        problems += islice(part, MOST_REPORTED)
    return problems + solve_again(book, positions, sample, seed, table_mebibytes)


def _positions(book: Book) -> tuple[Positions, list[str]]:
    """The positions that the book should hold, in its order, and what is wrong with its own."""
    levels = openings(book.plies)
    counts = count_positions(book.plies)
    if (known := list(KNOWN_COUNTS[: len(counts)])) != counts[: len(known)]:
        raise RuntimeError(f"the rules give {counts} positions a ply, not the known {known}")
    positions = Positions(
        np.concatenate([level.mover for level in levels]),
        np.concatenate([level.occupied for level in levels]),
    )
    positions = positions.select(np.argsort(positions.keys))
    problems = []
    for name, array, kind, shape in (
        ("keys", book.keys, np.int64, (len(book.keys),)),
        ("values", book.values, np.int8, (len(book.keys), COLUMNS)),
    ):
        if array.dtype != kind or array.shape != shape:
            problems.append(
                f"`{name}` is {array.dtype} {list(array.shape)}, not {np.dtype(kind)} {list(shape)}"
            )
    if (np.diff(book.keys) <= 0).any():
        problems.append("the keys are not in ascending order, each once")
    missing = len(np.setdiff1d(positions.keys, book.keys))
    unknown = len(np.setdiff1d(book.keys, positions.keys))
    if missing or unknown:
        problems.append(
            f"of {len(positions.keys)} positions of at most {book.plies} stones {missing} are "
            f"missing, and {unknown} are there that no play leads to"
        )
    return positions, problems


def _columns(book: Book, positions: Positions) -> Iterator[str]:
    """Exactly the legal columns have scores, possible ones, and alike in the mirror."""
    legal = np.stack([positions.after(column)[1] for column in range(COLUMNS)], axis=1)
    known = book.values != ILLEGAL
    for number in np.flatnonzero((legal != known).any(axis=1)):
        yield f"not exactly the legal columns have scores in\n{_row(book, positions, number)}"
    wild = known & (np.abs(book.values.astype(int)) > HIGHEST_SCORE)
    for number in np.flatnonzero(wild.any(axis=1)):
        yield f"a score is beyond ±{HIGHEST_SCORE} in\n{_row(book, positions, number)}"
    symmetric = positions.keys == positions.mirrored().keys
    crooked = symmetric & (book.values != book.values[:, ::-1]).any(axis=1)
    for number in np.flatnonzero(crooked):
        yield f"a symmetric position has crooked scores:\n{_row(book, positions, number)}"


def _families(book: Book, positions: Positions) -> Iterator[str]:
    """Every column scores minus the best score of the position that it leads to."""
    best = np.where(book.values == ILLEGAL, -HIGHEST_SCORE - 1, book.values).max(axis=1)
    for column in range(COLUMNS):
        child, legal = positions.after(column)
        keys = child.canonical_keys
        place = np.minimum(np.searchsorted(book.keys, keys), len(book.keys) - 1)
        held = legal & (book.keys[place] == keys)
        truth = np.where(held, -best[place], ILLEGAL)
        for number in np.flatnonzero(legal & child.over):
            board = _board(child, number)
            held[number], truth[number] = True, -finished_score(board)
        for number in np.flatnonzero(held & (book.values[:, column] != truth)):
            yield (
                f"column {column + 1} leads to a position that makes it {truth[number]} in\n"
                f"{_row(book, positions, number)}"
            )


def solve_again(
    book: Book, positions: Positions, sample: int, seed: int, table_mebibytes: int
) -> list[str]:
    """What is wrong in a random sample, solved again without a book.

    Args:
        book: The book.
        positions: The position of each of its rows.
        sample: How many.
        seed: Which ones follows from this number.
        table_mebibytes: Memory of the solver.
    """
    if not sample:
        return []
    solver = Solver(table_mebibytes=table_mebibytes)
    chosen = np.random.default_rng(seed).permutation(len(book.keys))[:sample]
    problems = []
    for number in tqdm(chosen, desc="solving again", unit="position"):
        scores = solver.column_scores(_board(positions, number))
        truth = [ILLEGAL if score is None else score for score in scores]
        if truth != book.values[number].tolist():
            problems.append(f"solved again: {scores}, in\n{_row(book, positions, number)}")
    return problems


def _board(positions: Positions, number: np.intp) -> Board:
    return Board(mover=int(positions.mover[number]), occupied=int(positions.occupied[number]))


def _row(book: Book, positions: Positions, number: np.intp) -> str:
    """A position and its scores in the book, for people."""
    scores = " ".join("." if s == ILLEGAL else str(s) for s in book.values[number])
    return f"{format_grid(_board(positions, number))}\nscores {scores}"
