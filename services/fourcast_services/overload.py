"""The answer to more work than fits."""

RETRY_AFTER_SECONDS = 0.1
"""When a caller should come back who was turned away from work that takes milliseconds."""


class QueueFullError(Exception):
    """Too many calls wait already.

    Attributes:
        retry_after: Seconds after which a new call is worth trying.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after
