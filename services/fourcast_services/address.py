"""Where a server listens, and what to say when it cannot."""


class BindError(Exception):
    """The address cannot be listened on."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"cannot listen on {host}:{port}: another program has the port, or the host is none of "
            "this computer's addresses; port 0 takes a free one"
        )
