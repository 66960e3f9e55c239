"""Reading drawings in every form, and the split that keeps them apart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fourcast_models.doodle.codec import CATEGORIES
from fourcast_models.doodle.strokes import draw
from fourcast_training.doodle.data import DataConfig, load, split
from fourcast_training.doodle.drawings import (
    Drawings,
    concatenated,
    join_strokes,
    split_points,
    without_repeats,
)
from fourcast_training.doodle.generated import SHAPES, generate
from tests.training.doodle_files import write_numpy_bitmap, write_shared, write_simplified

SMALL = DataConfig(validation=3, test=5)


@pytest.fixture(scope="module")
def drawings() -> Drawings:
    return generate(24, seed=1)


def same(one: Drawings, other: Drawings) -> bool:
    return one.sha256 == other.sha256


def rows(drawings: Drawings) -> set[bytes]:
    """The bitmaps, to compare sets."""
    return {bitmap.tobytes() for bitmap in drawings.bitmaps}


def test_generated_drawings_are_what_their_seed_makes_them(drawings: Drawings) -> None:
    assert len(drawings) == 24 * len(SHAPES)
    assert {CATEGORIES[label] for label in drawings.labels} == set(SHAPES)
    assert same(drawings, generate(24, seed=1))
    assert not same(drawings, generate(24, seed=2))
    assert drawings.has_strokes.all()
    for index in (0, 100):
        np.testing.assert_array_equal(draw(drawings.strokes(index)), drawings.bitmaps[index])


def test_points_and_strokes_are_each_other_s_inverse(drawings: Drawings) -> None:
    strokes = drawings.strokes(80)
    again = split_points(join_strokes(strokes))
    assert len(again) == len(strokes) == 2  # an envelope
    for one, other in zip(again, strokes, strict=True):
        np.testing.assert_array_equal(one, other)


def test_selecting_keeps_each_drawing_whole(drawings: Drawings) -> None:
    chosen = np.array([200, 3, 3, 77])
    picked = drawings.select(chosen)
    for place, index in enumerate(chosen):
        np.testing.assert_array_equal(picked.bitmaps[place], drawings.bitmaps[index])
        for one, other in zip(picked.strokes(place), drawings.strokes(int(index)), strict=True):
            np.testing.assert_array_equal(one, other)
    assert same(concatenated([drawings, picked]).select(np.arange(len(drawings))), drawings)


def test_repeats_are_found_by_key_id_and_by_bitmap(drawings: Drawings) -> None:
    first = drawings.select(np.arange(10))
    renamed = replace(first, key_ids=first.key_ids + np.uint64(1))
    redrawn = replace(first, bitmaps=first.bitmaps[::-1] // 2)
    assert same(without_repeats(concatenated([first, first])), first)
    assert same(without_repeats(concatenated([first, renamed])), first)
    assert same(without_repeats(concatenated([first, redrawn])), first)
    other = drawings.select(np.arange(10, 20))
    assert len(without_repeats(concatenated([first, other]))) == 20


def test_the_split_is_disjoint_balanced_and_whole(drawings: Drawings) -> None:
    parts = split(drawings, SMALL)
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 16 * 11,
        "validation": 3 * 11,
        "test": 5 * 11,
    }
    for part in parts.values():
        assert len(set(np.bincount(part.labels)[np.unique(part.labels)])) == 1
    sets = [rows(part) for part in parts.values()]
    assert set.union(*sets) == rows(drawings)
    assert sum(map(len, sets)) == len(drawings)


def test_the_split_follows_the_seed_and_the_drawing_alone(drawings: Drawings) -> None:
    parts = split(drawings, SMALL)
    order = np.random.default_rng(0).permutation(len(drawings))
    shuffled = split(drawings.select(order), SMALL)
    for name, part in parts.items():
        assert rows(part) == rows(shuffled[name])
    assert rows(split(drawings, replace(SMALL, seed=5))["test"]) != rows(parts["test"])
    # A drawing that joins moves others down a rank, but from test to training never more than one.
    more = split(concatenated([drawings, generate(1, seed=9)]), SMALL)
    assert len(rows(more["test"]) & rows(parts["test"])) >= 4 * 11


def test_fewer_drawings_are_a_part_of_more(drawings: Drawings) -> None:
    few = split(drawings, replace(SMALL, train=4))
    some = split(drawings, replace(SMALL, train=9))
    assert len(few["train"]) == 4 * 11
    assert rows(few["train"]) < rows(some["train"])
    assert same(few["test"], some["test"])


def test_too_few_drawings_are_refused() -> None:
    with pytest.raises(ValueError, match="category 'circle' has 8 drawings: with 5 to test and 3"):
        split(generate(8, seed=1), SMALL)


def test_simplified_files_are_read(drawings: Drawings, tmp_path: Path) -> None:
    write_simplified(drawings, tmp_path)
    found = load(replace(SMALL, folder=tmp_path))
    expected = split(drawings, SMALL)
    for name in expected:
        assert same(found[name], expected[name])
    # Only so many lines are read; and what was read once is found again.
    limited = load(replace(SMALL, folder=tmp_path, limit=10))
    assert len(limited["train"]) == 2 * 11
    assert len(list(tmp_path.glob("parts-*"))) == 2


def test_numpy_bitmap_files_are_read(drawings: Drawings, tmp_path: Path) -> None:
    write_numpy_bitmap(drawings, tmp_path)
    found = load(replace(SMALL, folder=tmp_path))
    assert set.union(*(rows(part) for part in found.values())) == rows(drawings)
    assert not found["test"].has_strokes.any()
    assert len(found["test"]) == 5 * 11


def test_strokes_win_over_bitmaps_of_the_same_drawings(drawings: Drawings, tmp_path: Path) -> None:
    write_simplified(drawings, tmp_path)
    write_numpy_bitmap(drawings, tmp_path)
    assert load(replace(SMALL, folder=tmp_path))["test"].has_strokes.all()


def test_the_shared_form_is_read(drawings: Drawings, tmp_path: Path) -> None:
    write_shared(drawings, tmp_path, without_strokes=14)
    found = load(replace(SMALL, folder=tmp_path))
    assert set.union(*(rows(part) for part in found.values())) == rows(drawings)
    assert sum(int(part.has_strokes.sum()) for part in found.values()) == len(drawings) - 14
    # What is measured has strokes, also in the category of which some have none.
    assert found["test"].has_strokes.all()
    assert found["validation"].has_strokes.all()
    by_bitmap = {bitmap.tobytes(): index for index, bitmap in enumerate(drawings.bitmaps)}
    for index in (0, 20, 50):
        original = by_bitmap[found["test"].bitmaps[index].tobytes()]
        for one, other in zip(
            found["test"].strokes(index), drawings.strokes(original), strict=True
        ):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("circle.ndjson", "{", "line 1: not a simplified drawing"),
        ("circle.ndjson", '{"key_id": "1", "drawing": []}\n', "line 1: .* the drawing is empty"),
        ("circle.ndjson", '{"key_id": "1", "drawing": [[[1, 2], [3]]]}\n', "line 1: not a"),
        ("circle.ndjson", '{"drawing": [[[1], [3]]]}\n', "line 1: .*key_id"),
        ("circel.ndjson", "", "'circel' is not one of the 345 categories"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, name: str, content: str, words: str) -> None:
    (tmp_path / "simplified").mkdir()
    (tmp_path / "simplified" / name).write_text(content)
    with pytest.raises(ValueError, match=f"{name}.*{words}"):
        load(DataConfig(folder=tmp_path))


def test_broken_bitmaps_are_named(tmp_path: Path) -> None:
    (tmp_path / "numpy_bitmap").mkdir()
    file = tmp_path / "numpy_bitmap" / "circle.npy"
    np.save(file, np.zeros((3, 28, 28), dtype=np.uint8))
    with pytest.raises(ValueError, match=r"circle.npy is not an array uint8 \[N, 784\]"):
        load(DataConfig(folder=tmp_path))
    file.write_bytes(b"no array")
    with pytest.raises(ValueError, match=r"circle.npy is not an array uint8 \[N, 784\]"):
        load(DataConfig(folder=tmp_path))


def test_a_folder_without_drawings_says_how_to_fetch_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no drawings there.*fourcast-train doodle-download"):
        load(DataConfig(folder=tmp_path))


def test_the_shared_data_has_every_category(shared_data: Path) -> None:
    folder = shared_data / "quickdraw"
    if not folder.is_dir():
        pytest.skip(f"no drawings in {folder}")
    parts = load(DataConfig(folder=folder))
    for part in parts.values():
        assert len(np.unique(part.labels)) == 345
    assert parts["test"].has_strokes.all()
    assert len(parts["test"]) == 20 * 345
    assert len(parts["validation"]) == 10 * 345
    known = [part.key_ids[part.key_ids > 0] for part in parts.values()]
    assert len(np.unique(np.concatenate(known))) == sum(map(len, known))
    sets = [rows(part) for part in parts.values()]
    assert len(set.union(*sets)) == sum(map(len, sets))
