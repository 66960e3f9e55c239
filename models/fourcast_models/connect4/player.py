"""How a move is chosen from what is known about a position: pure functions, no search of their own.

Columns are 0 to 6; a policy is seven probabilities, one for each column; scores are seven, `None`
for a column that may not be played, in the solver's convention (positive wins, 0 draws).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fourcast_models.connect4.board import COLUMNS

_HORIZONS = ((22, 20), (20, 16), (14, 14), (0, 12))
"""From how many stones on, and how far the search sees: nine of ten take less than 10 ms."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a shallow search leaves to choose from.

    Attributes:
        columns: Those of the best score, 0 to 6, the most probable first.
        forced: Whether exact scores left no choice; otherwise the policy chose.
    """

    columns: tuple[int, ...]
    forced: bool

    @property
    def column(self) -> int:
        """The move."""
        return self.columns[0]


def search_horizon(plies: int) -> int:
    """How many plies ahead the exact search of `choose_with_search` sees forced ends.

    Args:
        plies: Stones on the board, 0 to 41; from 22 on it sees to the end.
    """
    return next(horizon for stones, horizon in _HORIZONS if plies >= stones)


def most_probable(policy: Sequence[float], columns: Iterable[int]) -> int:
    """The column with the highest probability, the leftmost of several."""
    return max(columns, key=lambda column: policy[column])


def best_column(scores: Sequence[int | None]) -> int:
    """The column with the highest of seven scores, the most central of several, the left of two.

    At least one score must be a number.
    """
    legal = {column: score for column, score in enumerate(scores) if score is not None}
    return max(legal, key=lambda column: (legal[column], -abs(column - COLUMNS // 2)))


def choose_with_search(policy: Sequence[float], forced_scores: Sequence[int | None]) -> Choice:
    """The policy's choice among the columns that a shallow exact search has not refuted.

    A forced win is played the shortest way. Columns that lose by force are dropped; if all do, the
    longest resistance is played. The policy chooses between columns that are left or equal.

    Args:
        policy: Seven probabilities.
        forced_scores: Seven scores of the columns, 0 where nothing is forced within the search's
            horizon, `None` where there is no move; at least one is a number.
    """
    legal = {column: score for column, score in enumerate(forced_scores) if score is not None}
    best = max(legal.values())
    # All that do not lose are alike unless one wins: nothing is known of their order.
    kept = [column for column, score in legal.items() if score == best]
    forced = best != 0 or len(kept) == 1 < len(legal)
    return Choice(tuple(sorted(kept, key=lambda column: -policy[column])), forced)
