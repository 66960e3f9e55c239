"""The labelled table: what is in it, that a seed makes it again, and what is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fourcast_models.connect4 import minimax
from fourcast_models.connect4.board import (
    CELLS,
    COLUMNS,
    Board,
    Status,
    canonical_key,
    format_grid,
    legal_columns,
    parse_grid,
    play,
    status,
)
from fourcast_models.connect4.book import ILLEGAL, Book
from fourcast_models.connect4.solver import Solver
from fourcast_training.connect4 import data
from fourcast_training.connect4.data import (
    FIRST_MEASURED_PLY,
    SPLITS,
    TRAINING_SHARES,
    DataConfig,
    by_origin,
    load_or_label,
)
from fourcast_training.connect4.dataset import Dataset, rest_of_the_book
from fourcast_training.connect4.games import game_part
from fourcast_training.connect4.random_play import random_positions
from tests.training.running import fourcast_train, kill_when, run

SIZES = {"train": 1200, "validation": 300, "test": 300}
FIRST_PLY = 24


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> DataConfig:
    folder = tmp_path_factory.mktemp("labels")
    return DataConfig(
        train=SIZES["train"],
        validation=SIZES["validation"],
        test=SIZES["test"],
        first_ply=FIRST_PLY,
        openings=0.0,
        games=0.0,
        random=0,
        seed=11,
        folder=folder,
        jobs=1,
    )


@pytest.fixture(scope="module")
def splits(config: DataConfig) -> dict[str, Dataset]:
    return {split: load_or_label(config, split) for split in SIZES}


def boards(dataset: Dataset) -> list[Board]:
    pairs = zip(dataset.mover, dataset.occupied, strict=True)
    return [Board(mover=int(mover), occupied=int(occupied)) for mover, occupied in pairs]


def test_splits_have_their_sizes_and_types(splits: dict[str, Dataset]) -> None:
    for split, size in SIZES.items():
        dataset = splits[split]
        assert dataset.mover.shape == (size,)
        assert dataset.mover.dtype == np.int64
        assert dataset.occupied.shape == (size,)
        assert dataset.occupied.dtype == np.int64
        assert dataset.scores.shape == (size, COLUMNS)
        assert dataset.scores.dtype == np.int8


@pytest.mark.parametrize("split", SIZES)
def test_each_ply_has_its_share(splits: dict[str, Dataset], split: str) -> None:
    counts = np.bincount(splits[split].plies, minlength=CELLS)
    assert counts[:FIRST_PLY].sum() == 0
    shares = np.array(TRAINING_SHARES) if split == "train" else np.ones(CELLS)
    wanted = shares[FIRST_PLY:] / shares[FIRST_PLY:].sum() * SIZES[split]
    # Rounded along the running sum, so each is off by less than one at either end.
    assert np.abs(counts[FIRST_PLY:] - wanted).max() <= 1


def test_what_is_measured_begins_where_choices_are_hard() -> None:
    shares = data.shares_of("test", first_ply=0)
    assert (shares > 0).tolist() == [ply >= FIRST_MEASURED_PLY for ply in range(CELLS)]
    assert shares.sum() == pytest.approx(1)


def test_early_positions_are_a_split_of_their_own(config: DataConfig, tmp_path: Path) -> None:
    shares = data.shares_of("early", first_ply=0)
    assert np.flatnonzero(shares).tolist() == [12, 13, 14, 15, 16, 17]
    # The other splits are the same with and without them, also on the disk.
    config = replace(config, first_ply=16, test=50, validation=0, train=50, folder=tmp_path)
    without = load_or_label(replace(config, early=0), "train")
    early = replace(config, early=40)
    assert "early" in early.sizes
    assert load_or_label(early, "train").sha256 == without.sha256
    assert set(load_or_label(early, "early").plies.tolist()) == {16, 17}
    with pytest.raises(ValueError, match=r"was made with .* early=40, not .* early=41"):
        load_or_label(replace(early, early=41), "early")
    # Those that leave such positions out have none.
    assert "early" not in replace(early, first_ply=18).sizes


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"early": -5}, "--early is -5, but must be 0 or more"),
        ({"openings": 1.5}, "--openings is 1.5, but must be 0 to 1"),
        ({"openings": 0.6, "games": 0.6}, "--openings and --games are more than 1 together"),
    ],
)
def test_numbers_that_make_no_table_are_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DataConfig(**wrong)


def test_no_position_stands_twice_not_even_in_a_mirror(splits: dict[str, Dataset]) -> None:
    keys = [canonical_key(board) for dataset in splits.values() for board in boards(dataset)]
    assert len(set(keys)) == sum(SIZES.values())


def test_mirror_images_are_never_drawn_twice() -> None:
    # There are 121 positions of three stones up to mirroring: nearly every draw meets a known one.
    wanted = np.where(np.arange(CELLS) == 3, 60, 0)
    nothing = np.zeros(0, np.int64)
    first = random_positions(np.random.default_rng(1), wanted, nothing)
    second = random_positions(np.random.default_rng(2), wanted, first.canonical_keys)
    assert len(first.mover) == len(second.mover) == 60
    keys = np.concatenate([first.canonical_keys, second.canonical_keys])
    assert len(set(keys.tolist())) == 120


def test_positions_are_reachable_and_not_over(splits: dict[str, Dataset]) -> None:
    for dataset in splits.values():
        for board in boards(dataset):
            assert status(board) is Status.IN_PROGRESS
            assert parse_grid(format_grid(board)) == board


def test_illegal_stands_exactly_where_a_column_is_full(splits: dict[str, Dataset]) -> None:
    for dataset in splits.values():
        for board, row in zip(boards(dataset), dataset.scores, strict=True):
            assert tuple(np.flatnonzero(row != ILLEGAL)) == legal_columns(board)


def test_late_scores_are_those_of_minimax(splits: dict[str, Dataset]) -> None:
    late = splits["train"].select(splits["train"].plies >= 33)
    assert len(late.plies) > 200
    for board, row in zip(boards(late), late.scores, strict=True):
        for column in legal_columns(board):
            assert row[column] == -minimax.score(play(board, column)), format_grid(board)


def test_a_seed_makes_the_same_table_again(
    config: DataConfig, splits: dict[str, Dataset], tmp_path: Path
) -> None:
    again = replace(config, folder=tmp_path, jobs=2)
    for split, dataset in splits.items():
        assert load_or_label(again, split).sha256 == dataset.sha256


def test_another_seed_makes_another_table(
    config: DataConfig, splits: dict[str, Dataset], tmp_path: Path
) -> None:
    other = replace(config, seed=12, folder=tmp_path)
    assert load_or_label(other, "test").sha256 != splits["test"].sha256


def test_a_finished_table_is_read_not_made(config: DataConfig, splits: dict[str, Dataset]) -> None:
    before = (config.folder / "test.npz").stat()
    read = load_or_label(config, "test")
    after = (config.folder / "test.npz").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert read.sha256 == splits["test"].sha256
    assert json.loads((config.folder / "test.json").read_text())["sha256"] == read.sha256


def test_a_hash_sees_every_array(splits: dict[str, Dataset]) -> None:
    dataset = splits["test"]
    changed = []
    for name in ("mover", "occupied", "scores"):
        array = getattr(dataset, name).copy()
        array.flat[-1] ^= 1
        changed.append(replace(dataset, **{name: array}))
    assert len({dataset.sha256, *(other.sha256 for other in changed)}) == 4


@pytest.mark.parametrize("change", [{"seed": 5}, {"train": 1201}, {"first_ply": 25}])
def test_a_folder_of_another_configuration_is_refused(
    config: DataConfig, splits: dict[str, Dataset], change: dict[str, Any]
) -> None:
    assert splits
    other = replace(config, **change)
    with pytest.raises(ValueError, match="was made with") as raised:
        load_or_label(other, "test")
    for words in (
        str(config.folder / "test.npz"),
        config.identity("test"),
        other.identity("test"),
        "--data.folder",
    ):
        assert words in str(raised.value)


def _change_a_score(file: Path) -> None:
    with np.load(file) as arrays:
        damaged = {name: array.copy() for name, array in arrays.items()}
    damaged["scores"][0, 0] ^= 1
    np.savez_compressed(file, allow_pickle=False, **damaged)


def _cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def _empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("damage", [_change_a_score, _cut_off, _empty])
def test_a_damaged_file_is_refused(
    config: DataConfig, splits: dict[str, Dataset], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    assert splits
    for name in ("test.npz", "test.json"):
        (tmp_path / name).write_bytes((config.folder / name).read_bytes())
    copy = replace(config, folder=tmp_path)
    assert load_or_label(copy, "test").sha256 == splits["test"].sha256
    damage(tmp_path / "test.npz")
    with pytest.raises(ValueError, match="is damaged") as raised:
        load_or_label(copy, "test")
    assert str(tmp_path / "test.npz") in str(raised.value)
    assert "delete it" in str(raised.value)


def test_a_killed_labelling_run_resumes_and_ends_the_same(tmp_path: Path) -> None:
    # Positions of 20 stones and more: a part of 500 takes about half a second, so that the kill,
    # milliseconds after the first one appears, comes long before the eighth.
    sizes = (
        "--train 4000 --validation 250 --test 250 --first-ply 20 --openings 0 --games 0 --random 0"
    )
    command = fourcast_train(f"connect4-label {sizes} --seed 3 --jobs 2 --folder labels")

    def parts(folder: Path) -> dict[str, int]:
        """Finished parts, by path, with the time at which each was written."""
        files = (folder / "labels").glob("parts-*/*/part-*.npz")
        return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in files}

    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    broken.mkdir()
    unbroken.mkdir()
    kill_when(command, broken, lambda: bool(parts(broken)))
    kept = parts(broken)
    assert 1 <= len(kept) < 8
    assert not (broken / "labels" / "train.npz").exists()
    resumed = run(command, broken)
    straight = run(command, unbroken)
    assert (resumed.returncode, straight.returncode) == (0, 0), resumed.stderr + straight.stderr
    assert resumed.stdout == straight.stdout
    assert resumed.stdout.count("sha256") == 3
    assert parts(broken).keys() == parts(unbroken).keys()
    assert kept.items() <= parts(broken).items(), "a finished part was computed again"
    for split in ("train", "validation", "test"):
        config = replace(
            DataConfig(4000, 250, 250, first_ply=20, openings=0, games=0, random=0, seed=3),
            folder=broken / "labels",
        )
        again = replace(config, folder=unbroken / "labels")
        assert load_or_label(config, split).sha256 == load_or_label(again, split).sha256


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> DataConfig:
    """Positions of all three origins, of 24 stones and more or of the book."""
    folder = tmp_path_factory.mktemp("mixed")
    return DataConfig(
        train=100,
        validation=20,
        test=40,
        first_ply=0,
        openings=0.25,
        games=0.5,
        random=10,
        early=15,
        seed=5,
        folder=folder,
        jobs=1,
    )


@pytest.fixture
def late_random_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random positions of 24 stones and more alone, and few games: more of either take long."""
    monkeypatch.setattr(data, "GAMES_PER_PART", 2)
    late = np.where(np.arange(CELLS) >= 24, 1 / (CELLS - 24), 0.0)
    monkeypatch.setattr(data, "shares_of", lambda *_, **__: late)


