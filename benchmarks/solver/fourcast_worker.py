"""Fourcast's solver as a contender; the argument is the memory of its table in mebibytes."""

import sys

from benchmarks.solver.worker import answer_requests
from fourcast_models.connect4.board import parse_moves
from fourcast_models.connect4.solver import Solver

if __name__ == "__main__":
    solver = Solver(table_mebibytes=int(sys.argv[1]))
    answer_requests(parse_moves, solver.score, solver.forget, lambda: solver.nodes)
