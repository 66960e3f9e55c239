"""What forecasts and backtests are, as a caller sees them: frozen records."""

from dataclasses import dataclass
from datetime import date
from enum import Enum


class Outcome(Enum):
    """What may be claimed of a forecast beside repeating the last price."""

    BETTER = "better than"
    AS_GOOD = "as good as"
    WORSE = "worse than"
    UNKNOWN = "too few days"


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a close is expected to lie.

    Attributes:
        level: Per cent of the outcomes that it is meant to hold: 50, 80 or 95.
        lower: Its lower end, in the unit of the prices.
        upper: Its upper end.
    """

    level: int
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is expected of one day.

    Attributes:
        ahead: How many days after the last one that is known, from 1.
        day: The UTC day; None if the days are not known.
        median: The close that is as likely to be exceeded as not.
        intervals: One for each level, the lowest first.
        volatility: Standard deviation of the day's log return; 0.03 is about 3 %.
        magnitude: Mean of the absolute value of the day's log return.
    """

    ahead: int
    day: date | None
    median: float
    intervals: tuple[Interval, ...]
    volatility: float
    magnitude: float


@dataclass(frozen=True, slots=True)
class Close:
    """A price that is known.

    Attributes:
        day: The UTC day; None if the days are not known.
        close: In the unit of the prices.
    """

    day: date | None
    close: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What forecasts of a model were worth beside repeating the last price.

    Attributes:
        ahead: How many days ahead.
        outcome: What may be claimed.
        p_value: The chance of so large a difference if both were equally good, 0 to 1.
        statistic: Of the test of Diebold and Mariano, negative where the model is better.
        days: How many forecasts were compared.
        unseen: Whether the model's training saw none of those days; None if nobody knows.
        text: All of it in words.
    """

    ahead: int
    outcome: Outcome
    p_value: float
    statistic: float
    days: int
    unseen: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of the next days.

    Attributes:
        prospects: The days in order.
        verdicts: One day ahead, and as far as was asked for.
        corrected_by: How many earlier forecasts correct the intervals one day ahead, 0 to 365.
        recent: The last days that are known, at most 90, the oldest first.
        model: The model that answered.
        model_version: Its version, a whole number as text.
        trained_until: The last day that its training saw.
    """

    prospects: tuple[Prospect, ...]
    verdicts: tuple[Verdict, ...]
    corrected_by: int
    recent: tuple[Close, ...]
    model: str
    model_version: str
    trained_until: date


@dataclass(frozen=True, slots=True)
class Score:
    """How good one forecast was, so many days ahead.

    Attributes:
        forecast: "naive" (the last price), "drift", "har" or the model's name.
        ahead: How many days ahead.
        days: How many days have an outcome.
        mean_absolute_error: Of the median, in the unit of the prices.
        ratio: That error over naive's.
        outcome: What may be claimed beside naive.
        p_value: As in `Verdict`.
        direction: Share of days whose move has the forecast's sign; None if it names none.
        coverage: Share of the outcomes inside each interval, by level.
        magnitude_ratio: Mean squared error of the forecast absolute log return over that of
            yesterday's.
        qlike: Of the forecast volatility; lower is better.
    """

    forecast: str
    ahead: int
    days: int
    mean_absolute_error: float
    ratio: float
    outcome: Outcome
    p_value: float
    direction: float | None
    coverage: dict[int, float]
    magnitude_ratio: float
    qlike: float


@dataclass(frozen=True, slots=True)
class PastDay:
    """What a model forecast one day ahead, and what happened.

    Attributes:
        day: The UTC day that was forecast; None if the days are not known.
        close: The close that came.
        median: The one that was forecast.
        intervals: Of every level, the lowest first.
        magnitude: The mean absolute log return that was forecast.
        size: The absolute log return that came.
    """

    day: date | None
    close: float
    median: float
    intervals: tuple[Interval, ...]
    magnitude: float
    size: float


@dataclass(frozen=True, slots=True)
class Backtest:
    """How good a model was on the last days.

    Attributes:
        scores: For each number of days ahead: naive, drift, har and the model.
        always_up: By days ahead: the share of days on which saying "up" is right.
        verdicts: One day ahead, and as far as was asked for.
        test_days: The days in order.
        seen_days: How many of them were over when the model's training ended: figures of those are
            too good. None if the days are not known.
        model: The model that was tested.
        model_version: Its version, a whole number as text.
        trained_until: The last day that its training saw.
    """

    scores: tuple[Score, ...]
    always_up: dict[int, float]
    verdicts: tuple[Verdict, ...]
    test_days: tuple[PastDay, ...]
    seen_days: int | None
    model: str
    model_version: str
    trained_until: date
