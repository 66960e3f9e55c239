"""Label positions of random games with the exact score of each column.

Positions come from games of uniformly random moves and, where it is asked for, from the opening
book and from games played nearly perfectly (`balanced`): one position a game, none of them over, no
two equal or mirror images of each other, so the splits are disjoint under mirroring. How many of
each ply the random games give is set by SHARES: they reach few late positions, and the early ones
are dear to solve.

Each split is one file, such as ``test.npz``, with its description and hash beside it in
``test.json``:

- `mover`, `occupied` int64 [N]: the bitboards of `fourcast_models.connect4.board`;
- `scores` int8 [N, 7]: exact score of each column for the side to move, ILLEGAL where full.
"""

import hashlib
import json
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tyro

from fourcast_models.connect4.board import (
    BOTTOM_ROW,
    CELLS,
    COLUMNS,
    FULL_BOARD,
    Board,
    board_of_key,
    canonical_key,
    column_mask,
)
from fourcast_models.connect4.book import ILLEGAL, Book
from fourcast_models.connect4.solver import Solver
from fourcast_training.connect4.balanced import balanced_part
from fourcast_training.connect4.openings import have_four
from fourcast_training.files import write_atomically
from fourcast_training.parallel import Arrays, Backend, run_parts

SHARES = (
    # plies 0 to 4: none; a label there costs minutes, and the opening book holds them all
    *(0.0,) * 5,
    # plies 5 to 13: what the minutes allow; a label costs 20 s at ply 5 and 0.05 s at ply 13
    *(0.00006, 0.0003, 0.001, 0.003, 0.0045, 0.009, 0.015, 0.023, 0.03),
    # plies 14 to 35
    *(0.037,) * 22,
    # plies 36 to 41: few random games get that far, and there is little left to decide
    *(0.03, 0.025, 0.02, 0.015, 0.008, 0.004),
)
"""Share of each ply, 0 to 41, in the positions; they are scaled to sum to 1."""

POSITIONS_PER_PART = 250
GAMES_AT_ONCE = 4096


