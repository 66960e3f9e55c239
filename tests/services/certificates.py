"""Certificate authorities, and what they sign, made for a test."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import trustme
from cryptography.hazmat.primitives import serialization as pem

SERVER_NAMES = ("127.0.0.1", "localhost")

TOKEN = "0123456789abcdef-secret"
"""What the servers of the tests want to be shown."""


@dataclass(frozen=True)
class Identity:
    """A certificate and its private key, as files."""

    certificate: Path
    key: Path

    def encrypted_key(self, folder: Path) -> Path:
        """The same key behind a password, in another file."""
        key = pem.load_pem_private_key(self.key.read_bytes(), None)
        file = folder / "encrypted.pem"
        encryption = pem.BestAvailableEncryption(b"password")
        file.write_bytes(key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, encryption))
        return file


@dataclass(frozen=True)
class Authority:
    """An authority, and one server and one client that it vouches for."""

    ca: Path
    server: Identity
    client: Identity

    @classmethod
    def make(cls, folder: Path) -> Self:
        authority = trustme.CA()
        folder.mkdir(parents=True, exist_ok=True)
        ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(ca))
        return cls(
            ca,
            _issue(authority, folder / "server", *SERVER_NAMES),
            _issue(authority, folder / "client", "client.test"),
        )

    def server_flags(self) -> tuple[str, ...]:
        """What has a server prove that it is this authority's."""
        server = self.server
        return ("--tls-certificate", str(server.certificate), "--tls-key", str(server.key))


def _issue(authority: trustme.CA, folder: Path, *names: str) -> Identity:
    folder.mkdir()
    identity = Identity(folder / "certificate.pem", folder / "key.pem")
    issued = authority.issue_cert(*names)
    for number, part in enumerate(issued.cert_chain_pems):
        part.write_to_path(str(identity.certificate), append=number > 0)
    issued.private_key_pem.write_to_path(str(identity.key))
    identity.key.chmod(0o600)
    return identity
