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
    """A move and what decided it.

    Attributes:
        column: 0 to 6.
        forced: Whether exact scores left no choice; otherwise the policy chose.
    """

    column: int
    forced: bool


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


def unrefuted(policy: Sequence[float], forced_scores: Sequence[int | None]) -> list[int]:
    """The columns that a shallow search leaves, the most probable first: those of the best score.

    Args:
        policy: Seven probabilities.
        forced_scores: As `choose_with_search` has them.
    """
    best = max(score for score in forced_scores if score is not None)
    columns = [column for column, score in enumerate(forced_scores) if score == best]
    return sorted(columns, key=lambda column: -policy[column])


def choose_with_search(policy: Sequence[float], forced_scores: Sequence[int | None]) -> Choice:
    """The policy's choice among the columns that a shallow exact search has not refuted.

    A forced win is played the shortest way. Columns that lose by force are dropped; if all do, the
    longest resistance is played. The policy chooses between columns that are left or equal.

    Args:
        policy: Seven probabilities.
        forced_scores: Seven scores of the columns, 0 where nothing is forced within the search's
            horizon, `None` where there is no move; at least one is a number.
    """
    # All that do not lose are alike unless one wins: nothing is known of their order.
    kept = unrefuted(policy, forced_scores)
    legal = [score for score in forced_scores if score is not None]
    refuted = len(kept) < len(legal)
    forced = max(legal) != 0 or (refuted and len(kept) == 1)
    return Choice(column=kept[0], forced=forced)
