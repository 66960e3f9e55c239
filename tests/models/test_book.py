"""The opening book: how it is read, and that the committed one is consistent and true."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from fourcast_models.connect4 import minimax
from fourcast_models.connect4.board import (
    COLUMNS,
    EMPTY_BOARD,
    FULL_BOARD,
    Board,
    canonical_key,
    key,
    legal_columns,
    mirror,
    parse_moves,
    play,
)
from fourcast_models.connect4.book import BOOK_FILE, ILLEGAL, Book, BookError
from fourcast_models.connect4.solver import Solver
from tests.models.naive import late_boards

LATE = "1624257511665611571467457732225764"


def tiny_book(*boards: Board) -> Book:
    """A book of late positions, solved by plain minimax."""
    rows = {}
    for board in boards:
        stored = board if key(board) == canonical_key(board) else mirror(board)
        rows[key(stored)] = [
            -minimax.score(play(stored, column)) if column in legal_columns(stored) else ILLEGAL
            for column in range(COLUMNS)
        ]
    return Book(
        keys=np.array(sorted(rows), dtype=np.int64),
        values=np.array([rows[number] for number in sorted(rows)], dtype=np.int8),
    )


def exact(board: Board) -> tuple[int | None, ...]:
    legal = legal_columns(board)
    return tuple(
        -minimax.score(play(board, column)) if column in legal else None
        for column in range(COLUMNS)
    )


def test_both_mirror_images_are_answered() -> None:
    board = parse_moves(LATE)
    assert mirror(board) != board
    for book in (tiny_book(board), tiny_book(mirror(board))):
        assert book.scores(board) == exact(board)
        assert book.scores(mirror(board)) == exact(board)[::-1] == exact(mirror(board))


@settings(max_examples=30)
@given(late_boards(35, 40))
def test_any_solved_position_is_answered_both_ways(board: Board) -> None:
    book = tiny_book(board)
    assert book.scores(board) == exact(board)
    assert book.scores(mirror(board)) == exact(mirror(board))


def test_an_unknown_position_has_no_scores() -> None:
    known = [parse_moves(LATE[:length]) for length in (33, 34)]
    book = tiny_book(*known)
    # Keys below, between and above the known ones.
    unknown = [parse_moves(LATE[:length]) for length in (0, 1, 30, 31, 32)]
    keys = [canonical_key(board) for board in unknown]
    assert min(keys) < book.keys[0]
    for board in unknown:
        assert book.scores(board) is None
    highest = Board(mover=FULL_BOARD, occupied=FULL_BOARD)
    assert canonical_key(highest) > book.keys[-1]
    assert book.scores(highest) is None
    assert all(book.scores(board) is not None for board in known)


def test_a_solver_looks_up_before_it_searches() -> None:
    board = parse_moves(LATE)
    solver = Solver(table_mebibytes=1, book=tiny_book(board))
    assert solver.column_scores(mirror(board)) == exact(mirror(board))
    assert solver.nodes == 0
    analysis = solver.analyze(board)
    assert analysis.from_book
    assert analysis.scores == exact(board)
    assert not solver.analyze(parse_moves(LATE[:-1])).from_book


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.npz"):
        Book.load(tmp_path / "nowhere.npz")


def test_what_is_no_book_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "book.npz"
    whole = BOOK_FILE.read_bytes()
    damaged = whole[:5000] + bytes(2000) + whole[7000:]
    for content in (b"", b"keys and values", whole[:-1000], damaged):
        file.write_bytes(content)
        with pytest.raises(BookError, match=r"book\.npz is no opening book"):
            Book.load(file)
    np.savez(file, keys=np.zeros(1, dtype=np.int64))
    with pytest.raises(BookError, match=r"book\.npz is no opening book"):
        Book.load(file)


@pytest.fixture(scope="module")
def book() -> Book:
    """The committed book."""
    return Book.load()


@pytest.fixture(scope="module")
def boards() -> list[Board]:
    """The positions of at most five stones, one of each mirror pair."""
    found: dict[int, Board] = {}
    level = [EMPTY_BOARD]
    for _ in range(6):
        fresh = {canonical_key(board): board for board in level}
        found |= fresh
        level = [play(board, column) for board in fresh.values() for column in legal_columns(board)]
    return list(found.values())


def test_the_book_is_sorted_and_small(book: Book) -> None:
    assert book.keys.dtype == np.int64
    assert book.values.dtype == np.int8
    assert book.values.shape == (len(book.keys), COLUMNS)
    assert (np.diff(book.keys) > 0).all()
    assert BOOK_FILE.stat().st_size < 2_000_000


def test_the_book_has_eight_plies_and_no_more(book: Book) -> None:
    assert (book.plies, len(book.keys)) == (8, 129_498)
    game = "445326714"
    assert all(book.scores(parse_moves(game[:stones])) is not None for stones in range(9))
    assert book.scores(parse_moves(game)) is None


def test_early_openings_are_found_both_ways(book: Book, boards: list[Board]) -> None:
    for board in boards:
        scores = book.scores(board)
        assert scores is not None
        assert book.scores(mirror(board)) == scores[::-1]


def test_legal_columns_have_scores_and_others_none(book: Book, boards: list[Board]) -> None:
    for board in boards:
        scores = book.scores(board)
        assert scores is not None
        known = {column: score for column, score in enumerate(scores) if score is not None}
        assert tuple(known) == legal_columns(board)
        assert all(-18 <= score <= 18 for score in known.values())


def test_parents_agree_with_their_children(book: Book, boards: list[Board]) -> None:
    for board in boards:
        scores = book.scores(board)
        assert scores is not None
        for column in legal_columns(board):
            replies = book.scores(play(board, column))
            assert replies is not None
            assert scores[column] == -max(score for score in replies if score is not None)


def test_what_is_forced_soon_stands_in_the_book(book: Book, boards: list[Board]) -> None:
    # Searching these positions to the end takes minutes; a few plies ahead take nothing.
    solver = Solver(table_mebibytes=1)
    horizon = 6
    for board in boards:
        scores = book.scores(board)
        assert scores is not None
        for score, forced in zip(scores, solver.forced_scores(board, horizon), strict=True):
            if score is None or forced != 0:
                assert score == forced
            elif score != 0:
                stones = board.mover.bit_count() if score > 0 else board.opponent.bit_count()
                plies = 2 * (22 - abs(score) - stones) - (score > 0)
                assert plies > horizon


def test_the_first_move_belongs_in_the_middle(book: Book) -> None:
    # Known since 1988 (Allis; Allen): the first player wins in the middle column, draws beside it,
    # and loses from the other four. All of it takes until the last stones of either side.
    assert book.scores(EMPTY_BOARD) == (-2, -1, 0, 1, 0, -1, -2)
