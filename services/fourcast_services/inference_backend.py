"""Where the typed services have their models run: in this process, or on another server."""

from dataclasses import dataclass
from typing import Protocol

from fourcast_models.model_config import Arrays


@dataclass(frozen=True, slots=True)
class Inference:
    """What a model answered.

    Attributes:
        outputs: One array for every output, by name.
        version: The version that ran.
    """

    outputs: Arrays
    version: str


class InferenceBackend(Protocol):
    """Runs a model on raw arrays; `Engine` does it here, `RemoteBackend` elsewhere."""

    async def infer(self, model: str, inputs: Arrays, version: str = "") -> Inference:
        """Run a model.

        Args:
            model: Its name.
            inputs: One array for every input, of exactly its element type and shape.
            version: A whole number, or "" for the one that serves by default.

        Raises:
            UnknownModelError: If there is no such model.
            UnknownVersionError: If the model does not serve that version.
            InputError: If the arrays do not fit; the text names the input.
            QueueFullError: If too many requests wait.
            DeadlineError: If the call's deadline passed before its turn.
            BackendError: If another server is to run it, and that one cannot be reached or fails.
        """

    async def close(self) -> None:
        """Finish what was asked for and give everything back."""
