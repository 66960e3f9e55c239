"""The library: every monomial of the variables up to a degree, as columns of a matrix."""

from collections import Counter
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SUPERSCRIPTS = {1: "", 2: "²", 3: "³", 4: "⁴", 5: "⁵"}

MAX_DEGREE = max(_SUPERSCRIPTS)


@dataclass(frozen=True)
class Library:
    """1, x, y, z, x², xy, ... by degree.

    Attributes:
        variables: Their names.
        degree: Of the monomials at most, 1 to 5.

    Raises:
        ValueError: If the degree is another one.
    """

    variables: tuple[str, ...]
    degree: int

    def __post_init__(self) -> None:
        """Refuse what has no name."""
        if not 1 <= self.degree <= MAX_DEGREE:
            raise ValueError(f"degree {self.degree} is not between 1 and {MAX_DEGREE}")

    @property
    def terms(self) -> list[str]:
        """The name of each column: "1", "x" or "xy²"."""
        names = []
        for monomial in self._monomials():
            powers = Counter(self.variables[i] for i in monomial)
            names.append("".join(v + _SUPERSCRIPTS[n] for v, n in powers.items()) or "1")
        return names

    def evaluate(self, states: Floats) -> Floats:
        """Every term at states [N, variables], float64 [N, terms]."""
        columns = [np.prod(states[:, list(monomial)], axis=1) for monomial in self._monomials()]
        return np.stack(columns, axis=1)

    def _monomials(self) -> list[tuple[int, ...]]:
        """Each as the variables that are multiplied: of x, y, z, xy² is (0, 1, 1)."""
        return [
            monomial
            for degree in range(self.degree + 1)
            for monomial in combinations_with_replacement(range(len(self.variables)), degree)
        ]
