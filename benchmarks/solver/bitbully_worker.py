"""BitBully without a book as a contender; the argument is the method. Runs in its environment.

Its compiled core is asked directly, without the Python class around it.
"""

import sys

from bitbully.bitbully_core import BitBullyCore, BoardCore

from benchmarks.solver.worker import answer_requests


def parse(moves: str) -> BoardCore:
    """A position.

    Raises:
        ValueError: If BitBully refuses the moves.
    """
    board = BoardCore()
    if not board.setBoard([int(column) - 1 for column in moves]):
        raise ValueError(f"BitBully refuses {moves}")
    return board


if __name__ == "__main__":
    core = BitBullyCore()
    methods = {"null-window": core.nullWindow, "mtdf": lambda board: core.mtdf(board, 0)}
    answer_requests(parse, methods[sys.argv[1]], core.resetTranspositionTable, core.getNodeCounter)