@pytest.mark.usefixtures("late_random_positions")
def test_positions_come_from_where_they_should(mixed: DataConfig) -> None:
    assert mixed.origins("train") == {"random": 35, "openings": 25, "games": 50}
    assert mixed.origins("early") == {"random": 15, "openings": 0, "games": 0}
    assert mixed.origins("test") == {"random": 10, "openings": 10, "games": 20}
    book = Book.load()
    keys: list[int] = []
    for split in SPLITS:
        dataset = load_or_label(mixed, split)
        assert len(dataset.mover) == mixed.sizes[split]
        keys += [canonical_key(board) for board in boards(dataset)]
        parts = by_origin(mixed, split, dataset)
        assert dataset.select(parts["random"]).plies.min() >= 24
        if split == "early":
            assert set(parts) == {"random"}
            continue
        assert all(book.scores(board) for board in boards(dataset.select(parts["openings"])))
        assert dataset.select(parts["games"]).plies.min() == book.plies + 1
    assert len(set(keys)) == sum(mixed.sizes.values())


@pytest.mark.usefixtures("late_random_positions")
def test_a_split_does_not_depend_on_those_after_it(mixed: DataConfig, tmp_path: Path) -> None:
    other = replace(mixed, train=0, random=0, folder=tmp_path)
    for split in ("test", "validation"):
        assert load_or_label(other, split).sha256 == load_or_label(mixed, split).sha256


