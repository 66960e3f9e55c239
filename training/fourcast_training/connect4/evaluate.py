"""How well a policy plays, measured against the exact scores.

Two questions about the column that a policy finds most probable: does it *keep the value* (a won
position stays won, a drawn one drawn; in a lost one every move does), and is it *score-optimal*
(the fastest win, the slowest loss)? Both again on the positions *where columns differ in value*,
the only ones in which a move can spoil something.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fourcast_models.connect4.board import CELLS
from fourcast_models.connect4.book import ILLEGAL
from fourcast_training.connect4.dataset import Dataset


@dataclass(frozen=True)
class Figures:
    """Counts over a set of positions.

    Attributes:
        positions: How many there are.
        keeping: Of these, where the chosen column keeps the game-theoretic value.
        optimal: Of these, where it has the best score.
        differing: Positions in which columns differ in value.
        differing_keeping: Of those, where the chosen column keeps the value.
        differing_optimal: Of those, where it has the best score.
    """

    positions: int
    keeping: int
    optimal: int
    differing: int
    differing_keeping: int
    differing_optimal: int

    def shares(self) -> dict[str, float]:
        """The counts as shares, 0 to 1; 0 where there is nothing to count."""
        return {
            "value_keeping": self.keeping / max(self.positions, 1),
            "score_optimal": self.optimal / max(self.positions, 1),
            "value_keeping_where_columns_differ": self.differing_keeping / max(self.differing, 1),
            "score_optimal_where_columns_differ": self.differing_optimal / max(self.differing, 1),
        }


def keeping_columns(dataset: Dataset) -> npt.NDArray[np.bool_]:
    """Of N positions, the columns that keep the value, bool [N, 7]; no full one does."""
    scores = dataset.scores.astype(np.int64)
    legal = scores != ILLEGAL
    best = np.where(legal, scores, -CELLS).max(axis=1, keepdims=True)
    keeping: npt.NDArray[np.bool_] = legal & (np.sign(scores) == np.sign(best))
    return keeping


def measure(policy: npt.NDArray[np.float32], dataset: Dataset) -> Figures:
    """Figures of a policy, float32 [N, 7] with 0 on full columns, over a dataset of N positions."""
    scores = dataset.scores.astype(np.int64)
    legal = scores != ILLEGAL
    best = np.where(legal, scores, -CELLS).max(axis=1)
    worst = np.where(legal, scores, CELLS).min(axis=1)
    chosen = policy.argmax(axis=1)[:, None]
    keeping = np.take_along_axis(keeping_columns(dataset), chosen, axis=1)[:, 0]
    optimal = np.take_along_axis(scores, chosen, axis=1)[:, 0] == best
    differing = np.sign(best) != np.sign(worst)
    return Figures(
        positions=len(scores),
        keeping=int(keeping.sum()),
        optimal=int(optimal.sum()),
        differing=int(differing.sum()),
        differing_keeping=int((keeping & differing).sum()),
        differing_optimal=int((optimal & differing).sum()),
    )


def measure_by_ply(policy: npt.NDArray[np.float32], dataset: Dataset) -> dict[int, Figures]:
    """Figures for each number of stones that occurs."""
    plies = dataset.plies
    return {
        int(ply): measure(policy[plies == ply], dataset.select(plies == ply))
        for ply in np.unique(plies)
    }


def measure_parts(
    policy: npt.NDArray[np.float32], dataset: Dataset, parts: Mapping[str, slice]
) -> dict[str, Figures]:
    """Figures over all positions and over each part of them, by its name."""
    return {"all": measure(policy, dataset)} | {
        name: measure(policy[part], dataset.select(part)) for name, part in parts.items()
    }


def table(rows: Mapping[str, Figures], first_column: str) -> str:
    """The figures as a table in Markdown, shares in per cent."""
    header = (
        f"| {first_column} | positions | value-keeping | score-optimal "
        "| positions where columns differ | value-keeping there | score-optimal there |"
    )
    lines = [header, "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for name, figures in rows.items():
        keeping, optimal, differing_keeping, differing_optimal = figures.shares().values()
        there = (
            f"{differing_keeping:.2%} | {differing_optimal:.2%}" if figures.differing else "- | -"
        )
        lines.append(
            f"| {name} | {figures.positions} | {keeping:.2%} | {optimal:.2%} "
            f"| {figures.differing} | {there} |"
        )
    return "\n".join(lines)
