"""The table of Breast Cancer Coimbra as the publisher's CSV file has it, every cell checked."""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fourcast_models.tabular.coimbra import CLASSES, COLUMNS, Feature

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

CLASS_COLUMN = "Classification"

PUBLISHED_HASH = "ca699ca79557654328edb1ee1e1ed434806847ea12ed873a1eaafc25f02b575f"
"""`table_hash` of the 116 rows of UCI data set 451."""

FEWEST_OF_A_CLASS = 25
"""Five folds, and three more in each training part, need some rows of either class in each."""


@dataclass(frozen=True)
class Table:
    """Measurements and classes.

    Attributes:
        values: As measured, float64 [N, 9], in the order and the units of `COLUMNS`.
        labels: Places in `CLASSES`, int64 [N].
    """

    values: Floats
    labels: Labels

    @property
    def logarithms(self) -> Floats:
        """The natural logarithms of the values, float64 [N, 9]: most of them are skewed."""
        return np.log(self.values)


def read_table(file: Path) -> Table:
    """Read a CSV file with the nine columns and `Classification`, 1 (control) or 2 (patient).

    Raises:
        ValueError: If the file cannot be used; the text names the line and the column.
    """
    with file.open(newline="", encoding="utf-8-sig") as stream:
        rows = csv.reader(stream)
        header = [name.strip() for name in next(rows, [])]
        expected = [*(feature.name for feature in COLUMNS), CLASS_COLUMN]
        if header != expected:
            raise ValueError(
                f"{file}, line 1: the columns are {', '.join(header) or 'none'}; right would be "
                f"{', '.join(expected)}"
            )
        values, labels = [], []
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            place = f"{file}, line {rows.line_num}"
            if len(row) != len(expected):
                raise ValueError(f"{place}: {len(row)} cells; right would be {len(expected)}")
            values.append([_value(row[i], COLUMNS[i], place) for i in range(len(COLUMNS))])
            labels.append(_label(row[-1], place))
    table = Table(np.array(values).reshape(-1, len(COLUMNS)), np.array(labels, dtype=np.int64))
    for label, name in enumerate(CLASSES):
        count = int(np.sum(table.labels == label))
        if count < FEWEST_OF_A_CLASS:
            raise ValueError(
                f"{file}: {count} rows of class {label + 1} ({name}); there must be at least "
                f"{FEWEST_OF_A_CLASS}"
            )
    return table


def write_table(table: Table) -> bytes:
    """The content of a CSV file that `read_table` reads back exactly."""
    lines = [",".join([*(feature.name for feature in COLUMNS), CLASS_COLUMN])]
    lines += [
        ",".join([*map(repr, values), str(label + 1)])
        for values, label in zip(table.values.tolist(), table.labels.tolist(), strict=True)
    ]
    return ("\n".join(lines) + "\n").encode()


def table_hash(table: Table) -> str:
    """SHA-256 of the numbers in the order of the rows, whatever a file's line endings are."""
    content = table.values.astype("<f8").tobytes() + table.labels.astype("<i8").tobytes()
    return hashlib.sha256(content).hexdigest()


def _value(text: str, feature: Feature, place: str) -> float:
    place = f"{place}, column {feature.name!r}"
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{place}: {text!r} is not a number such as 23.5") from None
    problem = feature.problem(value)
    if problem is not None:
        raise ValueError(f"{place}: {problem}")
    return value


def _label(text: str, place: str) -> int:
    if text.strip() not in ("1", "2"):
        raise ValueError(
            f"{place}, column {CLASS_COLUMN!r}: {text!r} is neither 1 (control) nor 2 (patient)"
        )
    return int(text) - 1
