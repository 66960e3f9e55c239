"""What the commands of steganography read besides flags: a picture, a passphrase, a text."""

import sys
from pathlib import Path
from typing import Annotated, TypeAlias

import tyro

from fourcast_clients.api import FourcastError
from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.input_file import read_input

MAX_PICTURE_BYTES = 512 << 20
"""More than the largest picture, 8,192 x 8,192 with transparency, has without any compression."""

MAX_PASSPHRASE_BYTES = 1 << 20

CALL_SECONDS = 1800.0
"""The largest pictures take minutes on a busy machine."""

PassphraseFile: TypeAlias = Annotated[
    Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: none)")
]
"""A passphrase is never on the command line, where every user of the computer could see it."""


def read_picture_file(path: Path) -> bytes:
    """The file; whether it is a picture, the server says.

    Raises:
        UsageError: If it cannot be read, is empty or too large.
    """
    return read_input(path, MAX_PICTURE_BYTES, "save the picture smaller")


def read_passphrase_file(path: Path | None) -> str | None:
    """The passphrase in a file, without the line break at its end; None for no file.

    Raises:
        UsageError: If the file cannot be read, or holds no text.
    """
    if path is None:
        return None
    content = read_input(path, MAX_PASSPHRASE_BYTES, "use a shorter passphrase")
    try:
        passphrase = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"--passphrase-file: {path} is not UTF-8 text at byte {error.start}"
        ) from None
    if not passphrase:
        raise UsageError(f"--passphrase-file: there is no passphrase in {path}")
    return passphrase


def read_text(argument: str) -> str:
    """The text to hide: the argument, or all of standard input for ``-``.

    Raises:
        UsageError: If it is empty or not valid Unicode.
    """
    source, text = "TEXT", argument
    if argument == "-":
        source = "standard input"
        try:
            text = sys.stdin.buffer.read().decode("utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"standard input is not UTF-8 text at byte {error.start}") from None
    elif any("\ud800" <= character <= "\udfff" for character in argument):
        raise UsageError("TEXT is not valid Unicode: give it in UTF-8")
    if not text:
        raise UsageError(f"{source} is empty: there is nothing to hide")
    return text


def refused(error: FourcastError, picture: Path) -> Exception:
    """What to raise for a request that the server refused because of the picture or the text."""
    if error.code == "INVALID_ARGUMENT" and error.field is not None:
        return UsageError(f"{picture}: {error.reason}")
    return error
