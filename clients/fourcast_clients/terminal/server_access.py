"""The flags that say which server to ask, who a person is to it, and which servers to trust."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from fourcast_clients.api import Credentials, CredentialsError
from fourcast_clients.credentials import read_token

_FILE = arg(metavar="FILE", help_behavior_hint="")


@dataclass(frozen=True, kw_only=True)
class ServerAccess:
    """The server, and what goes with it."""

    server: Annotated[
        str | None, arg(metavar="HOST:PORT", help_behavior_hint="(default: one of its own)")
    ] = None
    """Where a fourcast-serve listens."""

    tls: bool = False
    """Encrypt; the server proves itself to a commonly trusted authority, or to one of --ca."""

    ca: Annotated[Path | None, _FILE] = None
    """Encrypt, and trust servers that one of these certificate authorities (PEM) vouches for."""

    certificate: Annotated[Path | None, _FILE] = None
    """Your own certificate (PEM), for a server that asks for one; needs --key."""

    key: Annotated[Path | None, _FILE] = None
    """The certificate's private key (PEM)."""

    token_file: Annotated[Path | None, _FILE] = None
    """File with the token that the server knows you by; sent encrypted, or to this computer."""

    def credentials(self) -> Credentials:
        """What the flags say, read and checked.

        Raises:
            CredentialsError: If they cannot be used; see `flag`.
        """
        return Credentials(
            tls=self.tls,
            ca=self.ca,
            certificate=self.certificate,
            key=self.key,
            token=read_token(self.token_file) if self.token_file is not None else None,
        )


def flag(error: CredentialsError) -> str:
    """The flag that an error is about."""
    # A token is never on the command line itself, where every user of the computer could see it.
    field = "token_file" if error.field == "token" else error.field
    return f"--{field.replace('_', '-')}"
