"""What each version of a model is up to: the lines of the repository's index."""

from dataclasses import dataclass
from enum import Enum

UNLOADED = "unloaded"
"""The reason in the index of a model that was taken away on request."""


class State(Enum):
    """What a version is up to, in Triton's words."""

    READY = "READY"
    UNLOADING = "UNLOADING"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class VersionState:
    """One line of the repository's index.

    Attributes:
        model: The model's name.
        version: A whole number; "" if the model as a whole cannot be read.
        state: What it is up to.
        reason: Why it is not ready; "" if it is.
    """

    model: str
    version: str
    state: State
    reason: str = ""
