"""Solvers beside each other on sets of scored positions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypedDict

from benchmarks.solver.contenders import OURS, OURS_AGAIN, THEIRS, Contender, Running
from fourcast_models.connect4.board import parse_moves

NAMES = {
    "Test_L3_R1": "end, easy",
    "Test_L2_R1": "middle, easy",
    "Test_L2_R2": "middle, medium",
    "Test_L1_R1": "begin, easy",
    "Test_L1_R2": "begin, medium",
    "Test_L1_R3": "begin, hard",
}
"""What the publisher of the sets calls them."""

EARLY = 15
"""Sets with positions of fewer stones than this take long: smaller blocks, fewer rounds."""

BLOCK, EARLY_BLOCK = 1000, 100
ROUNDS, EARLY_ROUNDS = 15, 3


@dataclass(frozen=True, slots=True)
class PositionSet:
    """Scored positions.

    Attributes:
        name: The file's, without its ending.
        moves: Of each position, from the empty board.
        scores: Known ones, for the side to move.
    """

    name: str
    moves: tuple[str, ...]
    scores: tuple[int, ...]

    @property
    def title(self) -> str:
        """What the tables call it."""
        return f"{self.name} ({NAMES[self.name]})" if self.name in NAMES else self.name

    @property
    def is_early(self) -> bool:
        """Whether its positions take long."""
        return min(map(len, self.moves)) < EARLY

    @property
    def rounds(self) -> int:
        """How often everything is measured."""
        return EARLY_ROUNDS if self.is_early else ROUNDS

    @property
    def blocks(self) -> list[slice]:
        """What is solved in one go; the contenders take turns after each."""
        size = EARLY_BLOCK if self.is_early else BLOCK
        return [slice(start, start + size) for start in range(0, len(self.moves), size)]


class Turn(TypedDict):
    """One contender on one block: processor seconds, nodes, and how many scores were wrong."""

    seconds: float
    nodes: int
    wrong: int


def read_sets(folder: Path, most: int) -> list[PositionSet]:
    """The sets of a folder, in the order of their names.

    Args:
        folder: Holds files such as ``Test_L3_R1.txt``, of lines "moves score".
        most: Positions of each set at most, evenly spread.

    Raises:
        ValueError: If there are none, or a line is wrong.
    """
    sets = [_read_set(file, most) for file in sorted(folder.glob("Test_*.txt"))]
    if not sets:
        raise ValueError(f"{folder} holds no Test_*.txt: name another folder with --data")
    return sets


def _read_set(file: Path, most: int) -> PositionSet:
    lines = file.read_text().split("\n")
    rows: list[tuple[str, int]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            moves, score = line.split()
            parse_moves(moves)
            rows.append((moves, int(score)))
        except ValueError as error:
            raise ValueError(f'{file}, line {number} is no "moves score": {error}') from None
    if not rows:
        raise ValueError(f"{file} is empty")
    chosen = (
        [rows[place * len(rows) // most] for place in range(most)] if most < len(rows) else rows
    )
    return PositionSet(file.stem, tuple(row[0] for row in chosen), tuple(row[1] for row in chosen))


def contenders(*, with_bitbully: bool) -> tuple[Contender, ...]:
    """Who takes part, the control last."""
    return (OURS, *(THEIRS if with_bitbully else ()), OURS_AGAIN)


def turns(positions: PositionSet) -> Iterator[tuple[str, int, slice]]:
    """What is to be measured: a key, the number of the round, the block."""
    for number in range(positions.rounds):
        for block in positions.blocks:
            yield f"{positions.name} {block.start} {number}", number, block


def measure_turn(
    running: Mapping[str, Running], positions: PositionSet, number: int, block: slice
) -> dict[str, Turn]:
    """Every contender on one block, by title; another one begins in each round."""
    order = list(running)
    shift = number % len(order)
    found = {}
    for title in [*order[shift:], *order[:shift]]:
        answer = running[title].solve(positions.moves[block])
        wrong = sum(
            score != known
            for score, known in zip(answer["scores"], positions.scores[block], strict=True)
        )
        found[title] = Turn(seconds=answer["seconds"], nodes=answer["nodes"], wrong=wrong)
    return found


@dataclass(frozen=True, slots=True)
class Standing:
    """A contender on a whole set.

    Attributes:
        seconds: Processor time: of each block the median over the rounds, summed.
        by_round: The same for each round alone.
        nodes: Of one round.
        wrong: Scores that were wrong in the worst round.
    """

    seconds: float
    by_round: tuple[float, ...]
    nodes: int
    wrong: int


def standing(records: Sequence[Sequence[Turn]]) -> Standing:
    """Sum up a contender's turns, given as rounds of blocks."""
    return Standing(
        seconds=sum(
            median(turn["seconds"] for turn in block) for block in zip(*records, strict=True)
        ),
        by_round=tuple(sum(turn["seconds"] for turn in round_) for round_ in records),
        nodes=sum(turn["nodes"] for turn in records[0]),
        wrong=max(sum(turn["wrong"] for turn in round_) for round_ in records),
    )


def better(standings: Mapping[str, Standing]) -> str | None:
    """The title of the faster of BitBully's methods; None if it took no part."""
    titles = [contender.title for contender in THEIRS if contender.title in standings]
    return min(titles, key=lambda title: standings[title].seconds, default=None)
