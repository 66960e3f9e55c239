"""How good guesses are: accuracy, calibration, and which categories are taken for which.

Everything here reads probabilities float32 [N, 345] and labels int64 [N]. All shares are means over
drawings; the splits hold as many drawings of every category, so they are balanced over categories.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from fourcast_models.doodle.codec import CATEGORIES

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

BINS = 15
"""Of the expected calibration error."""


@dataclass(frozen=True)
class Figures:
    """Shares from 0 to 1.

    Attributes:
        drawings: How many were measured.
        top1: The most probable category is right.
        top3: One of the three most probable is right.
        map3: Mean average precision of three guesses: 1 for a right first one, 1/2 for a right
            second one, 1/3 for a right third one.
        calibration_error: The expected calibration error (Naeini et al., 2015; Guo et al., 2017)
            over BINS equal intervals of the top probability.
        loss: Mean cross-entropy, in nats.
    """

    drawings: int
    top1: float
    top3: float
    map3: float
    calibration_error: float
    loss: float

    def metrics(self) -> dict[str, float]:
        """The shares and the loss by name."""
        return {name: value for name, value in asdict(self).items() if name != "drawings"}


def measure(probabilities: Floats, labels: Labels) -> Figures:
    """The figures of N guesses."""
    ranks = ranks_of(probabilities, labels)
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return Figures(
        drawings=len(labels),
        top1=float((ranks == 0).mean()),
        top3=float((ranks < 3).mean()),
        map3=float(np.where(ranks < 3, 1 / (1 + ranks), 0).mean()),
        calibration_error=calibration_error(probabilities.max(axis=1), ranks == 0),
        loss=float(-np.log(np.maximum(right, 1e-12)).mean()),
    )


def ranks_of(probabilities: Floats, labels: Labels) -> npt.NDArray[np.int64]:
    """How many categories are more probable than the right one, int64 [N]; ties count as more."""
    right = probabilities[np.arange(len(labels)), labels]
    ranks: npt.NDArray[np.int64] = (probabilities >= right[:, None]).sum(axis=1) - 1
    return ranks


def calibration_error(confidence: Floats, is_right: npt.NDArray[np.bool_]) -> float:
    """How far confidence and accuracy lie apart, averaged over drawings in bins of confidence.

    Args:
        confidence: The top probability, float [N].
        is_right: Whether that category is right, bool [N].
    """
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, confidence - is_right.astype(np.float64), BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def accuracy_by_category(probabilities: Floats, labels: Labels) -> dict[str, float]:
    """The share of right first guesses of every category that occurs, the worst first."""
    is_right = ranks_of(probabilities, labels) == 0
    counts = np.bincount(labels, minlength=len(CATEGORIES))
    hits = np.bincount(labels, is_right, len(CATEGORIES))
    found = {
        CATEGORIES[label]: float(hits[label] / counts[label]) for label in np.flatnonzero(counts)
    }
    return dict(sorted(found.items(), key=lambda item: item[1]))


@dataclass(frozen=True)
class Confusion:
    """Drawings of one category of which the first guess is another.

    Attributes:
        drawn: The right label.
        guessed: The label that is guessed.
        share: Of the drawings of `drawn`, from 0 to 1.
        examples: Their places, the most confident first.
    """

    drawn: int
    guessed: int
    share: float
    examples: tuple[int, ...]


def confusions(probabilities: Floats, labels: Labels, most: int) -> list[Confusion]:
    """The commonest confusions, at most this many."""
    guesses = probabilities.argmax(axis=1)
    pairs = labels * len(CATEGORIES) + guesses
    names, counts = np.unique(pairs[guesses != labels], return_counts=True)
    found = []
    for place in np.argsort(-counts, kind="stable")[:most]:
        drawn, guessed = divmod(int(names[place]), len(CATEGORIES))
        members = np.flatnonzero(pairs == names[place])
        examples = members[np.argsort(-probabilities[members, guessed], kind="stable")]
        share = float(counts[place] / (labels == drawn).sum())
        found.append(Confusion(drawn, guessed, share, tuple(examples.tolist())))
    return found


def area_under_curve(positive: Floats, negative: Floats) -> float:
    """The chance that a score of the first kind is higher than one of the second; ties count half.

    The area under the receiver operating characteristic (Hanley and McNeil, 1982).
    """
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.mean() / (2 * len(negative)))


def table(rows: Mapping[str, Figures], first_column: str) -> str:
    """The figures as a table in Markdown."""
    lines = [
        f"| {first_column} | drawings | top-1 | top-3 | MAP@3 | calibration error | loss |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in rows.items():
        lines.append(
            f"| {name} | {row.drawings} | {row.top1:.2%} | {row.top3:.2%} | {row.map3:.4f} "
            f"| {row.calibration_error:.4f} | {row.loss:.4f} |"
        )
    return "\n".join(lines)