def test_parts_of_another_size_are_refused(mixed: DataConfig, splits: dict[str, Dataset]) -> None:
    with pytest.raises(ValueError, match="test has 300 positions, not 40"):
        by_origin(mixed, "test", splits["test"])


def test_the_rest_of_the_book_is_all_that_is_not_taken() -> None:
    book = Book.load()
    taken = book.keys[::2]
    rest = rest_of_the_book(8, taken)
    assert set(rest.plies.tolist()) == {8}
    keys = rest.positions.canonical_keys
    assert not np.isin(keys, taken).any()
    everything = len(rest_of_the_book(0, np.zeros(0, np.int64)).mover)
    assert everything == len(book.keys) == len(taken) + len(rest_of_the_book(0, taken).mover)
    for board, scores in zip(boards(rest.select(slice(50))), rest.scores[:50], strict=True):
        assert book.scores(board) == tuple(None if s == ILLEGAL else s for s in scores.tolist())


def test_more_openings_than_there_are_are_refused(tmp_path: Path) -> None:
    greedy = DataConfig(
        train=10, validation=0, test=10, first_ply=9, openings=0.5, random=0, folder=tmp_path
    )
    with pytest.raises(ValueError, match="the book lacks 5 openings of 9 stones or more"):
        load_or_label(greedy, "test")


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"openings": -0.1}, "--openings is -0.1"),
        ({"games": 1.5}, "--games is 1.5"),
        ({"openings": 0.6, "games": 0.6}, "more than 1 together"),
    ],
)
def test_shares_that_are_none_are_refused(shares: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DataConfig(openings=shares.get("openings", 0), games=shares.get("games", 0))


def test_games_are_labelled_whole_and_mostly_well_played() -> None:
    solver = Solver(table_mebibytes=64, book=Book.load())
    part = game_part(solver, seed=(1, 2), games=6, plies=8)
    fresh = Solver(table_mebibytes=64)
    late = np.flatnonzero(np.bitwise_count(part["occupied"]) >= 22)
    assert len(late) > 20
    for number in late:
        board = Board(mover=int(part["mover"][number]), occupied=int(part["occupied"][number]))
        scores = [ILLEGAL if one is None else one for one in fresh.column_scores(board)]
        assert scores == part["scores"][number].tolist()
    # A move changes who is to move: the best score of a position mostly comes back negated.
    best = part["scores"].max(axis=1).astype(int)
    follows = np.bitwise_count(part["occupied"][1:]) == np.bitwise_count(part["occupied"][:-1]) + 1
    well_played = best[1:][follows] == -best[:-1][follows]
    assert well_played.mean() > 0.5
