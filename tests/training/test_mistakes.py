"""What a network gets wrong, counted and drawn; and public sets that it is measured on."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fourcast_models.connect4.board import Board, legal_columns, parse_moves, play
from fourcast_models.connect4.book import ILLEGAL
from fourcast_models.connect4.solver import Solver
from fourcast_training.connect4.data import DataConfig
from fourcast_training.connect4.dataset import Dataset
from fourcast_training.connect4.evaluate import measure
from fourcast_training.connect4.minimax_steps import Effort, alpha_beta
from fourcast_training.connect4.mistakes import describe_mistakes, find_mistakes
from fourcast_training.connect4.position_sets import read_position_sets
from fourcast_training.lessons.minimax import random_positions


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Positions of 26 and of 36 stones with the exact scores of all columns."""
    solver = Solver(table_mebibytes=1)
    boards = [board for stones in (26, 36) for board in random_positions(stones, 40)]
    rows = [
        [ILLEGAL if score is None else score for score in solver.column_scores(board)]
        for board in boards
    ]
    return Dataset(
        mover=np.array([board.mover for board in boards]),
        occupied=np.array([board.occupied for board in boards]),
        scores=np.array(rows, dtype=np.int8),
    )


def worst_policy(dataset: Dataset) -> npt.NDArray[np.float32]:
    """All trust in the column with the worst score."""
    worst = np.where(dataset.scores == ILLEGAL, 99, dataset.scores).argmin(axis=1)
    policy: npt.NDArray[np.float32] = np.eye(7, dtype=np.float32)[worst]
    return policy


def test_mistakes_are_those_that_the_figures_count(dataset: Dataset) -> None:
    policy = worst_policy(dataset)
    found = find_mistakes(policy, dataset)
    figures = measure(policy, dataset)
    assert found.wrong.sum() == figures.positions - figures.keeping > 0
    best = np.eye(7, dtype=np.float32)[dataset.scores.argmax(axis=1)]
    assert find_mistakes(best, dataset).wrong.sum() == 0


def test_depth_is_the_length_of_perfect_play(dataset: Dataset) -> None:
    solver = Solver(table_mebibytes=1)
    found = find_mistakes(worst_policy(dataset), dataset)
    for number, depth in enumerate(found.depth):
        board = Board(mover=int(dataset.mover[number]), occupied=int(dataset.occupied[number]))
        assert solver.analyze(board).distance == depth


def test_the_table_adds_up_and_boards_are_drawn(dataset: Dataset) -> None:
    policy = worst_policy(dataset)
    found = find_mistakes(policy, dataset)
    text = describe_mistakes(policy, dataset)
    rows = {
        cells[0]: [int(cell) for cell in cells[1:]]
        for line in text.splitlines()
        if (cells := [cell.strip() for cell in line.strip("|").split("|")])[0][:1].isdigit()
        and len(cells) == 7
    }
    assert [rows[band][0] for band in ("21 to 27", "35 to 41")] == [40, 40]
    for positions, mistakes, balanced, *depths in rows.values():
        assert balanced <= mistakes <= positions
        assert sum(depths) == mistakes
    assert sum(row[1] for row in rows.values()) == found.wrong.sum()
    assert text.count("is to move. The network plays column") == 3
    drawings = [line for line in text.splitlines() if line.startswith("    ")]
    assert len(drawings) == 3 * 8
    stones = "".join(drawings[:6])
    number = int(np.flatnonzero(found.wrong)[0])
    assert stones.count("●") + stones.count("○") == dataset.plies[number]


def test_without_mistakes_nothing_is_drawn(dataset: Dataset) -> None:
    best = np.eye(7, dtype=np.float32)[dataset.scores.argmax(axis=1)]
    assert describe_mistakes(best, dataset).endswith("There are none to show.")


LATE = "1624257511665611571467457732225764"


def test_public_sets_are_labelled_and_checked(tmp_path: Path) -> None:
    sets = tmp_path / "sets"
    sets.mkdir()
    positions = [parse_moves(LATE[:length]) for length in (31, 33, 34)]
    scores = [alpha_beta(board, Effort()) for board in positions]
    lines = [f"{LATE[:n]} {score}" for n, score in zip((31, 33, 34), scores, strict=True)]
    (sets / "Test_L3_R1.txt").write_text("\n".join(lines) + "\n")
    config = DataConfig(folder=tmp_path / "data", jobs=1)
    (name, one), *others = read_position_sets(sets, config).items()
    assert (name, others) == ("Test_L3_R1", [])
    for board, row in zip(positions, one.scores, strict=True):
        for column in legal_columns(board):
            assert row[column] == -alpha_beta(play(board, column), Effort())
    lines[1] = f"{LATE[:33]} {scores[1] + 1}"
    (sets / "Test_L3_R1.txt").write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match=r"line 2: the score is .* but the solver says"):
        read_position_sets(sets, config)
    (sets / "Test_L3_R1.txt").write_text("448 1\n")
    with pytest.raises(ValueError, match="line 1 is no"):
        read_position_sets(sets, config)
    with pytest.raises(ValueError, match="holds no Test_"):
        read_position_sets(tmp_path, config)
