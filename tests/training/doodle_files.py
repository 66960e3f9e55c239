"""Drawings as files in the publisher's forms, made from the project's own shapes."""

import json
from pathlib import Path

import numpy as np

from fourcast_models.doodle.codec import CATEGORIES
from fourcast_training.doodle.data import NUMPY_BITMAP, SIMPLIFIED
from fourcast_training.doodle.drawings import Drawings


def write_simplified(drawings: Drawings, folder: Path) -> None:
    """One .ndjson file a category: a JSON object a line, x and y of a stroke as two lists."""
    (folder / SIMPLIFIED).mkdir(parents=True, exist_ok=True)
    for label in np.unique(drawings.labels):
        lines = []
        for index in np.flatnonzero(drawings.labels == label):
            strokes = drawings.strokes(int(index))
            entry = {
                "word": CATEGORIES[label],
                "countrycode": "ES",
                "timestamp": "2017-03-01 20:41:36.70725 UTC",
                "recognized": True,
                "key_id": str(drawings.key_ids[index]),
                "drawing": [stroke.T.astype(int).tolist() for stroke in strokes],
            }
            lines.append(json.dumps(entry, separators=(",", ":")) + "\n")
        (folder / SIMPLIFIED / f"{CATEGORIES[label]}.ndjson").write_text("".join(lines))


def write_numpy_bitmap(drawings: Drawings, folder: Path) -> None:
    """One .npy file a category: uint8 [N, 784]."""
    (folder / NUMPY_BITMAP).mkdir(parents=True, exist_ok=True)
    for label in np.unique(drawings.labels):
        rows = drawings.bitmaps[drawings.labels == label].reshape(-1, 784)
        np.save(folder / NUMPY_BITMAP / f"{CATEGORIES[label]}.npy", rows)


def write_shared(drawings: Drawings, folder: Path, without_strokes: int) -> None:
    """The form of the shared data; the last drawings of the set are bitmaps only."""
    folder.mkdir(parents=True, exist_ok=True)
    source = np.zeros(len(drawings), dtype=np.uint8)
    source[len(drawings) - without_strokes :] = 1
    known = drawings.select(np.flatnonzero(source == 0))
    np.savez_compressed(
        folder / "bitmaps_train.npz",
        images=drawings.bitmaps,
        labels=drawings.labels.astype(np.int16),
        categories=np.array(CATEGORIES),
        key_id=np.where(source == 0, drawings.key_ids, 0).astype(np.uint64),
        source=source,
    )
    np.savez_compressed(
        folder / "strokes_train.npz",
        points=known.points,
        offsets=known.offsets,
        labels=known.labels.astype(np.int16),
        key_id=known.key_ids,
        categories=np.array(CATEGORIES),
    )
