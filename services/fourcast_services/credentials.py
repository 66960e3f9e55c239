"""The files that say who may call: certificates, keys and the token."""

import ssl
from pathlib import Path

import grpc

from fourcast_services.settings import Access

MIN_TOKEN_CHARACTERS = 16
"""Shorter secrets can be guessed."""


class CredentialsError(Exception):
    """A certificate, key or token cannot be used; the text names the flag and the file."""


def server_credentials(access: Access) -> grpc.ServerCredentials | None:
    """What the server proves itself with, and asks of its callers.

    Args:
        access: The flags. A certificate comes with its key, and a client CA with both.

    Returns:
        Credentials for TLS, for mutual TLS if there is a client CA; None for plain text.

    Raises:
        CredentialsError: If a file is missing, cannot be read or is not PEM, or if the key is not
            the certificate's.
    """
    if access.tls_certificate is None or access.tls_key is None:
        return None
    certificate = _read("--tls-certificate", access.tls_certificate)
    key = _read("--tls-key", access.tls_key)
    _check_pair(access.tls_certificate, access.tls_key)
    client_ca = None
    if access.client_ca is not None:
        client_ca = _read("--client-ca", access.client_ca)
        _check_certificates("--client-ca", access.client_ca)
    return grpc.ssl_server_credentials(
        [(key, certificate)], client_ca, require_client_auth=client_ca is not None
    )


def read_token(flag: str, path: Path | None) -> str | None:
    """A secret that calls carry; None if there is none.

    Args:
        flag: The flag that named the file, for an error's text.
        path: The file, if there is one.

    Returns:
        The file's text without the whitespace around it: at least `MIN_TOKEN_CHARACTERS` visible
        ASCII characters, which is what the metadata of a call can carry.

    Raises:
        CredentialsError: If the file is missing or cannot be read, or what it holds is no such
            text.
    """
    if path is None:
        return None
    content = _read(flag, path).strip()
    if len(content) < MIN_TOKEN_CHARACTERS:
        held = f"holds {len(content)} characters" if content else "is empty"
        raise CredentialsError(
            f"{flag}: {path} {held}, but a token has at least {MIN_TOKEN_CHARACTERS}; make one "
            f"with: openssl rand -hex 32 > {path}"
        )
    if not all(ord("!") <= character <= ord("~") for character in content):
        raise CredentialsError(
            f"{flag}: {path} must hold one word of ASCII letters, digits and signs: calls cannot "
            "carry other characters"
        )
    return content.decode("ascii")


def _read(flag: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CredentialsError(f"{flag}: cannot read {path}: {error.strerror}") from None


def _check_certificates(flag: str, path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(path)
    except ssl.SSLError:
        raise CredentialsError(
            f"{flag}: {path} is not a PEM file of certificates (-----BEGIN CERTIFICATE-----)"
        ) from None


def _check_pair(certificate: Path, key: Path) -> None:
    """Refuse what gRPC would take without a word, only to fail every handshake."""
    _check_certificates("--tls-certificate", certificate)

    def refuse_password() -> str:
        # Without this, OpenSSL would ask on the terminal.
        raise CredentialsError(
            f"--tls-key: {key} is encrypted with a password; the server needs it without one"
        )

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, refuse_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CredentialsError(
                f"--tls-key: {key} is not the key of the first certificate in {certificate}"
            ) from None
        raise CredentialsError(
            f"--tls-key: {key} is not a PEM file with a private key (-----BEGIN PRIVATE KEY-----)"
        ) from None
