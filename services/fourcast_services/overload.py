"""The answer to more work than fits."""


class QueueFullError(Exception):
    """Too many calls wait already.

    Attributes:
        retry_after: Seconds after which a new call is worth trying.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after
