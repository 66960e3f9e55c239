"""Made-up rows of the same form, for tests: about as many, as skewed, and as hard to tell apart."""

import numpy as np

from fourcast_models.tabular.coimbra import COLUMNS, GLUCOSE, RESISTIN
from fourcast_training.tabular.data import Table

SHIFTS = {GLUCOSE.name: 0.8, RESISTIN.name: 0.6}
"""How much higher the mean of a patient's logarithm is, in standard deviations."""


def generate_table(rows: int, seed: int) -> Table:
    """Rows whose logarithms are normal about the middle of each range; half are patients.

    Args:
        rows: How many.
        seed: Of everything random.
    """
    random = np.random.default_rng(seed)
    labels = np.arange(rows, dtype=np.int64) % 2
    columns = []
    for feature in COLUMNS:
        low, high = np.log(feature.minimum), np.log(feature.maximum)
        shift = SHIFTS.get(feature.name, 0.0)
        normal = random.normal(size=rows) + shift * (labels - 0.5)
        logarithm = (low + high) / 2 + (high - low) / 6 * normal
        columns.append(np.exp(np.clip(logarithm, low, high)))
    values = np.clip(
        np.column_stack(columns),
        [feature.minimum for feature in COLUMNS],
        [feature.maximum for feature in COLUMNS],
    )
    return Table(values, labels)
