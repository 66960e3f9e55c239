"""``fourcast reveal``: the text that is hidden in a picture."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from fourcast_clients.api import Fourcast, FourcastError, Revealed
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.connection import connected
from fourcast_clients.terminal.exit_codes import CommandError
from fourcast_clients.terminal.progress import progress
from fourcast_clients.terminal.server_access import ServerAccess
from fourcast_clients.terminal.stego_files import (
    CALL_SECONDS,
    PassphraseFile,
    read_passphrase_file,
    read_picture_file,
    refused,
)

_EXIT_CODES = {
    ("FAILED_PRECONDITION", "image"): exit_codes.NO_MESSAGE,
    ("DATA_LOSS", "image"): exit_codes.DAMAGED,
    ("UNAUTHENTICATED", "passphrase"): exit_codes.WRONG_PASSPHRASE,
}


@dataclass(frozen=True, kw_only=True)
class Reveal:
    """Print the text that is hidden in a picture, exactly as it was hidden.

    FILE is a picture that fourcast hide has made, or what became of it on its way. How the text was
    hidden is found out. Standard output gets the text alone, byte for byte and without a line break
    of its own, so that it can go to a file or another program. On a terminal, control characters
    are shown as escapes, because the text may be a stranger's, and a line break ends it.

    Without --server it starts a service of its own and stops it at the end. With --json it prints
    one JSON object: {"text": "meet me at five", "profile": "robust", "corrected_bits": 3,
    "decoder_version": "1"}

    Exit code: 0 revealed, 3 no text is hidden there, 4 one is but is damaged, 5 it has another
    passphrase, needs one or needs none; 1 the server failed, 2 wrong usage.

    Example: fourcast reveal out.png

    Example: fourcast reveal out.png --passphrase-file key > letter.txt
    """

    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE")]
    """The picture: a PNG, JPEG, WebP, GIF or BMP file."""

    passphrase_file: PassphraseFile = None
    """File with the passphrase of the text; the line break at its end does not count."""

    json: bool = False
    """Print one JSON object, as above."""

    access: tyro.conf.OmitArgPrefixes[ServerAccess] = field(default_factory=ServerAccess)

    def run(self) -> int:
        """Reveal the text and print it.

        Returns:
            The exit code: 0.

        Raises:
            UsageError: If a flag's value or a file is wrong.
            CommandError: If there is no text, a damaged one, or one with another passphrase.
            FourcastError: If the server failed.
            LocalServiceError: If a service of its own did not start.
        """
        passphrase = read_passphrase_file(self.passphrase_file)
        picture = read_picture_file(self.file)
        with (
            progress(Console(stderr=True), "Looking for a text ..."),
            connected(self.access) as connection,
        ):
            revealed = self._ask(connection.fourcast, picture, passphrase)
        if self.json:
            print(
                json.dumps(
                    {
                        "text": revealed.text,
                        "profile": revealed.profile.value,
                        "corrected_bits": revealed.corrected_bits,
                        "decoder_version": revealed.decoder_version,
                    }
                )
            )
        elif sys.stdout.isatty():
            print(harmless(revealed.text))
        else:
            sys.stdout.buffer.write(revealed.text.encode("utf-8"))
        return exit_codes.OK

    def _ask(self, fourcast: Fourcast, picture: bytes, passphrase: str | None) -> Revealed:
        """The server's answer, or what is wrong in terms of the command line."""
        try:
            return fourcast.stego.reveal(picture, passphrase=passphrase, timeout=CALL_SECONDS)
        except FourcastError as error:
            code = _EXIT_CODES.get((error.code, error.field or ""))
            if code is not None:
                raise CommandError(code, f"{self.file}: {error.reason}") from None
            raise refused(error, self.file) from None


def harmless(text: str) -> str:
    """The text with escapes for what would steer a terminal; line breaks and tabs stay."""
    return "".join(
        character
        if character in "\n\t" or character.isprintable()
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
