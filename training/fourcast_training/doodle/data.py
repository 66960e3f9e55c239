"""Quick, Draw! drawings: read from disk, without repeats, and split.

Three forms are read. The first is that of this project's shared data (``bitmaps_train.npz`` and
``strokes_train.npz``); the other two are the publisher's, as `fourcast-train doodle-download`
fetches them: ``simplified/<category>.ndjson`` with strokes, of which bitmaps are drawn here, and
``numpy_bitmap/<category>.npy`` with bitmaps only. The publisher's two forms hold the same drawings
without saying which is which, so a folder with both is read as strokes alone.

The split orders the drawings of each category by a hash of the seed and the key id (or the bitmap
where there is no key id): the first go to the test split, the next to validation, the rest to
training. A drawing stays in its split whatever else the folder holds, and fewer training drawings
are always a part of more.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import tyro

from fourcast_models.doodle.codec import CATEGORIES
from fourcast_models.doodle.strokes import SIDE, DrawingError, draw, prepare
from fourcast_training.doodle.drawings import (
    Drawings,
    concatenated,
    join_strokes,
    without_repeats,
)
from fourcast_training.doodle.generated import generate
from fourcast_training.parallel import Arrays, run_parts

log = logging.getLogger(__name__)

BITMAPS_FILE, STROKES_FILE = "bitmaps_train.npz", "strokes_train.npz"
SIMPLIFIED, NUMPY_BITMAP = "simplified", "numpy_bitmap"

_NPY_HEADER_IS_BROKEN = "is not an array uint8 [N, 784], as the publisher's files are"


@dataclass(frozen=True)
class DataConfig:
    """Which drawings, and how they are split."""

    folder: Annotated[Path, tyro.conf.arg(aliases=("--data",))] = Path("../shared/data/quickdraw")
    """Where the drawings are: files of one of the three forms that data.py names."""

    train: int | None = None
    """Training drawings of each category at most; None takes all."""

    validation: int = 10
    """Drawings of each category that fit the temperature and show how training goes."""

    test: int = 20
    """Drawings of each category that only the final evaluation sees."""

    limit: int = 1500
    """Drawings read from each of the publisher's files; some hold 300,000."""

    generated: int = 0
    """Draw this many shapes of each of eleven categories instead of reading a folder: for tests."""

    seed: int = 4
    """Of the split."""


def load(config: DataConfig, jobs: int = 1) -> dict[str, Drawings]:
    """The splits "train", "validation" and "test".

    Test and validation drawings have strokes if any drawing of their category has.

    Args:
        config: Which.
        jobs: Processes that read the publisher's files.

    Raises:
        ValueError: If the folder holds none of the three forms, a file is not what it should be, or
            a category has too few drawings.
    """
    if config.generated:
        return split(generate(config.generated, config.seed), config)
    folder = config.folder
    if (folder / BITMAPS_FILE).exists():
        return split(without_repeats(_read_shared(folder)), config)
    if any((folder / form).is_dir() for form in (SIMPLIFIED, NUMPY_BITMAP)):
        return split(without_repeats(_read_official(config, jobs)), config)
    raise ValueError(
        f"--data {folder}: no drawings there; expected {BITMAPS_FILE}, {SIMPLIFIED}/ or "
        f"{NUMPY_BITMAP}/. To fetch them: fourcast-train doodle-download --folder runs/quickdraw, "
        "then --data runs/quickdraw"
    )


def split(drawings: Drawings, config: DataConfig) -> dict[str, Drawings]:
    """Test, validation and training drawings, each sorted by label.

    Raises:
        ValueError: If a category has nothing left to train on.
    """
    order = np.argsort(_ranks(drawings, config.seed), kind="stable")
    has_strokes = drawings.has_strokes
    parts: dict[str, list[npt.NDArray[np.int64]]] = {"train": [], "validation": [], "test": []}
    for label in np.unique(drawings.labels):
        members = order[drawings.labels[order] == label]
        # Drawings with strokes first: what is measured on strokes and on bitmaps is the same.
        with_strokes = members[has_strokes[members]]
        kept_apart = (with_strokes if len(with_strokes) else members)[
            : config.test + config.validation
        ]
        rest = members[~np.isin(members, kept_apart)]
        if len(rest) == 0 or len(kept_apart) < config.test + config.validation:
            raise ValueError(
                f"category {CATEGORIES[label]!r} has {len(members)} drawings: with {config.test} "
                f"to test and {config.validation} to validate on, none is left to train on"
            )
        parts["test"].append(kept_apart[: config.test])
        parts["validation"].append(kept_apart[config.test :])
        parts["train"].append(rest[: config.train])
    return {name: drawings.select(np.concatenate(part)) for name, part in parts.items()}


