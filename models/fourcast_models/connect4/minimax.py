"""Minimax as a textbook has it: the definition that the fast `solver` must agree with.

No pruning, no table, no order: the score of a position is the best that the side to move can reach
when the opponent does the same. Good for the last dozen plies; the tests compare it with `solver`.
"""

from fourcast_models.connect4.board import Board, Status, legal_columns, play, status

MOST_STONES = 21
"""Stones that each player has."""


def score(board: Board) -> int:
    """The exact score for the side to move.

    0 is a draw; a win scores 22 minus the number of stones that the winner will have played, 1 to
    18; a loss is minus the score of the opponent.
    """
    if status(board) is Status.DRAW:
        return 0
    if status(board) is not Status.IN_PROGRESS:
        stones_of_winner = board.opponent.bit_count()
        return -(MOST_STONES + 1 - stones_of_winner)
    return max(-score(play(board, column)) for column in legal_columns(board))
