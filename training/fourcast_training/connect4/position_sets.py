"""Public sets of positions with known scores, labelled: the scores of all columns."""

import hashlib
from pathlib import Path

import numpy as np

from fourcast_models.connect4.board import parse_moves
from fourcast_models.connect4.book import ILLEGAL
from fourcast_training.connect4.data import DataConfig, labelled
from fourcast_training.connect4.dataset import Dataset
from fourcast_training.connect4.openings import positions_of


def read_position_sets(folder: Path, config: DataConfig) -> dict[str, Dataset]:
    """The sets of a folder, by the names of their files.

    Args:
        folder: Holds files such as ``Test_L3_R1.txt``, of lines "moves score".
        config: Says where labels are kept and who computes them.

    Raises:
        ValueError: If there are none, a line is wrong, or a score is not the solver's.
    """
    files = sorted(folder.glob("Test_*.txt"))
    if not files:
        raise ValueError(f"{folder} holds no Test_*.txt: name another folder with --sets")
    return {file.stem: _labelled_set(file, config) for file in files}


def _labelled_set(file: Path, config: DataConfig) -> Dataset:
    boards, known = [], []
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        try:
            moves, score = line.split()
            boards.append(parse_moves(moves))
            known.append(int(score))
        except ValueError as error:
            raise ValueError(f'{file}, line {number} is no "moves score": {error}') from None
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    positions = positions_of(boards)
    scores = labelled(positions, config.folder / "sets" / f"{file.stem}-{digest}", config)
    best = np.where(scores == ILLEGAL, -128, scores).max(axis=1)
    if wrong := np.flatnonzero(best != np.array(known)).tolist():
        first = wrong[0]
        raise ValueError(
            f"{file}, line {first + 1}: the score is {known[first]}, but the solver says "
            f"{best[first]}"
        )
    return Dataset(mover=positions.mover, occupied=positions.occupied, scores=scores)
