"""From the ten-line minimax to the solver, one idea at a time: searches to read, not to play with.

Every function returns the exact score of a position for the side to move (`fourcast_models.connect4
.solver` says what scores mean), or, if it takes a window (alpha, beta), the score where it lies
inside, and otherwise a bound on the same side of it. Each counts the positions that it looks at.
The last step, `compiled`, is these ideas and some more, compiled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fourcast_models.connect4.board import (
    CELLS,
    COLUMNS,
    FULL_BOARD,
    Board,
    Status,
    column_mask,
    key,
    legal_columns,
    play,
    playable_cells,
    status,
)
from fourcast_models.connect4.kernel import HALF, winning_cells
from fourcast_models.connect4.solver import CENTRE_FIRST, Solver, finished_score

LEFT_TO_RIGHT = tuple(range(COLUMNS))


@dataclass
class Effort:
    """What a search costs and what it remembers.

    Attributes:
        nodes: Positions looked at.
        bounds: Lower and upper bounds of scores by `board.key`.
    """

    nodes: int = 0
    bounds: dict[int, tuple[int, int]] = field(default_factory=dict)


def minimax(board: Board, effort: Effort) -> int:
    """The definition: the best that the side to move can reach if the opponent does the same."""
    effort.nodes += 1
    if status(board) is not Status.IN_PROGRESS:
        return finished_score(board)
    return max(-minimax(play(board, column), effort) for column in legal_columns(board))


def alpha_beta(
    board: Board,
    effort: Effort,
    order: Sequence[int] = LEFT_TO_RIGHT,
    alpha: int = -HALF,
    beta: int = HALF,
) -> int:
    """A reply that refutes a move is enough: the other replies need not be looked at.

    (D. Knuth and R. Moore, An Analysis of Alpha-Beta Pruning, 1975.) The better the order, the
    sooner a refutation is found: `order` is that of the columns.
    """
    effort.nodes += 1
    if status(board) is not Status.IN_PROGRESS:
        return finished_score(board)
    legal = legal_columns(board)
    best = -HALF
    for column in order:
        if column in legal:
            score = -alpha_beta(play(board, column), effort, order, -beta, -max(alpha, best))
            best = max(best, score)
            if best >= beta:
                break
    return best


def centre_first(board: Board, effort: Effort) -> int:
    """The same, middle columns first: more lines of four go through them."""
    return alpha_beta(board, effort, CENTRE_FIRST)


def remembering(board: Board, effort: Effort, alpha: int = -HALF, beta: int = HALF) -> int:
    """Moves in another order lead to the same position: remember what was found about it.

    What is remembered is a bound, because a search with a window finds no more.
    """
    effort.nodes += 1
    if status(board) is not Status.IN_PROGRESS:
        return finished_score(board)
    lower, upper = effort.bounds.get(key(board), (-HALF, HALF))
    alpha, beta = max(alpha, lower), min(beta, upper)
    if alpha >= beta:
        return alpha
    legal = legal_columns(board)
    best = -HALF
    for column in CENTRE_FIRST:
        if column in legal:
            best = max(best, -remembering(play(board, column), effort, -beta, -max(alpha, best)))
            if best >= beta:
                break
    _remember(effort, board, best, alpha, beta)
    return best


def careful(
    board: Board,
    effort: Effort,
    alpha: int = -HALF,
    beta: int = HALF,
    *,
    threats_first: bool = False,
) -> int:
    """Look before searching: win at once, parry, and never play below a cell that loses.

    What is left are positions that nobody wins with the next stone, so the score has bounds before
    anything is searched. With `threats_first`, moves that make more winning cells come first.
    """
    effort.nodes += 1
    stones = board.plies
    if stones == CELLS:
        return 0
    empty, playable = FULL_BOARD ^ board.occupied, playable_cells(board)
    if winning_cells(board.mover, empty) & playable:
        return HALF - (board.mover.bit_count() + 1)
    opponent_wins = winning_cells(board.opponent, empty)
    threats = opponent_wins & playable
    moves = (threats or playable) & ~(opponent_wins >> 1)
    if moves == 0 or threats & (threats - 1):
        return board.opponent.bit_count() + 1 - HALF
    lower, upper = effort.bounds.get(key(board), (-HALF, HALF))
    # The earliest loss and the earliest win are two stones away, if there is room for them.
    alpha = max(alpha, lower, min(0, board.opponent.bit_count() + 2 - HALF))
    beta = min(beta, upper, max(0, HALF - (board.mover.bit_count() + 2)))
    if alpha >= beta:
        return alpha
    cells = [moves & column_mask(column) for column in CENTRE_FIRST]
    cells = [cell for cell in cells if cell]
    if threats_first:
        cells.sort(key=lambda cell: -winning_cells(board.mover | cell, empty ^ cell).bit_count())
    best = -HALF
    for cell in cells:
        child = Board(mover=board.opponent, occupied=board.occupied | cell)
        score = -careful(child, effort, -beta, -max(alpha, best), threats_first=threats_first)
        best = max(best, score)
        if best >= beta:
            break
    _remember(effort, board, best, alpha, beta)
    return best


def null_windows(board: Board, effort: Effort, *, threats_first: bool = False) -> int:
    """Ask only "more than this?", and halve the range of scores until one is left.

    A window without room cuts off most, and what one question finds out helps with the next.
    """
    if status(board) is not Status.IN_PROGRESS:
        return finished_score(board)
    low, high = -HALF, HALF
    while low < high:
        middle = (low + high) // 2
        score = careful(board, effort, middle, middle + 1, threats_first=threats_first)
        if score <= middle:
            high = score
        else:
            low = score
    return low


def threats_first(board: Board, effort: Effort) -> int:
    """The same, moves that make more winning cells first."""
    return null_windows(board, effort, threats_first=True)


def compiled(solver: Solver) -> Callable[[Board, Effort], int]:
    """The solver itself as a step. Its table stays as it is from one position to the next."""

    def score(board: Board, effort: Effort) -> int:
        before = solver.nodes
        found = solver.score(board)
        effort.nodes += solver.nodes - before
        return found

    return score


def _remember(effort: Effort, board: Board, best: int, alpha: int, beta: int) -> None:
    lower, upper = effort.bounds.get(key(board), (-HALF, HALF))
    if best > alpha:
        lower = max(lower, best)
    if best < beta:
        upper = min(upper, best)
    effort.bounds[key(board)] = lower, upper
