"""A series of daily closes, and what it must be before anything is forecast from it.

Training and the service both ask here, so that a series is refused for the same reasons and in the
same words everywhere.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Closes = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

DAY = np.timedelta64(1, "D")

UNKNOWN_WEEKDAY = 7
"""Beside 0 for Monday to 6 for Sunday: of a day whose date nobody said."""

_LISTED = 3
"""Missing days that an error lists."""


class SeriesError(ValueError):
    """A series cannot be used.

    Attributes:
        place: The position (from 0) of the value that is wrong, None if it is the series as a
            whole.
        column: "date" or "close".
        problem: What is wrong there and what would be right.
    """

    def __init__(self, place: int | None, column: str, problem: str) -> None:
        where = column if place is None else f"{column}[{place}]"
        super().__init__(f"{where}: {problem}")
        self.place = place
        self.column = column
        self.problem = problem


def checked_closes(closes: npt.ArrayLike, fewest: int) -> Closes:
    """Closing prices that a model can read, as float64 [T].

    Args:
        closes: The oldest first, in any currency: positive and finite.
        fewest: How many there must be; the last that many must not all be equal.

    Raises:
        SeriesError: If they are not.
    """
    array = np.asarray(closes, dtype=np.float64)
    if array.ndim != 1:
        raise SeriesError(None, "close", f"one row of prices is wanted, not shape {array.shape}")
    wrong = np.flatnonzero(~(np.isfinite(array) & (array > 0)))
    if len(wrong):
        place = int(wrong[0])
        value = array[place]
        problem = f"{value} is not a price: it must be a finite number above 0"
        if np.isnan(value):
            problem = "there is no price (NaN): leave no day out, and fill none with a guess"
        raise SeriesError(place, "close", problem)
    if len(array) < fewest:
        raise SeriesError(
            None, "close", f"{len(array)} days are too few: this model needs at least {fewest}"
        )
    recent = array[-fewest:]
    if fewest > 1 and bool((recent == recent[0]).all()):
        raise SeriesError(
            None,
            "close",
            f"all of the last {fewest} prices are {recent[0]}: a price that never moves has no "
            "volatility to forecast from",
        )
    return array


def checked_days(days: npt.ArrayLike) -> Days:
    """The days of a series, datetime64[D] [T]: one after the other, without a gap.

    Raises:
        SeriesError: If a day is missing, repeated or out of order.
    """
    array = np.asarray(days, dtype="datetime64[D]")
    steps = np.diff(array)
    wrong = np.flatnonzero(steps != DAY)
    if not len(wrong):
        return array
    place = int(wrong[0]) + 1
    before, day = array[place - 1], array[place]
    if day == before:
        problem = f"{day} stands here twice: each day must stand once"
    elif day < before:
        problem = f"{day} comes after {before}: sort the days, the oldest first"
    else:
        missing = np.arange(before + DAY, day, DAY)
        shown = ", ".join(str(one) for one in missing[:_LISTED])
        more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
        problem = f"no price for {shown}{more}: every day from the first to the last is wanted"
    raise SeriesError(place, "date", problem)


def unknown_days(count: int) -> Days:
    """The days of a series that came without dates, datetime64[D] [T], none of which is known."""
    return np.full(count, "NaT", dtype="datetime64[D]")


def weekdays_of(days: Days) -> npt.NDArray[np.int64]:
    """The days of the week, int64 of the same shape: 0 is Monday, 6 is Sunday, 7 is not known."""
    # 1970-01-01 was a Thursday.
    weekdays = (days.astype("datetime64[D]").astype(np.int64) + 3) % 7
    return np.where(np.isnat(days), UNKNOWN_WEEKDAY, weekdays)


@dataclass(frozen=True)
class Series:
    """Daily closes without a gap, the oldest first.

    Attributes:
        name: What to call it.
        days: UTC days, datetime64[D] [T]; all of them NaT if they are not known.
        closes: Positive prices, float64 [T].
    """

    name: str
    days: Days
    closes: Closes

    def __len__(self) -> int:
        """How many days."""
        return len(self.closes)

    @property
    def weekdays(self) -> npt.NDArray[np.int64]:
        """Of each day, int64 [T], 0 for Monday, 7 where it is not known."""
        return weekdays_of(self.days)

    @property
    def log_returns(self) -> npt.NDArray[np.float64]:
        """Of each day but the first, float64 [T - 1]."""
        return np.log(self.closes[1:] / self.closes[:-1])

    @property
    def sha256(self) -> str:
        """Of the days and the closes."""
        days = self.days.astype("datetime64[D]").astype(np.int64)
        return hashlib.sha256(days.tobytes() + self.closes.tobytes()).hexdigest()

    def until(self, days: int) -> "Series":
        """The first days alone."""
        return Series(self.name, self.days[:days], self.closes[:days])
