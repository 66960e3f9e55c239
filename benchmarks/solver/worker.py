"""What a process does that solves positions for the benchmark: read, solve, say how long it took.

A request is a line of JSON, a list of positions as moves; the answer is one with the processor
seconds of solving them, the nodes searched and the scores. Imports nothing that is not everywhere.
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from typing import Any, TypedDict

WARM_UP = (
    "25523546515174",
    "352264575446722627",
    "717734564674467542311242",
    "623526732326466115336242143754",
)
"""Solved before anything is measured: memory is touched, code is there."""


class Answer(TypedDict):
    """What one request gets.

    seconds: Processor time of this process. nodes: As the solver counts them. scores: In the order
    of the positions.
    """

    seconds: float
    nodes: int
    scores: list[int]


def answer_requests(
    parse: Callable[[str], Any],
    score: Callable[[Any], int],
    forget: Callable[[], object],
    nodes: Callable[[], int],
) -> None:
    """Serve until standard input closes.

    Args:
        parse: A position from its moves; not measured.
        score: Solves one; this is measured, the call included.
        forget: Empties the solver's table; done before each request.
        nodes: Nodes searched so far.
    """
    for moves in WARM_UP:
        score(parse(moves))
    gc.disable()
    for line in sys.stdin:
        positions = [parse(moves) for moves in json.loads(line)]
        forget()
        nodes_before = nodes()
        start = time.process_time()
        scores = [score(position) for position in positions]
        seconds = time.process_time() - start
        answer = Answer(seconds=seconds, nodes=nodes() - nodes_before, scores=scores)
        print(json.dumps(answer), flush=True)
