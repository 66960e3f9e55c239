"""How the book's command derives earlier positions from the searched last ply.

Searching early positions takes minutes each, so the parts that a run would search are laid in its
folder beforehand, with the scores that the committed book knows.
"""

from pathlib import Path

import numpy as np

from fourcast_models.connect4.board import (
    EMPTY_BOARD,
    Board,
    canonical_key,
    key,
    legal_columns,
    mirror,
    play,
)
from fourcast_models.connect4.book import Book
from fourcast_training.connect4.book import POSITIONS_PER_PART, BookConfig, build, main

PLIES = 4


def lay_parts(folder: Path, plies: int, book: Book) -> None:
    """The finished parts of a run for a book of so many plies, taken from a deeper book."""
    level = [EMPTY_BOARD]
    for _ in range(plies + 1):
        children = [play(board, column) for board in level for column in legal_columns(board)]
        level = list({canonical_key(c): min(c, mirror(c), key=key) for c in children}.values())
    folder = folder / f"families-{plies}"
    folder.mkdir(parents=True)
    for start in range(0, len(level), POSITIONS_PER_PART):
        scores = [best(book, board) for board in level[start : start + POSITIONS_PER_PART]]
        file = folder / f"part-{start // POSITIONS_PER_PART:05d}.npz"
        np.savez(file, allow_pickle=False, scores=np.array(scores, dtype=np.int8))


def best(book: Book, board: Board) -> int:
    scores = book.scores(board)
    assert scores is not None
    return max(score for score in scores if score is not None)


def test_a_shallower_book_is_part_of_the_committed_one(tmp_path: Path) -> None:
    committed = Book.load()
    lay_parts(tmp_path, PLIES, committed)
    book = build(BookConfig(plies=PLIES, work=tmp_path, jobs=1))
    places = np.searchsorted(committed.keys, book.keys)
    np.testing.assert_array_equal(committed.keys[places], book.keys)
    np.testing.assert_array_equal(committed.values[places], book.values)


def test_the_command_writes_what_is_read_back(tmp_path: Path) -> None:
    lay_parts(tmp_path / "work", PLIES, Book.load())
    output = tmp_path / "book.npz"
    flags = {"--plies": PLIES, "--work": tmp_path / "work", "--output": output, "--jobs": 1}
    main([str(word) for flag in flags.items() for word in flag])
    assert Book.load(output).scores(EMPTY_BOARD) == Book.load().scores(EMPTY_BOARD)
