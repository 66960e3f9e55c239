"""The server that a command asks: the one that is given, or one of its own while it runs."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from fourcast_clients.api import CredentialsError, Fourcast
from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.local_service import LocalService
from fourcast_clients.terminal.server_access import ServerAccess, flag

READY_SECONDS = 5.0
"""How long a server that is given may take to answer."""

LOCAL_READY_SECONDS = 120.0
"""How long a service of one's own may take to load its models on a busy machine."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A server that is ready.

    Attributes:
        fourcast: Its client.
        service: The service itself, if it is one of the command's own.
    """

    fourcast: Fourcast
    service: LocalService | None


@contextmanager
def connected(access: ServerAccess) -> Iterator[Connection]:
    """Connect as the flags say, and stop at the end what was started.

    Raises:
        UsageError: If a flag's value is wrong.
        FourcastError: If the server is not ready in time.
        LocalServiceError: If a service of one's own does not start.
    """
    if access.server is None and access != ServerAccess():
        raise UsageError(
            "--tls, --ca, --certificate, --key and --token-file go with --server HOST:PORT: a "
            "service of one's own needs none of them"
        )
    with ExitStack() as stack:
        service = stack.enter_context(LocalService()) if access.server is None else None
        try:
            fourcast = Fourcast(
                service.server if service else access.server or "",
                credentials=access.credentials(),
            )
        except CredentialsError as error:
            raise UsageError(f"{flag(error)}: {error.reason}") from None
        except ValueError as error:
            raise UsageError(f"--server: {error}") from None
        stack.enter_context(fourcast)
        fourcast.wait_until_ready(LOCAL_READY_SECONDS if service else READY_SECONDS)
        yield Connection(fourcast, service)
