"""Where the server listens that runs the models, as `--backend` says it."""

import ipaddress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

_SCHEMES = {"grpc": False, "grpcs": True}


@dataclass(frozen=True, slots=True)
class BackendAddress:
    """The address of another server.

    Attributes:
        host: A name or an address.
        port: 1 to 65535.
        encrypted: Whether over TLS.
    """

    host: str
    port: int
    encrypted: bool

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read "grpc://HOST:PORT", or "grpcs://HOST:PORT" for TLS.

        Raises:
            ValueError: If it is not like that; the text names the flag.
        """
        problem = ValueError(
            f"--backend is {url!r}, but must be grpc://HOST:PORT, or grpcs://HOST:PORT for TLS"
        )
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise problem from None
        if parts.scheme not in _SCHEMES or not parts.hostname or not port:
            raise problem
        if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
            raise problem
        return cls(parts.hostname, port, _SCHEMES[parts.scheme])

    @property
    def target(self) -> str:
        """What gRPC calls it: "HOST:PORT"."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this very computer."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