@dataclass(frozen=True)
class DataConfig:
    """Label random positions with the exact score of every column."""

    train: int = 90_000
    """Positions to train on."""

    validation: int = 5_000
    """Positions that choose the epoch."""

    test: int = 5_000
    """Positions that only the final evaluation sees."""

    first_ply: int = 0
    """Leave out positions with fewer stones than this. From about 20 on labels cost next to
    nothing."""

    openings: float = 0.0
    """Share of the positions that are drawn from the opening book."""

    balanced: float = 0.0
    """Share of the positions that come from games played nearly perfectly, see balanced.py. To find
    one takes about as long as to label a position of 13 stones."""

    seed: int = 4
    """Everything random follows from this number."""

    folder: Path = Path("runs/connect4-data")
    """Where the table and its finished parts go; a killed run continues from them."""

    jobs: int = -1
    """Processes; -1 is one for each core. The table does not depend on it."""

    backend: Backend = "processes"
    """`processes` of this machine, or the workers of a `ray` cluster: the one that RAY_ADDRESS
    names, otherwise one that is started here. The table does not depend on it."""

    def __post_init__(self) -> None:
        """Refuse shares that are none.

        Raises:
            ValueError: If they are; the text names the option.
        """
        for name, share in (("openings", self.openings), ("balanced", self.balanced)):
            if not 0 <= share <= 1:
                raise ValueError(f"--{name} is {share:g}, but must be 0 to 1")
        if self.openings + self.balanced > 1:
            raise ValueError("--openings and --balanced are more than 1 together")

    @property
    def sizes(self) -> dict[str, int]:
        """Positions of each split."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def identity(self) -> str:
        """What the labels depend on, as text."""
        sizes = " ".join(f"{split}={size}" for split, size in self.sizes.items())
        # Named only where they are there: earlier tables keep their identity.
        shares = {"openings": self.openings, "balanced": self.balanced}
        named = "".join(f" {name}={share}" for name, share in shares.items() if share)
        return f"seed={self.seed} {sizes} first_ply={self.first_ply}{named}"

    @property
    def origins(self) -> dict[str, int]:
        """How many positions of all splits come from where."""
        total = sum(self.sizes.values())
        openings, balanced = round(total * self.openings), round(total * self.balanced)
        return {
            "random": total - openings - balanced,
            "openings": openings,
            "balanced": balanced,
        }

    @property
    def parts_folder(self) -> Path:
        """Where finished parts of the table are kept."""
        digest = hashlib.sha256(self.identity.encode()).hexdigest()[:12]
        return self.folder / f"parts-{digest}"


@dataclass(frozen=True)
class Dataset:
    """A labelled split.

    Attributes:
        mover: int64 [N].
        occupied: int64 [N].
        scores: int8 [N, 7].
    """

    mover: npt.NDArray[np.int64]
    occupied: npt.NDArray[np.int64]
    scores: npt.NDArray[np.int8]

    @property
    def sha256(self) -> str:
        """The hash of all arrays, in hexadecimal."""
        digest = hashlib.sha256()
        for array in (self.mover, self.occupied, self.scores):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @property
    def plies(self) -> npt.NDArray[np.int64]:
        """Stones on the board, int64 [N], 0 to 41."""
        return np.bitwise_count(self.occupied).astype(np.int64)

    def select(self, chosen: npt.NDArray[np.bool_]) -> "Dataset":
        """The positions where ``chosen``, bool [N], is true."""
        return Dataset(self.mover[chosen], self.occupied[chosen], self.scores[chosen])


def main(args: list[str] | None = None) -> None:
    """``fourcast-train connect4-label``."""
    config = tyro.cli(DataConfig, args=args, prog="fourcast-train connect4-label")
    for split in config.sizes:
        dataset = load_or_label(config, split)
        counts = " ".join(map(str, np.bincount(dataset.plies, minlength=CELLS)))
        print(f"{split}: {len(dataset.plies)} positions, sha256 {dataset.sha256}")
        print(f"  with 0, 1, ... 41 stones: {counts}")


def load_or_label(config: DataConfig, split: str) -> Dataset:
    """One split of this configuration ("train", "validation" or "test"): read or labelled now.

    Raises:
        ValueError: If the folder holds labels of another configuration, or damaged ones.
    """
    file = config.folder / f"{split}.npz"
    description_file = file.with_suffix(".json")
    if file.exists():
        return _load(file, description_file, config)
    boards = sample(config)[split]
    dataset = Dataset(
        mover=np.array([board.mover for board in boards], dtype=np.int64),
        occupied=np.array([board.occupied for board in boards], dtype=np.int64),
        scores=labelled(boards, config.parts_folder / split, config),
    )
    description = {"identity": config.identity, "sha256": dataset.sha256}
    text = json.dumps(description, indent=2) + "\n"
    write_atomically(description_file, lambda stream: stream.write(text.encode()))
    write_atomically(file, lambda stream: np.savez_compressed(stream, **vars(dataset)))
    return dataset


def _load(file: Path, description_file: Path, config: DataConfig) -> Dataset:
    description = json.loads(description_file.read_text())
    if description["identity"] != config.identity:
        raise ValueError(
            f"{file} was made with {description['identity']}, not {config.identity}: name another "
            "folder with --data.folder (--folder for connect4-label)"
        )
    damaged = ValueError(f"{file} is damaged (not the hash in {description_file.name}): delete it")
    try:
        with np.load(file, allow_pickle=False) as arrays:
            dataset = Dataset(**arrays)
    except (ValueError, TypeError, EOFError, zlib.error, zipfile.BadZipFile):
        raise damaged from None
    if dataset.sha256 != description["sha256"]:
        raise damaged
    return dataset


@cache
def sample(config: DataConfig) -> dict[str, list[Board]]:
    """The positions of each split in random order, no two of them alike."""
    rng = np.random.default_rng(config.seed)
    wanted = _quotas(config)
    found: dict[int, Board] = {}
    while wanted.any():
        mover, occupied, lengths = _random_games(rng, GAMES_AT_ONCE)
        for game, length in enumerate(lengths):
            useful = np.flatnonzero(wanted[:length])
            if len(useful) == 0:
                continue
            ply = rng.choice(useful)
            board = Board(mover=int(mover[ply, game]), occupied=int(occupied[ply, game]))
            if found.setdefault(canonical_key(board), board) is board:
                wanted[ply] -= 1
    _add_openings(found, config, rng)
    _add_balanced(found, config)
    boards = list(found.values())
    shuffled = iter([boards[index] for index in rng.permutation(len(boards))])
    return {split: list(islice(shuffled, size)) for split, size in config.sizes.items()}


def _add_openings(found: dict[int, Board], config: DataConfig, rng: np.random.Generator) -> None:
    """Add positions of the book, in random order."""
    wanted = len(found) + config.origins["openings"]
    for number in rng.permutation(Book.load().keys) if config.openings else ():
        if len(found) == wanted:
            break
        board = board_of_key(int(number))
        if board.plies >= config.first_ply:
            found.setdefault(int(number), board)
    if len(found) < wanted:
        raise ValueError(
            f"the opening book lacks {wanted - len(found)} positions: --openings is too much, or "
            "--first-ply"
        )


def _add_balanced(found: dict[int, Board], config: DataConfig) -> None:
    """Add positions of games that are played nearly perfectly, in parts that survive a kill."""
    wanted = len(found) + config.origins["balanced"]
    number = 0
    while len(found) < wanted:
        # Some of the positions will be known already; then there is another round of parts.
        count = -(-(wanted - len(found)) // POSITIONS_PER_PART)
        numbers = range(number, number + count)
        parts = [((config.seed, part), POSITIONS_PER_PART, config.first_ply) for part in numbers]
        results = run_parts(
            config.parts_folder / f"balanced-{number}",
            parts,
            _balanced_part,
            jobs=config.jobs,
            backend=config.backend,
            description=f"playing {count * POSITIONS_PER_PART} games",
        )
        for result in results:
            for mover, occupied in zip(result["mover"], result["occupied"], strict=True):
                if len(found) < wanted:
                    board = Board(mover=int(mover), occupied=int(occupied))
                    found.setdefault(canonical_key(board), board)
        number += count


def _balanced_part(seed: tuple[int, int], games: int, first_ply: int) -> Arrays:
    return balanced_part(process_solver(), seed, games, first_ply)


def _quotas(config: DataConfig) -> npt.NDArray[np.int64]:
    """How many positions of each ply random games give, int64 [42]."""
    shares = np.array(SHARES)
    shares[: config.first_ply] = 0
    shares /= shares.sum()
    edges = np.round(np.cumsum(shares) * config.origins["random"]).astype(np.int64)
    counts: npt.NDArray[np.int64] = np.diff(edges, prepend=0)
    return counts


def _random_games(
    rng: np.random.Generator, games: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Games of uniformly random moves, all at once.

    Returns:
        `mover` and `occupied` int64 [42, games], the position of each game at each ply, and the
        number of positions of each game before it is over, int64 [games]; later rows mean nothing.
    """
    mover = np.zeros((CELLS, games), dtype=np.int64)
    occupied = np.zeros((CELLS, games), dtype=np.int64)
    lengths = np.full(games, CELLS)
    columns = np.array([column_mask(column) for column in range(COLUMNS)])[:, None]
    for ply in range(CELLS - 1):
        cells = (occupied[ply] + BOTTOM_ROW) & FULL_BOARD & columns
        chosen = np.where(cells != 0, rng.random(cells.shape), -1.0).argmax(axis=0)
        occupied[ply + 1] = occupied[ply] | cells[chosen, np.arange(games)]
        mover[ply + 1] = mover[ply] ^ occupied[ply]
        won = have_four(mover[ply + 1] ^ occupied[ply + 1])
        lengths[won] = np.minimum(lengths[won], ply + 1)
    return mover, occupied, lengths


