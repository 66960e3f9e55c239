"""Compute the opening book, or verify it: exact scores of every position of the first plies.

Only the last ply is searched. Every earlier position follows from its children: playing a column
scores minus the best score of the position it leads to.
"""

import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import tyro

from fourcast_models.connect4.board import (
    COLUMNS,
    EMPTY_BOARD,
    Board,
    Status,
    canonical_key,
    key,
    legal_columns,
    mirror,
    play,
    status,
)
from fourcast_models.connect4.book import BOOK_FILE, ILLEGAL, Book
from fourcast_models.connect4.solver import Solver, finished_score
from fourcast_training.connect4.verify_book import verify
from fourcast_training.files import write_atomically
from fourcast_training.parallel import Arrays, Backend, run_parts

log = logging.getLogger(__name__)

POSITIONS_PER_PART = 100


@dataclass(frozen=True)
class BookConfig:
    """Compute the opening book (exact scores of every position of the first plies), or check it."""

    verify: bool = False
    """Only check the book in `output`: that it is complete and that its scores agree."""

    sample: int = 0
    """With --verify: how many random positions to solve again without a book. Each takes seconds,
    or a minute if there are few stones."""

    seed: int = 1
    """With --verify: which positions those are."""

    plies: int = 8
    """Positions of up to this many stones. Eight take hours, and each further ply about three times
    as long."""

    output: Path = BOOK_FILE
    """Where the book goes; the default is the one that the service and the labels use."""

    work: Path = Path("runs/connect4-book")
    """Where finished parts are kept; a killed run continues from them."""

    jobs: int = -1
    """Processes; -1 is one for each core."""

    backend: Backend = "processes"
    """`processes` of this machine, or the workers of a `ray` cluster: the one that RAY_ADDRESS
    names, otherwise one that is started here."""

    table_mebibytes: int = 128
    """Memory of each process's transposition table, a power of two. More saves few nodes."""


def main(args: list[str] | None = None) -> None:
    """``fourcast-train connect4-book``."""
    config = tyro.cli(BookConfig, args=args, prog="fourcast-train connect4-book")
    if config.verify:
        _verify(config)
        return
    book = build(config)
    write_atomically(
        config.output,
        lambda stream: np.savez_compressed(stream, keys=book.keys, values=book.values),
    )
    log.info("%d positions of at most %d stones: %s", len(book.keys), config.plies, config.output)


def _verify(config: BookConfig) -> None:
    """Check a book and say so.

    Raises:
        ValueError: If something is wrong with it; the text says what.
    """
    book = Book.load(config.output)
    problems = verify(
        book,
        sample=config.sample,
        seed=config.seed,
        table_mebibytes=config.table_mebibytes,
    )
    if problems:
        raise ValueError("\n".join([f"{config.output} is wrong:", *problems]))
    print(
        f"{config.output}: {len(book.keys)} positions of at most {book.plies} stones, none is "
        f"missing; every score agrees with the position it leads to; {config.sample} solved again"
    )


def build(config: BookConfig) -> Book:
    """Search the last ply, in parts that survive a kill, and derive the earlier ones from it."""
    levels = [[EMPTY_BOARD]]
    for _ in range(config.plies + 1):
        levels.append(_children(levels[-1]))
    *within, beyond = levels
    # Siblings and cousins lead to many positions in common, so a part is a run of them: one after
    # the other they take fewer nodes than in the order of their keys.
    beyond_keys = [key(board) for board in beyond]
    groups = [
        beyond[start : start + POSITIONS_PER_PART]
        for start in range(0, len(beyond), POSITIONS_PER_PART)
    ]
    parts = [
        ([b.mover for b in group], [b.occupied for b in group], config.table_mebibytes)
        for group in groups
    ]
    results = run_parts(
        config.work / f"families-{config.plies}",
        parts,
        _solve_part,
        jobs=config.jobs,
        backend=config.backend,
        description=f"solving {len(beyond)} positions of {config.plies + 1} stones",
    )
    searched = np.concatenate([result["scores"] for result in results])
    best = dict(zip(beyond_keys, (int(score) for score in searched), strict=True))
    rows: dict[int, list[int]] = {}
    for level in reversed(within):
        for board in level:
            row = [ILLEGAL] * COLUMNS
            for column in legal_columns(board):
                child = play(board, column)
                over = status(child) is not Status.IN_PROGRESS
                row[column] = -(finished_score(child) if over else best[canonical_key(child)])
            rows[key(board)] = row
            best[key(board)] = max(row)
    keys = sorted(rows)
    return Book(
        keys=np.array(keys, dtype=np.int64),
        values=np.array([rows[number] for number in keys], dtype=np.int8),
    )


def _children(boards: list[Board]) -> list[Board]:
    """The positions one ply on that are not over, one of each mirror pair, families together."""
    found: dict[int, Board] = {}
    for board in boards:
        for column in legal_columns(board):
            child = play(board, column)
            if status(child) is Status.IN_PROGRESS:
                canonical = canonical_key(child)
                found[canonical] = child if key(child) == canonical else mirror(child)
    return list(found.values())


@cache
def _process_solver(table_mebibytes: int) -> Solver:
    """One solver a process: what it learnt on one part helps with the next."""
    return Solver(table_mebibytes=table_mebibytes)


def _solve_part(movers: list[int], occupied: list[int], table_mebibytes: int) -> Arrays:
    solver = _process_solver(table_mebibytes)
    boards = [Board(mover=m, occupied=o) for m, o in zip(movers, occupied, strict=True)]
    return {"scores": np.array([solver.score(board) for board in boards], dtype=np.int8)}
