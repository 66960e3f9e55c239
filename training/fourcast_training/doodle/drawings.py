"""Labelled drawings in memory: bitmaps, and the strokes of those that have them."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fourcast_models.doodle.strokes import SIDE, Stroke

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Drawings:
    """N drawings.

    Attributes:
        labels: Int64 [N], places in `codec.CATEGORIES`.
        key_ids: Uint64 [N], the publisher's number of each drawing, 0 where unknown.
        bitmaps: Uint8 [N, 28, 28], 0 background, 255 ink.
        points: Uint8 [P, 3] of x, y and pen-up (1 on the last point of a stroke), all drawings one
            after the other.
        offsets: Int64 [N + 1]; drawing i is `points[offsets[i]:offsets[i + 1]]`, empty where only
            the bitmap is known.
    """

    labels: Ints
    key_ids: npt.NDArray[np.uint64]
    bitmaps: npt.NDArray[np.uint8]
    points: npt.NDArray[np.uint8]
    offsets: Ints

    def __len__(self) -> int:
        """How many drawings."""
        return len(self.labels)

    @property
    def sha256(self) -> str:
        """The hash of all arrays, in hexadecimal."""
        digest = hashlib.sha256()
        for array in (self.labels, self.key_ids, self.bitmaps, self.points, self.offsets):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @property
    def has_strokes(self) -> npt.NDArray[np.bool_]:
        """Bool [N]: whose strokes are known."""
        return np.diff(self.offsets) > 0

    def strokes(self, index: int) -> tuple[Stroke, ...]:
        """The strokes of one drawing, none where only the bitmap is known."""
        return split_points(self.points[self.offsets[index] : self.offsets[index + 1]])

    def first_of_each(self, count: int) -> "Drawings":
        """Up to this many drawings of each category, of drawings that are sorted by label."""
        rank = np.arange(len(self)) - np.searchsorted(self.labels, self.labels)
        return self.select(np.flatnonzero(rank < count))

    def select(self, chosen: Ints) -> "Drawings":
        """The drawings at these places, int64 [M], in this order."""
        starts, sizes = self.offsets[:-1][chosen], np.diff(self.offsets)[chosen]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        # The place of every point: where its drawing starts, and how far it is into it.
        into = np.arange(offsets[-1]) - np.repeat(offsets[:-1], sizes)
        return Drawings(
            labels=self.labels[chosen],
            key_ids=self.key_ids[chosen],
            bitmaps=self.bitmaps[chosen],
            points=self.points[np.repeat(starts, sizes) + into],
            offsets=offsets,
        )


def split_points(points: npt.NDArray[np.uint8]) -> tuple[Stroke, ...]:
    """The strokes in rows of x, y and pen-up, uint8 [P, 3]."""
    if len(points) == 0:
        return ()
    ends = np.flatnonzero(points[:-1, 2]) + 1
    return tuple(stroke.astype(np.float64) for stroke in np.split(points[:, :2], ends))


def join_strokes(strokes: tuple[Stroke, ...]) -> npt.NDArray[np.uint8]:
    """Rows of x, y and pen-up, uint8 [P, 3], for strokes of whole numbers from 0 to 255."""
    rows = np.zeros((sum(map(len, strokes)), 3), dtype=np.uint8)
    rows[:, :2] = np.concatenate(strokes)
    rows[np.cumsum([len(stroke) for stroke in strokes]) - 1, 2] = 1
    return rows


def concatenated(parts: list[Drawings]) -> Drawings:
    """All drawings of several sets, one after the other."""
    sizes = np.concatenate([np.diff(part.offsets) for part in parts])
    return Drawings(
        labels=np.concatenate([part.labels for part in parts]),
        key_ids=np.concatenate([part.key_ids for part in parts]),
        bitmaps=np.concatenate([part.bitmaps for part in parts]).reshape(-1, SIDE, SIDE),
        points=np.concatenate([part.points for part in parts]).reshape(-1, 3),
        offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
    )


def without_repeats(drawings: Drawings) -> Drawings:
    """The first of all drawings with one key id, and of all with one bitmap.

    After this no drawing can stand on both sides of a split.
    """
    seen: set[bytes] = set()
    kept = []
    for index in range(len(drawings)):
        names = {hashlib.blake2b(drawings.bitmaps[index].tobytes(), digest_size=16).digest()}
        if drawings.key_ids[index]:
            names.add(drawings.key_ids[index].tobytes())
        if seen.isdisjoint(names):
            kept.append(index)
        seen |= names
    return drawings if len(kept) == len(drawings) else drawings.select(np.array(kept, np.int64))
