"""Text to bytes and back: compression, encryption, and the check that no wrong text passes.

A text becomes a body, byte by byte::

    0..7    check: BLAKE2b of 8 bytes over flags, body length and content
    8..     content

and the content is

    - UTF-8 text,
    - raw DEFLATE (RFC 1951) of it if that is shorter and the flag COMPRESSED is set, or
    - with the flag ENCRYPTED 16 bytes of salt, then AES-256-GCM's ciphertext of one of these two
      and its tag of 16 bytes. Key (32 bytes) and nonce (12 bytes) are both derived by scrypt
      (RFC 7914) from passphrase and salt; the salt is new with every message, so no pair of key and
      nonce is used twice. The flags are authenticated, too.

Compression comes before encryption, because ciphertext does not compress. `channel` carries flags
and the body's length in its header and corrects errors; it knows nothing of texts.

No wrong text: whatever a decoder makes of a foreign or damaged picture is given out only if the
check of 64 bits holds. For bytes that do not know the check the chance is 2**-64, or 5e-20, for
each candidate. Reveal looks at no more than a hundred candidates a picture, so the chance of one
wrong text in 10,000 pictures is below 10**6 * 5e-20 = 5e-14. (The check is public: somebody who
wants to can hide a text of their own, which only a passphrase prevents.)
"""

import hashlib
import os
import zlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from fourcast_models.stego.errors import DamagedError, TextTooLongError, WrongPassphraseError

COMPRESSED, ENCRYPTED = 1, 2
"""Flags."""

CHECK_BYTES = 8
SALT_BYTES = 16
_TAG_BYTES = 16
_KEY_BYTES, _NONCE_BYTES = 32, 12

MAX_TEXT_BYTES = 1 << 24
"""Of UTF-8, so that a few compressed bytes cannot fill the memory of who reveals them."""

_SCRYPT_COST = 1 << 15
"""Scrypt's n: 32 MiB of memory with its block size of 8."""


@dataclass(frozen=True, slots=True)
class Body:
    """What is hidden.

    Attributes:
        flags: COMPRESSED and ENCRYPTED, or neither.
        data: Check and content.
    """

    flags: int
    data: bytes


def overhead(*, encrypted: bool) -> int:
    """Bytes of a body that are not text."""
    return CHECK_BYTES + (SALT_BYTES + _TAG_BYTES if encrypted else 0)


def pack(text: str, passphrase: str | None, capacity: int) -> Body:
    """The body of a text.

    Args:
        text: Any; lone surrogates cannot be encoded.
        passphrase: Encrypts; None does not.
        capacity: Bytes that a body may have.

    Raises:
        TextTooLongError: If the body would be larger.
        ValueError: If the text is not valid Unicode or the passphrase is empty.
    """
    if passphrase == "":
        raise ValueError("the passphrase is empty")
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"the text is not valid Unicode at character {error.start}") from None
    available = max(0, capacity - overhead(encrypted=passphrase is not None))
    if len(content) > MAX_TEXT_BYTES:
        raise TextTooLongError(len(content), min(available, MAX_TEXT_BYTES))
    flags = 0
    deflated = _deflate(content)
    if len(deflated) < len(content):
        content, flags = deflated, COMPRESSED
    if len(content) + overhead(encrypted=passphrase is not None) > capacity:
        raise TextTooLongError(len(content), available)
    if passphrase is not None:
        flags |= ENCRYPTED
        salt = os.urandom(SALT_BYTES)
        key, nonce = _derive(passphrase, salt)
        content = salt + AESGCM(key).encrypt(nonce, content, bytes([flags]))
    return Body(flags, _check(flags, content) + content)


def is_intact(body: Body) -> bool:
    """Whether the check holds."""
    content = body.data[CHECK_BYTES:]
    return _check(body.flags, content) == body.data[:CHECK_BYTES]


def unpack(body: Body, passphrase: str | None) -> str:
    """The text of a body.

    Raises:
        DamagedError: If the check does not hold.
        WrongPassphraseError: If the passphrase is another, missing, or given for a text that is not
            encrypted (whoever gives one relies on nobody else having written the text).
    """
    if not is_intact(body):
        raise DamagedError("a text is hidden here, but it is damaged")
    content = body.data[CHECK_BYTES:]
    if body.flags & ENCRYPTED:
        if passphrase is None:
            raise WrongPassphraseError("the hidden text is encrypted: give its passphrase")
        salt, sealed = content[:SALT_BYTES], content[SALT_BYTES:]
        key, nonce = _derive(passphrase, salt)
        try:
            content = AESGCM(key).decrypt(nonce, sealed, bytes([body.flags]))
        except (InvalidTag, ValueError):
            raise WrongPassphraseError("the hidden text has another passphrase") from None
    elif passphrase is not None:
        raise WrongPassphraseError("the hidden text is not encrypted: ask without a passphrase")
    try:
        if body.flags & COMPRESSED:
            content = _inflate(content)
        return content.decode("utf-8")
    except (zlib.error, UnicodeDecodeError):
        raise DamagedError("what is hidden here is no text of fourcast's") from None


def _check(flags: int, content: bytes) -> bytes:
    start = bytes([flags]) + (len(content) + CHECK_BYTES).to_bytes(4, "big")
    return hashlib.blake2b(
        start + content, digest_size=CHECK_BYTES, person=b"fourcast stego"
    ).digest()


def _derive(passphrase: str, salt: bytes) -> tuple[bytes, bytes]:
    scrypt = Scrypt(salt=salt, length=_KEY_BYTES + _NONCE_BYTES, n=_SCRYPT_COST, r=8, p=1)
    derived = scrypt.derive(passphrase.encode("utf-8"))
    return derived[:_KEY_BYTES], derived[_KEY_BYTES:]


def _deflate(content: bytes) -> bytes:
    compressor = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


def _inflate(content: bytes) -> bytes:
    decompressor = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    text = decompressor.decompress(content, MAX_TEXT_BYTES)
    if not decompressor.eof:
        raise zlib.error("the compressed text does not end where it should")
    return text
