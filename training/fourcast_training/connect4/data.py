"""Label positions with the exact score of each column.

Positions come from games of uniformly random moves (one position a game, `random_play`), from the
opening book, and from games played nearly perfectly (`games`). None of them is over, no two are
equal or mirror images of each other, so the splits are disjoint under mirroring. How many of each
ply the random games give, `shares_of` says.

Each split is one file, such as ``test.npz``, with its description and hash beside it in
``test.json``; first the positions of random games, then those of the book, then those of games.
"early" has random games alone and is trained on beside "train":

- `mover`, `occupied` int64 [N]: the bitboards of `fourcast_models.connect4.board`;
- `scores` int8 [N, 7]: exact score of each column for the side to move, ILLEGAL where full.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tyro

from fourcast_models.connect4.board import CELLS, COLUMNS, Board, board_of_key
from fourcast_models.connect4.book import ILLEGAL, Book
from fourcast_models.connect4.solver import Solver
from fourcast_training.connect4.dataset import Dataset, joined_datasets, read_dataset
from fourcast_training.connect4.games import game_part
from fourcast_training.connect4.openings import Bits, Positions, joined, positions_of
from fourcast_training.connect4.random_play import random_positions
from fourcast_training.files import write_atomically
from fourcast_training.parallel import Arrays, Backend, run_parts

SPLITS = ("test", "validation", "train", "early")
"""In the order in which they take positions: a split does not depend on those after it."""

TRAINING_SHARES = (
    # plies 0 to 12: none; the opening book holds the first, and a label of the others costs up to
    # 0.3 s, half of what a whole game costs that has one position of each
    *(0.0,) * 13,
    # plies 13 to 17: what the minutes allow; a label costs 25 ms at ply 13 and 2 ms at ply 17
    *(0.005, 0.01, 0.02, 0.03, 0.04),
    # plies 18 to 27
    *(0.05,) * 10,
    # plies 28 to 41: easier and easier, and few random games get that far
    *(0.03,) * 8,
    *(0.02, 0.015, 0.01, 0.008, 0.005, 0.002),
)
"""Share of each ply, 0 to 41, in the random positions of the training split; scaled to sum to 1."""

EARLY_SHARES = (
    # up to 11 stones: none, as above; a label of 12 stones costs 30 ms, of 17 stones 1 ms
    *(0.0,) * 12,
    *(0.024, 0.1, 0.18, 0.22, 0.236, 0.24),
    *(0.0,) * 24,
)
"""The same for the split "early"."""

FIRST_MEASURED_PLY = 8
"""From this ply on, the random positions of the other splits have as many of each."""

POSITIONS_PER_PART = 500
GAMES_PER_PART = 32
NEW_POSITIONS_PER_GAME = 14
"""About; what is missing then, further games give."""


@dataclass(frozen=True)
class DataConfig:
    """Label positions with the exact score of every column."""

    train: int = 300_000
    """Positions to train on, of all kinds."""

    validation: int = 5_000
    """Positions that choose the epoch."""

    test: int = 10_000
    """Positions that only the final evaluation sees."""

    first_ply: int = 0
    """Leave out positions with fewer stones than this. From about 20 on labels cost next to
    nothing. More than 8 leaves none of the opening book: --openings 0."""

    openings: float = 0.1
    """Share of the positions that are drawn from the opening book. Unless it is 0, the book's other
    positions are trained on, too."""

    games: float = 0.08
    """Share of the positions that come from games played nearly perfectly, see games.py. One takes
    about as long as to label a random position of 13 stones."""

    random: int = 1_700_000
    """More positions to train on, from random games alone: their labels cost least."""

    early: int = 500_000
    """More positions to train on, from random games, of 12 to 17 stones alone: there a network errs
    more, and labels cost more (half a million 40 minutes of a core)."""

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
        """Refuse numbers of positions below zero, and shares that are none.

        Raises:
            ValueError: If they are; the text names the option.
        """
        for name in ("train", "validation", "test", "random", "early"):
            if (count := getattr(self, name)) < 0:
                raise ValueError(f"--{name} is {count}, but must be 0 or more")
        for name, share in (("openings", self.openings), ("games", self.games)):
            if not 0 <= share <= 1:
                raise ValueError(f"--{name} is {share:g}, but must be 0 to 1")
        if self.openings + self.games > 1:
            raise ValueError("--openings and --games are more than 1 together")

    @property
    def sizes(self) -> dict[str, int]:
        """Positions of each split that has any."""
        training = self.train + self.random
        sizes = {"test": self.test, "validation": self.validation, "train": training}
        has_early = self.early and any(EARLY_SHARES[self.first_ply :])
        return sizes | ({"early": self.early} if has_early else {})

    def identity(self, split: str) -> str:
        """What the labels of a split depend on, as text."""
        sizes = f"train={self.train} validation={self.validation} test={self.test}"
        more = f" random={self.random}" if self.random else ""
        more += f" early={self.early}" if split == "early" else ""
        return (
            f"seed={self.seed} {sizes} first_ply={self.first_ply} openings={self.openings:g} "
            f"games={self.games:g}{more}"
        )

    def origins(self, split: str) -> dict[str, int]:
        """How many positions of a split come from where, in their order."""
        size = self.sizes[split]
        mixed = {"train": self.train, "early": 0}.get(split, size)
        openings, games = round(mixed * self.openings), round(mixed * self.games)
        return {"random": size - openings - games, "openings": openings, "games": games}

    def parts_folder(self, split: str) -> Path:
        """Where finished parts of a split are kept."""
        digest = hashlib.sha256(self.identity(split).encode()).hexdigest()[:12]
        return self.folder / f"parts-{digest}"


def main(args: list[str] | None = None) -> None:
    """``fourcast-train connect4-label``."""
    config = tyro.cli(DataConfig, args=args, prog="fourcast-train connect4-label")
    for split in config.sizes:
        dataset = load_or_label(config, split)
        counts = " ".join(map(str, np.bincount(dataset.plies, minlength=CELLS)))
        print(f"{split}: {len(dataset.plies)} positions, sha256 {dataset.sha256}")
        print(f"  with 0, 1, ... 41 stones: {counts}")


def load_or_label(config: DataConfig, split: str) -> Dataset:
    """One of the SPLITS of this configuration: read or labelled now.

    Raises:
        ValueError: If the folder holds labels of another configuration, or damaged ones.
    """
    file = config.folder / f"{split}.npz"
    description_file = file.with_suffix(".json")
    if file.exists():
        return _load(file, description_file, config.identity(split))
    dataset = _label(config, split)
    description = {"identity": config.identity(split), "sha256": dataset.sha256}
    text = json.dumps(description, indent=2) + "\n"
    write_atomically(description_file, lambda stream: stream.write(text.encode()))
    write_atomically(file, lambda stream: np.savez_compressed(stream, **vars(dataset)))
    return dataset


def _load(file: Path, description_file: Path, identity: str) -> Dataset:
    description = json.loads(description_file.read_text())
    if description["identity"] != identity:
        raise ValueError(
            f"{file} was made with {description['identity']}, not {identity}: name another "
            "folder with --data.folder (--folder for connect4-label)"
        )
    dataset = read_dataset(file)
    if dataset.sha256 != description["sha256"]:
        raise ValueError(f"{file} is damaged (not the hash in {description_file.name}): delete it")
    return dataset


def by_origin(config: DataConfig, split: str, dataset: Dataset) -> dict[str, slice]:
    """Where in a split the positions of each origin stand; those that it has none of are left out.

    Raises:
        ValueError: If the split does not have the size that the configuration says.
    """
    origins = config.origins(split)
    if sum(origins.values()) != len(dataset.mover):
        raise ValueError(f"{split} has {len(dataset.mover)} positions, not {config.sizes[split]}")
    ends = np.cumsum(list(origins.values())).tolist()
    return {
        name: slice(end - size, end)
        for (name, size), end in zip(origins.items(), ends, strict=True)
        if size
    }


def _label(config: DataConfig, split: str) -> Dataset:
    """A split, from those before it on."""
    before = [load_or_label(config, other) for other in SPLITS[: SPLITS.index(split)]]
    taken = np.concatenate(
        [np.zeros(0, np.int64), *(one.positions.canonical_keys for one in before)]
    )
    seed = (config.seed, SPLITS.index(split))
    rng = np.random.default_rng(seed)
    origins = config.origins(split)
    wanted = quotas(origins["random"], shares_of(split, config.first_ply))
    random = random_positions(rng, wanted, taken)
    taken = np.concatenate([taken, random.canonical_keys])
    openings = _openings(rng, origins["openings"], config.first_ply, taken)
    taken = np.concatenate([taken, openings.canonical_keys])
    games = _games(config, split, origins["games"], taken)
    positions = joined([random, openings])
    return Dataset(
        mover=np.concatenate([positions.mover, games.mover]),
        occupied=np.concatenate([positions.occupied, games.occupied]),
        scores=np.concatenate(
            [labelled(positions, config.parts_folder(split) / split, config), games.scores]
        ),
    )


def shares_of(split: str, first_ply: int) -> npt.NDArray[np.float64]:
    """The share of each ply in the random positions of a split, float64 [42], of sum 1."""
    evenly = (np.arange(CELLS) >= FIRST_MEASURED_PLY).astype(np.float64)
    shares = np.array({"train": TRAINING_SHARES, "early": EARLY_SHARES}.get(split, evenly))
    shares[:first_ply] = 0
    shares /= shares.sum()
    return shares


def quotas(positions: int, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """How many positions of each ply, int64 [42]."""
    edges = np.round(np.cumsum(shares) * positions).astype(np.int64)
    counts: npt.NDArray[np.int64] = np.diff(edges, prepend=0)
    return counts


def _openings(rng: np.random.Generator, wanted: int, first_ply: int, taken: Bits) -> Positions:
    """Positions of the book that are not taken, in random order."""
    keys = Book.load().keys
    boards = [board_of_key(int(key)) for key in rng.permutation(keys[~np.isin(keys, taken)])]
    found = [board for board in boards if board.plies >= first_ply][:wanted]
    if len(found) < wanted:
        raise ValueError(
            f"the book lacks {wanted - len(found)} openings of {first_ply} stones or more: "
            "ask for fewer with --openings"
        )
    return positions_of(found)


def _games(config: DataConfig, split: str, wanted: int, taken: Bits) -> Dataset:
    """Positions of games that are not taken, with their scores, in parts that survive a kill."""
    rounds: list[Dataset] = []
    parts_done = 0
    while (missing := wanted - sum(len(one.mover) for one in rounds)) > 0:
        count = -(-missing // (GAMES_PER_PART * NEW_POSITIONS_PER_GAME))
        seeds = [(config.seed, SPLITS.index(split), parts_done + part) for part in range(count)]
        results = run_parts(
            config.parts_folder(split) / f"{split}-games-{parts_done}",
            [(seed, GAMES_PER_PART) for seed in seeds],
            _game_part,
            jobs=config.jobs,
            backend=config.backend,
            description=f"playing {count * GAMES_PER_PART} games ({split})",
        )
        arrays = {name: np.concatenate([part[name] for part in results]) for name in results[0]}
        played = Dataset(**arrays)
        keys = played.positions.canonical_keys
        new = ~np.isin(keys, taken) & (played.plies >= config.first_ply)
        first = np.zeros(len(keys), dtype=bool)
        first[np.unique(keys, return_index=True)[1]] = True
        chosen = np.flatnonzero(new & first)[:missing]
        rounds.append(played.select(chosen))
        taken = np.concatenate([taken, keys[chosen]])
        parts_done += count
    return joined_datasets(rounds)


def _game_part(seed: tuple[int, ...], games: int) -> Arrays:
    return game_part(process_solver(), seed, games, Book.load().plies)


def labelled(positions: Positions, folder: Path, config: DataConfig) -> npt.NDArray[np.int8]:
    """The scores of N positions, int8 [N, 7], in parts that survive a kill.

    Args:
        positions: None of them over.
        folder: Where the parts are kept; one folder for one list of positions.
        config: Says who computes them.
    """
    size = len(positions.mover)
    starts = range(0, size, POSITIONS_PER_PART)
    parts = [positions.select(np.arange(s, min(s + POSITIONS_PER_PART, size))) for s in starts]
    results = run_parts(
        folder,
        [(part.mover, part.occupied) for part in parts],
        label_part,
        jobs=config.jobs,
        backend=config.backend,
        description=f"labelling {size} positions ({folder.name})",
    )
    scores = [np.zeros((0, COLUMNS), np.int8), *(result["scores"] for result in results)]
    return np.concatenate(scores).astype(np.int8)


@cache
def process_solver() -> Solver:
    """One solver a process: what it learnt on one part helps with the next."""
    return Solver(table_mebibytes=128, book=Book.load())


def label_part(mover: Bits, occupied: Bits) -> Arrays:
    """The scores of N positions, int8 [N, 7], from the solver of this process.

    Args:
        mover: `Board.mover` of each, int64 [N].
        occupied: `Board.occupied` of each, int64 [N]; none of them over.
    """
    solver = process_solver()
    pairs = zip(mover.tolist(), occupied.tolist(), strict=True)
    boards = [Board(mover=m, occupied=o) for m, o in pairs]
    rows = [
        [ILLEGAL if score is None else score for score in solver.column_scores(board)]
        for board in boards
    ]
    return {"scores": np.array(rows, dtype=np.int8)}
