"""An opening book without openings, for searches that take long."""

from pathlib import Path

import numpy as np


def write_no_openings(folder: Path) -> Path:
    """The file of such a book."""
    file = folder / "no_openings.npz"
    np.savez(file, keys=np.zeros(0, dtype=np.int64), values=np.zeros((0, 7), dtype=np.int8))
    return file
