"""The one exception that the client raises when a server cannot or will not answer."""


class FourcastError(Exception):
    """A call failed. The text says in plain words what is wrong and what to do next.

    Attributes:
        code: The gRPC status code's name, such as ``"INVALID_ARGUMENT"`` or ``"UNAVAILABLE"``.
        message: The text, also given by ``str(error)``.
        field: The request field that is wrong, such as ``"position.moves"``; None if the error is
            not about a field.
        retry_after: Seconds after which the server asks to try again; None if it does not ask.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.retry_after = retry_after

    @property
    def reason(self) -> str:
        """The text without the name of the field that it is about."""
        return self.message.removeprefix(f"{self.field}: ")

    @property
    def is_passing(self) -> bool:
        """Whether the same call may succeed later: the server is away, busy or too slow."""
        return self.code in {"UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"}
