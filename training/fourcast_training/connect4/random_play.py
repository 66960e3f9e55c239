"""A position of a game of random moves."""

from random import Random

from fourcast_models.connect4.board import EMPTY_BOARD, Board, Status, legal_columns, play, status


def random_position(random: Random, stones: int) -> Board:
    """A position of so many stones (0 to 41) that is not over, from uniformly random moves."""
    while True:
        board = EMPTY_BOARD
        while board.plies < stones and status(board) is Status.IN_PROGRESS:
            board = play(board, random.choice(legal_columns(board)))
        if board.plies == stones and status(board) is Status.IN_PROGRESS:
            return board
