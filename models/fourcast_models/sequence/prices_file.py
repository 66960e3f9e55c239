"""How a series of daily closes is read from a CSV file.

Every cell is checked, and an error names the line and the column. Nothing is repaired: a gap that
is filled silently is a forecast that is wrong silently.
"""

import csv
import io
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from fourcast_models.sequence.series import (
    Series,
    SeriesError,
    checked_closes,
    checked_days,
)

_CANDLE = ("open", "high", "low")
"""Columns that may be there besides the date and the close, and are prices."""

_ROUNDING = 1e-6
"""Share of the price by which sources round the close beyond the day's highest or lowest."""


def read_series(file: Path) -> Series:
    """Read a file; see `parse_series`.

    Raises:
        OSError: If it cannot be opened.
        ValueError: If it cannot be used; the text names the file, the line and the column.
    """
    content = file.read_bytes()
    try:
        return parse_series(content, file.stem)
    except ValueError as error:
        raise ValueError(f"{file}, {error}") from None


def parse_series(content: bytes, name: str) -> Series:
    """Read the content of a CSV file with the columns `date` and `close`.

    There may be `open`, `high`, `low` and `volume`, which are checked. The names may be written in
    capitals and stand in any order; other columns are passed over. Dates are UTC days such as
    2024-01-31, or moments such as 2024-01-31T00:00:00Z, which must be midnight in UTC.

    Args:
        content: Text in UTF-8.
        name: What to call the series.

    Raises:
        ValueError: If it cannot be used; the text names the line and the column.
    """
    try:
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        columns = _columns(next(rows, []))
        lines, days, closes = [], [], []
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            place = f"line {rows.line_num}"
            cells = {
                name: row[number].strip() if number < len(row) else ""
                for name, number in columns.items()
            }
            days.append(_day(cells["date"], place))
            closes.append(_close(cells, place))
            lines.append(rows.line_num)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"this is no CSV file in UTF-8: {error}") from None
    try:
        return Series(
            name,
            checked_days(np.array(days, dtype="datetime64[D]")),
            checked_closes(closes, fewest=1),
        )
    except SeriesError as error:
        where = "" if error.place is None else f"line {lines[error.place]}, "
        raise ValueError(f"{where}column {error.column!r}: {error.problem}") from None


def write_series(series: Series) -> bytes:
    """The content of a CSV file that `read_series` reads back exactly."""
    rows = (
        f"{day},{close!r}\n" for day, close in zip(series.days, series.closes.tolist(), strict=True)
    )
    return ("date,close\n" + "".join(rows)).encode()


def _columns(header: list[str]) -> dict[str, int]:
    """The places of the known columns."""
    names = [name.strip().lower() for name in header]
    known = ("date", "close", *_CANDLE, "volume")
    for name in known:
        if names.count(name) > 1:
            raise ValueError(f"line 1: the column {name!r} is there twice")
    for name in ("date", "close"):
        if name not in names:
            raise ValueError(
                f"line 1: there is no column {name!r}, but {', '.join(header) or 'nothing'}"
            )
    return {name: names.index(name) for name in known if name in names}


def _day(text: str, place: str) -> np.datetime64:
    problem = f"{place}, column 'date': "
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{problem}{text!r} is not a day such as 2024-01-31") from None
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    if (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0):
        raise ValueError(
            f"{problem}{text!r} is {moment} in UTC: daily prices begin at midnight in UTC; give "
            "days without a time or a time zone if they begin at another moment"
        )
    return np.datetime64(moment, "D")


def _close(cells: Mapping[str, str], place: str) -> float:
    """The close, after the row's other prices were compared with it."""
    numbers = {name: _number(cells[name], name, place) for name in cells if name != "date"}
    for name in _CANDLE:
        if name in numbers and not numbers[name] > 0:
            raise ValueError(f"{place}, column {name!r}: {numbers[name]} is not a price above 0")
    if numbers.get("volume", 0.0) < 0:
        raise ValueError(f"{place}, column 'volume': {numbers['volume']} is below 0")
    close = numbers["close"]
    low, high = numbers.get("low", close), numbers.get("high", close)
    # A close that is NaN or not positive is for `checked_closes` to say, in its words.
    if close > 0 and not low * (1 - _ROUNDING) <= close <= high * (1 + _ROUNDING):
        raise ValueError(
            f"{place}, column 'close': {close} does not lie between the day's low {low} and its "
            f"high {high}"
        )
    return close


def _number(text: str, column: str, place: str) -> float:
    if not text and column == "close":
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise ValueError(
            f"{place}, column {column!r}: {text!r} is not a number such as 42000.5"
        ) from None
