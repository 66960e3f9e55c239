"""The verifier of opening books: it passes a good one, and each of its parts catches a wrong one.

The book that it is shown is complete and agrees with itself, but its last ply is made up: solving
it would take an hour. What the solver says is tested on late positions.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fourcast_models.connect4.board import canonical_key, parse_moves, play
from fourcast_models.connect4.book import ILLEGAL, Book
from fourcast_training.connect4.book import POSITIONS_PER_PART, BookConfig, build, main
from fourcast_training.connect4.openings import Positions, count_positions, openings
from fourcast_training.connect4.verify_book import KNOWN_COUNTS, solve_again, verify
from tests.models.test_book import LATE, tiny_book

PLIES = 5


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A book whose last ply was not solved but drawn by lot."""
    work = tmp_path_factory.mktemp("parts")
    folder = work / f"families-{PLIES}"
    folder.mkdir()
    beyond = len(openings(PLIES + 1)[-1].mover)
    scores = np.random.default_rng(0).integers(-15, 16, beyond).astype(np.int8)
    for number, start in enumerate(range(0, beyond, POSITIONS_PER_PART)):
        part = scores[start : start + POSITIONS_PER_PART]
        np.savez(folder / f"part-{number:05d}.npz", allow_pickle=False, scores=part)
    return build(BookConfig(plies=PLIES, work=work, jobs=1))


def problems(book: Book) -> list[str]:
    return verify(book, sample=0, seed=1, table_mebibytes=1)


def changed(book: Book, row: int, column: int, score: int) -> Book:
    values = book.values.copy()
    values[row, column] = score
    return replace(book, values=values)


def row_of(book: Book, moves: str) -> int:
    return int(np.searchsorted(book.keys, canonical_key(parse_moves(moves))))


def test_all_openings_are_counted_as_others_counted_them() -> None:
    assert tuple(count_positions(8)) == KNOWN_COUNTS
    sizes = [len(level.mover) for level in openings(8)]
    assert sizes == [1, 4, 25, 121, 568, 2144, 8231, 27109, 91295]
    assert sum(sizes) == 129_498


def test_a_good_book_passes(book: Book) -> None:
    assert book.plies == PLIES
    assert problems(book) == []


def test_a_position_too_few_or_too_many_is_found(book: Book) -> None:
    short = Book(np.delete(book.keys, 7), np.delete(book.values, 7, axis=0))
    assert "1 are missing, and 0 are there" in problems(short)[0]
    # Two first moves of the same player.
    keys = np.append(book.keys, canonical_key(parse_moves("1")) + 2)
    wrong = Book(keys, np.append(book.values, book.values[:1], axis=0))
    assert any("1 are there that no play leads to" in problem for problem in problems(wrong))


def test_disorder_and_other_types_are_found(book: Book) -> None:
    assert "ascending" in problems(Book(book.keys[::-1], book.values[::-1]))[0]
    wide = replace(book, values=book.values.astype(np.int16))
    assert "`values` is int16" in problems(wide)[0]


@pytest.mark.parametrize("moves", ["", "4", "444", "12345", "1111"])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_wrong_score_is_found_by_what_it_leads_to(book: Book, moves: str, change: int) -> None:
    row = row_of(book, moves)
    column = int(np.argmax(book.values[row]))
    wrong = changed(book, row, column, int(book.values[row, column]) + change)
    found = problems(wrong)
    assert any("leads to a position that makes it" in problem for problem in found)


def test_a_score_of_an_illegal_column_is_found(book: Book) -> None:
    for found in (
        problems(changed(book, 3, 2, ILLEGAL)),
        problems(changed(book, 3, 2, 19)),
    ):
        assert found
    assert "legal columns" in problems(changed(book, 3, 2, ILLEGAL))[0]
    assert any("beyond ±18" in problem for problem in problems(changed(book, 3, 2, 19)))


def test_a_crooked_row_is_found(book: Book) -> None:
    # Not the best score, and of the last ply: nothing else sees it.
    row = row_of(book, "44444")
    worst = int(np.argmin(book.values[row, :3]))
    found = problems(changed(book, row, worst, int(book.values[row, worst]) - 1))
    assert len(found) == 1
    assert "symmetric" in found[0]


def test_what_hides_in_the_last_ply_is_found_by_solving_again() -> None:
    board = parse_moves(LATE)
    good = tiny_book(board)
    late = Positions(np.array([board.mover]), np.array([board.occupied]))
    positions = late.canonical()
    assert solve_again(good, positions, 1, 1, 1) == []
    worst = int(np.argmin(np.where(good.values[0] == ILLEGAL, 99, good.values[0])))
    wrong = changed(good, 0, worst, int(good.values[0, worst]) - 1)
    (problem,) = solve_again(wrong, positions, 1, 1, 1)
    assert problem.startswith("solved again: ")


def test_a_book_of_eight_plies_is_small_and_tells_one_ply_more(tmp_path: Path) -> None:
    levels = openings(8)
    keys = np.sort(np.concatenate([level.keys for level in levels]))
    # Scores by lot are the hardest to compress.
    values = np.random.default_rng(1).integers(-17, 18, (len(keys), 7)).astype(np.int8)
    file = tmp_path / "book.npz"
    np.savez_compressed(file, keys=keys, values=values)
    assert file.stat().st_size < 1_000_000
    book = Book.load(file)
    assert book.plies == 8
    board = parse_moves("44447777")
    scores = book.scores(board)
    assert scores is not None
    assert book.score(board) == max(score for score in scores if score is not None)
    assert book.scores(play(board, 0)) is None
    assert book.score(play(play(board, 0), 0)) is None


@pytest.mark.parametrize("moves", ["123456", "444444", "112233"])
def test_one_ply_beyond_the_book_the_last_move_tells(book: Book, moves: str) -> None:
    child = parse_moves(moves)
    assert child.plies == book.plies + 1
    scores = book.scores(parse_moves(moves[:-1]))
    assert scores is not None
    assert book.score(child) == -(scores[int(moves[-1]) - 1] or 0)


def test_the_command_says_what_is_wrong(book: Book, tmp_path: Path) -> None:
    file = tmp_path / "book.npz"
    np.savez_compressed(file, keys=book.keys, values=book.values)
    main(["--verify", "--output", str(file)])
    wrong = changed(book, 0, 3, -18)
    np.savez_compressed(file, keys=wrong.keys, values=wrong.values)
    with pytest.raises(ValueError, match=r"book\.npz is wrong:\n.*column 4 leads to"):
        main(["--verify", "--output", str(file)])


def test_the_committed_book_passes() -> None:
    assert problems(Book.load()) == []
