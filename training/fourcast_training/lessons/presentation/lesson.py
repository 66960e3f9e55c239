"""What a lesson consists of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from fourcast_training.lessons.presentation.text import Language, Text

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """A number of the course, and the same one computed here.

    Attributes:
        what: Its name.
        slide: As the slides print it; "" where they print none.
        numpy: Computed by the lesson's own code.
        torch: Computed by torch; None where it has nothing to compute.
        wrong: Where the slide differs: what is wrong with it.
    """

    what: Text | str
    slide: str
    numpy: float
    torch: float | None = None
    wrong: Text | None = None

    @property
    def agrees(self) -> bool:
        """Whether the slide's number is ours to the last digit that it prints."""
        printed = Decimal(self.slide)
        unit = Decimal(1).scaleb(int(printed.as_tuple().exponent))
        return abs(Decimal(self.numpy) - printed) <= unit / 2


@dataclass(frozen=True)
class Table:
    """Measurements that no slide has; each row has a cell for each head."""

    title: Text
    heads: Sequence[Text | str]
    rows: Sequence[Sequence[Text | str]]


@dataclass(frozen=True)
class Lesson:
    """One idea: words, numbers beside the course's, a picture.

    Attributes:
        title: One line.
        explanation: A few sentences; a blank line between paragraphs.
        source: Where in the course the numbers stand.
        rows: Computes the worked numbers.
        draw: Draws the picture into an empty figure.
        tables: Computes further tables.
        remarks: What the slides say, and what is right, one line each.
        size: Of the picture, in inches.
    """

    title: Text
    explanation: Text
    source: str
    rows: Callable[[], Sequence[Row]]
    draw: Callable[[Figure, Language], None]
    tables: Callable[[], Sequence[Table]] = tuple
    remarks: Sequence[Text] = ()
    size: tuple[float, float] = (12, 4.4)
