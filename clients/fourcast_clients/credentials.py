"""What a client shows to a server, and what it wants to be shown."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path


class CredentialsError(ValueError):
    """Credentials cannot be used, alone or with the server that they are for.

    Attributes:
        field: Which of the `Credentials` it is about, such as ``"ca"``.
        reason: What is wrong, and what would be right.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """Who a client is, and whom it trusts. Without any of them, calls are plain text.

    Attributes:
        tls: Whether to encrypt although there is no ``ca``; the server must then have proved
            itself to an authority that is commonly trusted. With ``ca`` calls are encrypted anyhow.
        ca: Certificates (PEM) of the authorities that may vouch for the server.
        certificate: The client's own certificate chain (PEM), for a server that asks for one.
        key: Its private key (PEM).
        token: A secret that the server knows its callers by. It leaves this computer encrypted
            only.
    """

    tls: bool = False
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse what no server can take.

        Raises:
            CredentialsError: If a file is missing or is not what it should be, a certificate lacks
                its key, or the token is not one word of visible ASCII characters.
        """
        if (self.certificate is None) != (self.key is None):
            missing, given = ("key", "certificate") if self.key is None else ("certificate", "key")
            raise CredentialsError(missing, f"is missing; it belongs to the {given}")
        if self.ca is not None:
            read_file("ca", self.ca)
            _check_authorities(self.ca)
        if self.certificate is not None and self.key is not None:
            read_file("certificate", self.certificate)
            read_file("key", self.key)
            _check_pair(self.certificate, self.key)
        if self.token is not None:
            check_token("token", self.token)

    @property
    def encrypts(self) -> bool:
        """Whether calls go over TLS."""
        return self.tls or self.ca is not None or self.certificate is not None


def read_file(field: str, path: Path) -> bytes:
    """A file's content.

    Raises:
        CredentialsError: If it is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise CredentialsError(field, f"cannot read {path}: {error.strerror}") from None


def read_token(path: Path) -> str:
    """The token in a file, without the whitespace around it.

    Raises:
        CredentialsError: If the file cannot be read or holds no token; its field is
            ``"token_file"``.
    """
    content = read_file("token_file", path).strip().decode("ascii", errors="replace")
    check_token("token_file", content)
    return content


def check_token(field: str, token: str) -> None:
    """Refuse what the metadata of a call cannot carry.

    Raises:
        CredentialsError: If the token is not one word of visible ASCII characters.
    """
    if not token or not all("!" <= character <= "~" for character in token):
        raise CredentialsError(
            field, "a token is one word of ASCII letters, digits and signs, as the server's is"
        )


def _check_authorities(path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        raise CredentialsError(
            "ca", f"{path} is not a PEM file of certificates (-----BEGIN CERTIFICATE-----)"
        ) from None


def _check_pair(certificate: Path, key: Path) -> None:
    """Refuse what gRPC would take without a word, only to fail every handshake."""

    def refuse_password() -> str:
        # Without this, OpenSSL would ask on the terminal.
        raise CredentialsError("key", f"{key} is encrypted with a password: give it without one")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, refuse_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            reason = f"{key} is not the key of the first certificate in {certificate}"
        else:
            reason = f"{certificate} and {key} are not a certificate and its private key in PEM"
        raise CredentialsError("key", reason) from None
