"""What a network gets wrong: the positions in which its move gives a win or a draw away."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fourcast_models.connect4.board import CELLS, Board, format_grid
from fourcast_models.connect4.book import ILLEGAL
from fourcast_models.connect4.solver import HIGHEST_SCORE
from fourcast_training.connect4.dataset import Dataset

SHOWN = 3

BANDS = ((0, 13), (14, 20), (21, 27), (28, 34), (35, 41))
"""Stones on the board, from and to."""

BALANCED = 2
"""A position is called balanced if its score is from minus to plus this: a draw, or a win with one
of the last stones."""

DEPTHS = (8, 16)
"""Plies until the end of perfect play: at most the first, at most the second, or more."""

STONES = {"1": "●", "2": "○", ".": "·"}

TEXT = """\
A mistake is a move that gives a win or a draw away. *Balanced*: the best score is from \
-{balanced} to {balanced}, a draw or a win with one of the last stones, which zugzwang decides. \
*Depth*: plies until the end of perfect play.

| stones | positions | mistakes | of them balanced | depth to {near} | {middle} to {far} | more |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}

{boards}"""


@dataclass(frozen=True)
class Mistakes:
    """Which positions of N are mistaken.

    Attributes:
        wrong: Whether the most probable column gives a win or a draw away, bool [N].
        balanced: Whether the position is balanced, bool [N].
        depth: Plies until the end of perfect play, int64 [N].
        chosen: The most probable column, 0 to 6, int64 [N].
    """

    wrong: npt.NDArray[np.bool_]
    balanced: npt.NDArray[np.bool_]
    depth: npt.NDArray[np.int64]
    chosen: npt.NDArray[np.int64]


def find_mistakes(policy: npt.NDArray[np.float32], dataset: Dataset) -> Mistakes:
    """Compare a policy, float32 [N, 7] with 0 on full columns, with exact scores."""
    scores = dataset.scores.astype(np.int64)
    best = np.where(scores == ILLEGAL, -CELLS, scores).max(axis=1)
    chosen = policy.argmax(axis=1)
    played = np.take_along_axis(scores, chosen[:, None], axis=1)[:, 0]
    own = np.bitwise_count(dataset.mover).astype(np.int64)
    stones_of_winner = HIGHEST_SCORE + 4 - np.abs(best)
    to_win, to_lose = 2 * (stones_of_winner - own) - 1, 2 * (stones_of_winner - dataset.plies + own)
    return Mistakes(
        wrong=np.sign(played) != np.sign(best),
        balanced=np.abs(best) <= BALANCED,
        depth=np.where(best > 0, to_win, np.where(best < 0, to_lose, CELLS - dataset.plies)),
        chosen=chosen,
    )


def describe_mistakes(policy: npt.NDArray[np.float32], dataset: Dataset) -> str:
    """Mistakes by stones, balance and depth, and the surest of them as boards, in Markdown."""
    found = find_mistakes(policy, dataset)
    near, far = DEPTHS
    rows = []
    for first, last in BANDS:
        here = (dataset.plies >= first) & (dataset.plies <= last)
        wrong = here & found.wrong
        counts = (
            here,
            wrong,
            wrong & found.balanced,
            wrong & (found.depth <= near),
            wrong & (found.depth > near) & (found.depth <= far),
            wrong & (found.depth > far),
        )
        cells = " | ".join(str(int(count.sum())) for count in counts)
        rows.append(f"| {first} to {last} | {cells} |")
    surest = np.argsort(-policy.max(axis=1) * found.wrong, kind="stable")[:SHOWN]
    boards = [_board(policy[n], dataset, n, found) for n in surest if found.wrong[n]]
    return TEXT.format(
        balanced=BALANCED,
        near=near,
        middle=near + 1,
        far=far,
        rows="\n".join(rows),
        boards="\n\n".join(boards) or "There are none to show.",
    )


def _board(
    policy: npt.NDArray[np.float32], dataset: Dataset, number: np.intp, found: Mistakes
) -> str:
    """A position with the scores of its columns, and what the network would play."""
    board = Board(mover=int(dataset.mover[number]), occupied=int(dataset.occupied[number]))
    lines = [
        "".join(f"{STONES[stone]:>4}" for stone in row) for row in format_grid(board).split("\n")
    ]
    lines.append("".join(f"{column:>4}" for column in range(1, 8)))
    row = [int(score) for score in dataset.scores[number]]
    lines.append("".join("    " if s == ILLEGAL else f"{s:>+4}" if s else "   0" for s in row))
    chosen = int(found.chosen[number])
    mover = STONES["1" if board.first_to_move else "2"]
    drawn = "\n".join(f"    {line}" for line in lines)
    return (
        f"{mover} is to move. The network plays column {chosen + 1} ({policy[chosen]:.0%} sure), "
        f"whose score is {row[chosen]}; the best score is {max(row)}.\n\n{drawn}"
    )