def _ranks(drawings: Drawings, seed: int) -> npt.NDArray[np.uint64]:
    """A number for each drawing that looks random but follows from the drawing and the seed."""
    key = seed.to_bytes(8, "little", signed=True)

    def rank(index: int) -> int:
        key_id = drawings.key_ids[index]
        name = key_id.tobytes() if key_id else drawings.bitmaps[index].tobytes()
        return int.from_bytes(hashlib.blake2b(name, digest_size=8, key=key).digest(), "little")

    return np.array([rank(index) for index in range(len(drawings))], dtype=np.uint64)


def _read_shared(folder: Path) -> Drawings:
    """The form of the shared data; bitmaps marked as source 0 are in the order of the strokes."""
    with np.load(folder / BITMAPS_FILE, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    if tuple(arrays["categories"]) != CATEGORIES:
        raise ValueError(f"{folder / BITMAPS_FILE}: its categories are not the 345 of Quick, Draw!")
    sizes = np.zeros(len(arrays["labels"]), dtype=np.int64)
    points = np.zeros((0, 3), dtype=np.uint8)
    if (folder / STROKES_FILE).exists():
        with np.load(folder / STROKES_FILE, allow_pickle=False) as archive:
            drawn = arrays["source"] == 0
            if not np.array_equal(archive["key_id"], arrays["key_id"][drawn]):
                raise ValueError(f"{folder / STROKES_FILE} does not belong to {BITMAPS_FILE}")
            sizes[drawn] = np.diff(archive["offsets"])
            points = archive["points"]
    return Drawings(
        labels=arrays["labels"].astype(np.int64),
        key_ids=arrays["key_id"],
        bitmaps=arrays["images"],
        points=points,
        offsets=np.concatenate([[0], np.cumsum(sizes)]),
    )


def _read_official(config: DataConfig, jobs: int) -> Drawings:
    """The publisher's files of every category that is there, in alphabetical order."""
    simplified = sorted((config.folder / SIMPLIFIED).glob("*.ndjson"))
    files = simplified or sorted((config.folder / NUMPY_BITMAP).glob("*.npy"))
    if not files:
        raise ValueError(f"--data {config.folder}: its folders hold no .ndjson and no .npy files")
    stamps = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    digest = hashlib.sha256(json.dumps([stamps, config.limit]).encode()).hexdigest()[:12]
    parts = run_parts(
        config.folder / f"parts-{digest}",
        [(file, config.limit) for file in files],
        _read_simplified if simplified else _read_numpy_bitmap,
        jobs=jobs,
        description=f"reading {len(files)} categories",
    )
    return concatenated([_as_drawings(part) for part in parts])


def _as_drawings(arrays: Mapping[str, npt.NDArray[Any]]) -> Drawings:
    return Drawings(**arrays)


def _read_simplified(file: Path, limit: int) -> Arrays:
    """The first drawings of one .ndjson file, a JSON object a line."""
    label = _label(file)
    key_ids, rows = [], []
    for number, line in enumerate(islice(_lines(file), limit), start=1):
        try:
            entry = json.loads(line)
            strokes = prepare([np.transpose(stroke) for stroke in entry["drawing"]])
            key_ids.append(int(entry["key_id"]))
        except (DrawingError, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{file}, line {number}: not a simplified drawing: {error}") from None
        rows.append(join_strokes(strokes))
    sizes = [len(row) for row in rows]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    points = np.concatenate([np.zeros((0, 3), dtype=np.uint8), *rows])
    drawings = Drawings(
        labels=np.full(len(rows), label),
        key_ids=np.array(key_ids, dtype=np.uint64),
        bitmaps=np.zeros((len(rows), SIDE, SIDE), dtype=np.uint8),
        points=points,
        offsets=offsets,
    )
    for index in range(len(rows)):
        drawings.bitmaps[index] = draw(drawings.strokes(index))
    return vars(drawings)


def _lines(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8") as stream:
        yield from (line for line in stream if line.strip())


def _read_numpy_bitmap(file: Path, limit: int) -> Arrays:
    """The first drawings of one .npy file, uint8 [N, 784]."""
    label = _label(file)
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError):
        raise ValueError(f"{file} {_NPY_HEADER_IS_BROKEN}") from None
    if array.dtype != np.uint8 or array.ndim != 2 or array.shape[1] != SIDE * SIDE:
        raise ValueError(f"{file} {_NPY_HEADER_IS_BROKEN}")
    count = min(limit, len(array))
    drawings = Drawings(
        labels=np.full(count, label),
        key_ids=np.zeros(count, dtype=np.uint64),
        bitmaps=np.array(array[:count]).reshape(-1, SIDE, SIDE),
        points=np.zeros((0, 3), dtype=np.uint8),
        offsets=np.zeros(count + 1, dtype=np.int64),
    )
    return vars(drawings)


def _label(file: Path) -> int:
    if file.stem not in CATEGORIES:
        raise ValueError(f"{file}: {file.stem!r} is not one of the 345 categories of Quick, Draw!")
    return CATEGORIES.index(file.stem)