def labelled(boards: list[Board], folder: Path, config: DataConfig) -> npt.NDArray[np.int8]:
    """The scores of N boards, int8 [N, 7], in parts that survive a kill.

    Args:
        boards: None of them over.
        folder: Where the parts are kept; one folder for one list of boards.
        config: Says who computes them.
    """
    parts = [
        (
            [board.mover for board in boards[start : start + POSITIONS_PER_PART]],
            [board.occupied for board in boards[start : start + POSITIONS_PER_PART]],
        )
        for start in range(0, len(boards), POSITIONS_PER_PART)
    ]
    results = run_parts(
        folder,
        parts,
        label_part,
        jobs=config.jobs,
        backend=config.backend,
        description=f"labelling {len(boards)} positions ({folder.name})",
    )
    return np.concatenate([result["scores"] for result in results]).astype(np.int8)


@cache
def process_solver() -> Solver:
    """One solver a process: what it learnt on one part helps with the next."""
    return Solver(table_mebibytes=512, book=Book.load())


def label_part(movers: list[int], occupied: list[int]) -> Arrays:
    """The scores of N positions, int8 [N, 7], from the solver of this process.

    Args:
        movers: `Board.mover` of each.
        occupied: `Board.occupied` of each; none of them over.
    """
    solver = process_solver()
    boards = [Board(mover=m, occupied=o) for m, o in zip(movers, occupied, strict=True)]
    rows = [
        [ILLEGAL if score is None else score for score in solver.column_scores(board)]
        for board in boards
    ]
    return {"scores": np.array(rows, dtype=np.int8)}
