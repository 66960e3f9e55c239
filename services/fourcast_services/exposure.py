"""What an operator should hear about who can reach the server and read its secrets."""

import stat
from collections.abc import Iterator

from fourcast_services.settings import Settings


def warnings(settings: Settings) -> Iterator[str]:
    """What is allowed but seldom meant, a line each for the log.

    Args:
        settings: What the server is started with.
    """
    access = settings.access
    if not settings.only_this_computer:
        if access.token_file is None and access.client_ca is None:
            yield (
                f"everybody who reaches {settings.host} may call: --token-file or --client-ca says "
                "who may"
            )
        elif access.tls_certificate is None:
            yield (
                "the token travels in plain text: give --tls-certificate and --tls-key, unless "
                "something in front of this server encrypts"
            )
    for flag, path in (
        ("--token-file", access.token_file),
        ("--tls-key", access.tls_key),
        ("--backend-token-file", settings.backend_token_file),
    ):
        # A file that is not there is an error, and not this function's.
        if path is not None and path.exists() and path.stat().st_mode & stat.S_IROTH:
            yield f"{flag}: every user of this computer can read {path}; take that away: chmod 600"
