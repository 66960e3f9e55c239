"""The figures of a policy, on scores small enough to count by hand."""

import numpy as np
import numpy.typing as npt
import pytest

from fourcast_models.connect4.book import ILLEGAL
from fourcast_training.connect4.dataset import Dataset
from fourcast_training.connect4.evaluate import Figures, measure, measure_by_ply, table

SCORES = [
    # Column 3 wins fastest, 1 slower; 2 draws, the others lose.
    [2, 0, 5, -1, -2, -3, -3],
    # All win.
    [1, 1, 2, 1, 1, 1, 1],
    # All lose; column 4 last of all.
    [-5, -5, -5, -2, -5, -5, -5],
    # Column 4 draws, others lose or are full.
    [ILLEGAL, ILLEGAL, -3, 0, -4, ILLEGAL, -4],
    # A single column, which loses.
    [ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, -1],
]
STONES = [10, 10, 11, 30, 41]


@pytest.fixture
def dataset() -> Dataset:
    occupied = np.array([(1 << stones) - 1 for stones in STONES], dtype=np.int64)
    return Dataset(np.zeros_like(occupied), occupied, np.array(SCORES, dtype=np.int8))


def policy_for(*columns: int) -> npt.NDArray[np.float32]:
    """A policy that finds these columns (1 to 7) most probable, one for each position."""
    policy = np.full((len(columns), 7), 0.1, dtype=np.float32)
    policy[np.arange(len(columns)), np.array(columns) - 1] = 0.4
    return policy


@pytest.mark.parametrize(
    ("columns", "keeping", "optimal", "differing_keeping", "differing_optimal"),
    [
        ((3, 3, 4, 4, 7), 5, 5, 2, 2),
        ((1, 1, 1, 4, 7), 5, 2, 2, 1),
        ((2, 3, 4, 3, 7), 3, 3, 0, 0),
        ((4, 2, 7, 7, 7), 3, 1, 0, 0),
    ],
)
def test_figures_by_hand(
    dataset: Dataset,
    columns: tuple[int, ...],
    keeping: int,
    optimal: int,
    differing_keeping: int,
    differing_optimal: int,
) -> None:
    # Columns differ in value in the first and the fourth position.
    expected = Figures(5, keeping, optimal, 2, differing_keeping, differing_optimal)
    assert measure(policy_for(*columns), dataset) == expected


def test_shares_divide_the_counts() -> None:
    shares = Figures(8, 6, 4, 2, 1, 0).shares()
    assert shares == {
        "value_keeping": 0.75,
        "score_optimal": 0.5,
        "value_keeping_where_columns_differ": 0.5,
        "score_optimal_where_columns_differ": 0,
    }
    assert set(Figures(0, 0, 0, 0, 0, 0).shares().values()) == {0}


def test_plies_are_told_apart_and_add_up(dataset: Dataset) -> None:
    policy = policy_for(2, 3, 4, 4, 7)
    by_ply = measure_by_ply(policy, dataset)
    assert by_ply == {
        10: Figures(2, 1, 1, 1, 0, 0),
        11: Figures(1, 1, 1, 0, 0, 0),
        30: Figures(1, 1, 1, 1, 1, 1),
        41: Figures(1, 1, 1, 0, 0, 0),
    }
    over_all = measure(policy, dataset)
    for field in ("positions", "keeping", "optimal", "differing", "differing_optimal"):
        assert sum(getattr(row, field) for row in by_ply.values()) == getattr(over_all, field)


def test_the_table_is_markdown() -> None:
    text = table({"all": Figures(8, 6, 4, 2, 1, 0), "41": Figures(1, 1, 1, 0, 0, 0)}, "stones")
    lines = text.splitlines()
    assert lines[0].startswith("| stones | positions | value-keeping | score-optimal |")
    assert lines[2] == "| all | 8 | 75.00% | 50.00% | 2 | 50.00% | 0.00% |"
    assert lines[3] == "| 41 | 1 | 100.00% | 100.00% | 0 | - | - |"
    assert len({line.count("|") for line in lines}) == 1
