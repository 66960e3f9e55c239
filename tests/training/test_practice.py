"""A network's games against perfect play: who moves how, and which positions are kept."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
import torch

from fourcast_models.connect4 import codec
from fourcast_models.connect4.board import (
    Board,
    Status,
    legal_columns,
    parse_moves,
    play,
    status,
)
from fourcast_models.connect4.book import ILLEGAL, Book
from fourcast_models.connect4.solver import Solver
from fourcast_models.repository import default_repository, read_model
from fourcast_training.connect4 import practice
from fourcast_training.connect4.beginning import beginning
from fourcast_training.connect4.data import DataConfig
from fourcast_training.connect4.dataset import Dataset, read_dataset
from fourcast_training.connect4.games import arrays_of
from fourcast_training.connect4.net import ServedNet
from fourcast_training.connect4.practice import MOST_VISITS, practice_game, practise
from fourcast_training.connect4.presets import PRESETS
from fourcast_training.connect4.random_play import random_position
from fourcast_training.export import run_onnx
from tests.training.running import fourcast_train, run

# A game that goes on for a while, of which no position needs more than milliseconds.
LATE = "22525762534622441115633653"

_MODEL = read_model(default_repository(), "connect4")
PUBLISHED = _MODEL.weights(_MODEL.versions[0]).parent


@pytest.fixture(scope="module")
def solver() -> Solver:
    return Solver(table_mebibytes=64, book=Book.load())


def rightmost(board: Board) -> npt.NDArray[np.float32]:
    policy = np.zeros(7, dtype=np.float32)
    policy[legal_columns(board)[-1]] = 1
    return policy


@pytest.mark.parametrize("network_first", [True, False])
def test_one_side_is_the_network_and_the_other_perfect(
    solver: Solver, *, network_first: bool
) -> None:
    start = parse_moves(LATE)
    game = practice_game(solver, rightmost, Random(1), start, network_first=network_first)
    assert [board.plies for board, _ in game] == list(range(len(LATE), len(LATE) + len(game)))
    for (board, scores), (after, _) in pairwise(game):
        legal = {column: play(board, column) for column in legal_columns(board)}
        column = next(column for column, child in legal.items() if child == after)
        if board.first_to_move is network_first:
            assert column == max(legal)
        else:
            assert scores[column] == max(score for score in scores if score is not None)
        assert scores == solver.column_scores(board)
    last, _ = game[-1]
    assert any(
        status(play(last, column)) is not Status.IN_PROGRESS for column in legal_columns(last)
    )


def test_doubt_plays_second_choices_as_often_as_the_policy_says(solver: Solver) -> None:
    def even(board: Board) -> npt.NDArray[np.float32]:
        policy = np.zeros(7, dtype=np.float32)
        policy[list(legal_columns(board))] = 1
        policy /= policy.sum()
        return policy

    start = parse_moves(LATE)
    random = Random(2)
    firsts = []
    for _ in range(400):
        game = practice_game(solver, even, random, start, network_first=start.first_to_move)
        firsts.append(game[1][0] != play(start, legal_columns(start)[0]))
    others = len(legal_columns(start)) - 1
    expected = practice.DOUBT * others / (others + 1)
    assert abs(np.mean(firsts) - expected) < 0.05


def test_games_of_the_published_network_are_kept_but_for_what_is_measured(tmp_path: Path) -> None:
    model = read_model(default_repository(), "connect4")
    network = model.weights(model.versions[0]).read_bytes()
    config = DataConfig(jobs=1)
    all_of_them = practise(network, 2, 3, tmp_path, config, np.zeros(0, np.int64))
    # Two games, one of them from the empty board at this seed: the book's positions are kept, too.
    assert all_of_them.plies.min() == 0
    fresh = Solver(table_mebibytes=64)
    for number in np.flatnonzero(all_of_them.plies >= 24):
        board = Board(int(all_of_them.mover[number]), int(all_of_them.occupied[number]))
        scores = [ILLEGAL if one is None else one for one in fresh.column_scores(board)]
        assert scores == all_of_them.scores[number].tolist()

    keys = all_of_them.positions.canonical_keys
    kept = practise(network, 2, 3, tmp_path, config, keys[::2])
    assert not np.isin(kept.positions.canonical_keys, keys[::2]).any()
    assert set(keys[1::2]) - set(keys[::2]) == set(kept.positions.canonical_keys)
    # The finished part was read, not played again.
    assert len(list(tmp_path.glob("practice-*/*"))) == 1


def test_a_position_of_many_games_stands_there_as_often_as_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    positions = [parse_moves(LATE), parse_moves(LATE[:-1])]
    part = {
        "mover": np.array([one.mover for one in positions for _ in range(MOST_VISITS + 5)]),
        "occupied": np.array([one.occupied for one in positions for _ in range(MOST_VISITS + 5)]),
        "scores": np.zeros((2 * MOST_VISITS + 10, 7), np.int8),
    }
    monkeypatch.setattr(practice, "run_parts", lambda *_, **__: [part])
    kept: Dataset = practise(b"", 1, 0, tmp_path, DataConfig(), np.zeros(0, np.int64))
    _, counts = np.unique(kept.occupied, return_counts=True)
    assert counts.tolist() == [MOST_VISITS, MOST_VISITS]


def test_a_run_that_begins_with_another_learns_from_the_games_of_both(tmp_path: Path) -> None:
    data = "--data.train 400 --data.validation 100 --data.test 100 --data.first-ply 28"
    options = f"connect4 --preset smoke {data} --loop.epochs 1 --loop.device cpu"
    first = run(fourcast_train(f"{options} --no-publish --folder first"), tmp_path)
    assert first.returncode == 0, first.stderr
    # As if this one had learnt from a game already.
    game = practice_game(Solver(), rightmost, Random(1), parse_moves(LATE), network_first=True)
    earlier = arrays_of([game])
    np.savez_compressed(tmp_path / "first" / "practice.npz", allow_pickle=False, **earlier)
    begun = f"{options} --practice-games 2 --begin-with first --folder second"
    second = run(fourcast_train(begun), tmp_path)
    assert second.returncode == 0, second.stderr

    practice_of_both = read_dataset(tmp_path / "second" / "practice.npz")
    more, new = len(practice_of_both.plies), len(practice_of_both.plies) - len(game)
    assert new > 0
    assert np.array_equal(practice_of_both.mover[: len(game)], earlier["mover"])
    assert f"{more} positions of its games, {new} of them new" in second.stderr
    model = read_model(tmp_path / "runs" / "connect4-smoke" / "repository", "connect4")
    card = (model.folder / "README.md").read_text()
    assert "It began as an earlier network, `first`." in card
    assert f"{more} more, for training alone" in card
    assert f"- practice: `{practice_of_both.sha256}`" in card


def test_a_published_version_is_begun_with_as_it_answers() -> None:
    network = beginning(replace(PRESETS["practised"], begin_with=PUBLISHED)).eval()
    boards = [random_position(Random(seed), seed % 36) for seed in range(200)]
    planes = codec.encode(boards)
    with torch.inference_mode():
        policy = ServedNet(network, mirrors=True)(torch.from_numpy(planes))[0].numpy()
    expected = run_onnx(PUBLISHED / "model.onnx", {codec.BOARD.name: planes})[codec.POLICY.name]
    assert np.abs(policy - expected).mean() < 0.005
    # Columns that are as good as each other may change places.
    assert (policy.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.9
    assert np.abs(expected - 1 / 7).mean() > 0.1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (f"--begin-with {PUBLISHED}", f"{PUBLISHED} is none of --architecture residual"),
        ("--loop.epochs 0", "name it with --begin-with"),
        ("--easy-share 0", "--easy-share is 0, but must be above 0"),
        ("--begin-with nothing", "nothing/checkpoint.pt is not there"),
        ("--begin-with other", "--begin-with: the network in other is none of"),
    ],
)
def test_what_cannot_be_begun_with_is_refused_before_labelling(
    tmp_path: Path, options: str, words: str
) -> None:
    (tmp_path / "other").mkdir()
    checkpoint = {"progress": {"best_weights": {"policy.weight": torch.zeros(7, 3)}}}
    torch.save(checkpoint, tmp_path / "other" / "checkpoint.pt")
    done = run(fourcast_train(f"connect4 --preset smoke {options}"), tmp_path)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()
