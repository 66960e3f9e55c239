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
from fourcast_training.connect4 import balanced, data
from fourcast_training.connect4.data import SHARES, DataConfig, Dataset, load_or_label
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


def test_each_ply_has_its_share(splits: dict[str, Dataset]) -> None:
    plies = np.concatenate([dataset.plies for dataset in splits.values()])
    counts = np.bincount(plies, minlength=CELLS)
    assert counts[:FIRST_PLY].sum() == 0
    shares = np.array(SHARES[FIRST_PLY:])
    wanted = shares / shares.sum() * sum(SIZES.values())
    # Rounded along the running sum, so each is off by less than one at either end.
    assert np.abs(counts[FIRST_PLY:] - wanted).max() <= 1


def test_every_split_has_every_ply(splits: dict[str, Dataset]) -> None:
    for dataset in splits.values():
        assert set(range(FIRST_PLY, 38)) <= set(dataset.plies.tolist())


def test_no_position_stands_twice_not_even_in_a_mirror(splits: dict[str, Dataset]) -> None:
    keys = [canonical_key(board) for dataset in splits.values() for board in boards(dataset)]
    assert len(set(keys)) == sum(SIZES.values())


def test_mirror_images_are_never_drawn_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # There are 121 positions of three stones up to mirroring: nearly every draw meets a known one.
    monkeypatch.setattr(data, "SHARES", tuple(float(ply == 3) for ply in range(CELLS)))
    config = DataConfig(train=60, validation=30, test=30, folder=tmp_path)
    drawn = data.sample(config)
    assert {split: len(boards) for split, boards in drawn.items()} == config.sizes
    assert len({canonical_key(board) for boards in drawn.values() for board in boards}) == 120


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
        config.identity,
        other.identity,
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
    # Positions of 20 stones and more: a part of 250 takes about half a second, so that the kill,
    # milliseconds after the first one appears, comes long before the eighth.
    options = "--train 2000 --validation 250 --test 250 --first-ply 20 --seed 3 --jobs 2"
    command = fourcast_train(f"connect4-label {options} --folder labels")

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
        config = DataConfig(2000, 250, 250, first_ply=20, seed=3, folder=broken / "labels")
        again = replace(config, folder=unbroken / "labels")
        assert load_or_label(config, split).sha256 == load_or_label(again, split).sha256


def test_positions_come_from_where_they_should(tmp_path: Path) -> None:
    config = DataConfig(
        train=60,
        validation=20,
        test=20,
        first_ply=24,
        balanced=0.3,
        seed=5,
        folder=tmp_path,
        jobs=1,
    )
    assert config.origins == {"random": 70, "openings": 0, "balanced": 30}
    splits = data.sample(config)
    assert {split: len(drawn) for split, drawn in splits.items()} == config.sizes
    keys = [canonical_key(board) for drawn in splits.values() for board in drawn]
    assert len(set(keys)) == 100
    # Positions from the balanced games are spread over the splits, and are the same again.
    lonely = replace(config, balanced=0.0)
    random = {canonical_key(board) for drawn in data.sample(lonely).values() for board in drawn}
    assert 0 < len(set(keys) - random) < 100
    again = replace(config, folder=tmp_path / "again")
    assert data.sample(again) == splits


def test_openings_come_from_the_book(tmp_path: Path) -> None:
    config = DataConfig(
        train=30, validation=5, test=5, first_ply=0, openings=0.05, folder=tmp_path, jobs=1
    )
    boards = [board for drawn in data.sample(config).values() for board in drawn]
    book = Book.load()
    assert sum(book.scores(board) is not None for board in boards) == 2
    greedy = replace(config, train=10**9, openings=0.9)
    with pytest.raises(ValueError, match=r"the opening book lacks \d+ positions"):
        data._add_openings({}, greedy, np.random.default_rng(1))


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"openings": -0.1}, "--openings is -0.1"),
        ({"balanced": 1.5}, "--balanced is 1.5"),
        ({"openings": 0.6, "balanced": 0.6}, "more than 1 together"),
    ],
)
def test_shares_that_are_none_are_refused(shares: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DataConfig(openings=shares.get("openings", 0), balanced=shares.get("balanced", 0))


def test_tables_without_new_shares_keep_their_identity() -> None:
    config = DataConfig(train=3, validation=2, test=1, seed=7)
    assert config.identity == "seed=7 train=3 validation=2 test=1 first_ply=0"
    assert replace(config, balanced=0.25).identity == f"{config.identity} balanced=0.25"


def test_balanced_games_begin_balanced_and_go_late() -> None:
    solver = Solver(table_mebibytes=1)
    found, starts = balanced.play_games(solver, (1, 2), games=40, first_ply=26)
    assert all(abs(score) <= balanced.CLOSE for score in starts)
    assert all(status(board) is Status.IN_PROGRESS for board in found)
    assert min(board.plies for board in found) >= 26
    # Random games hardly ever get there without a side being ahead.
    late = [abs(solver.score(board)) <= balanced.CLOSE for board in found if board.plies > 32]
    assert sum(late) > len(late) / 2
