"""What was measured, summed up over pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.stego.footprint import Footprint
from benchmarks.stego.measure import EXACT, WRONG, Record


@dataclass(frozen=True, slots=True)
class Summary:
    """One method on one set of pictures.

    Attributes:
        records: Of each picture.
    """

    records: Sequence[Record]

    @property
    def hidden(self) -> list[Record]:
        """Those in which a text was hidden."""
        return [record for record in self.records if not record.refused]

    @property
    def refused(self) -> int:
        """In how many nothing was hidden."""
        return len(self.records) - len(self.hidden)

    def sizes(self) -> tuple[int, int]:
        """Bytes of the shortest and of the longest text."""
        sizes = [record.size for record in self.records]
        return min(sizes), max(sizes)

    def psnr(self) -> tuple[float, float]:
        """Mean and minimum, in dB."""
        return _mean_and_least([record.psnr for record in self.hidden])

    def ssim(self) -> tuple[float, float]:
        """Mean and minimum."""
        return _mean_and_least([record.ssim for record in self.hidden])

    def share(self, change: str, outcome: str = EXACT) -> float | None:
        """Of all pictures, those with an outcome after a change; None if it was not made.

        A picture in which nothing was hidden gave no text back.
        """
        if not any(change in record.outcomes for record in self.records):
            return None
        return sum(r.outcomes.get(change) == outcome for r in self.records) / len(self.records)

    def wrong(self) -> int:
        """Texts that came back otherwise, after whatever change."""
        return sum(list(record.outcomes.values()).count(WRONG) for record in self.records)


@dataclass(frozen=True, slots=True)
class Results:
    """All of it.

    Attributes:
        summaries: By the name of the set and of the method.
        rejections: Of each kind of picture, the number of each outcome.
        curves: The detector's area under the curve, by method; None where nothing was hidden.
        quick: Time and memory at 256x256, by profile.
        large: The same for a large picture.
        large_side: Its side.
    """

    summaries: Mapping[tuple[str, str], Summary]
    rejections: Mapping[str, Mapping[str, int]]
    curves: Mapping[str, float | None]
    quick: Mapping[str, Footprint]
    large: Mapping[str, Footprint]
    large_side: int


def _mean_and_least(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return float("nan"), float("nan")
    return float(np.mean(values)), min(values)
