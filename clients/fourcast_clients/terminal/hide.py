"""``fourcast hide``: a text into a picture."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from fourcast_clients.api import Fourcast, FourcastError, Hidden, Profile
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.connection import connected
from fourcast_clients.terminal.console import Output
from fourcast_clients.terminal.exit_codes import CommandError, UsageError
from fourcast_clients.terminal.output_file import check_output, write_output
from fourcast_clients.terminal.progress import progress
from fourcast_clients.terminal.server_access import ServerAccess
from fourcast_clients.terminal.stego_files import (
    CALL_SECONDS,
    PassphraseFile,
    read_passphrase_file,
    read_picture_file,
    read_text,
    refused,
)


@dataclass(frozen=True, kw_only=True)
class Hide:
    """Hide a text in a picture, so that it comes back exactly.

    IN is a PNG, JPEG, WebP, GIF or BMP file, each side of 64 to 8,192 pixels. OUT is a PNG file
    that looks like it. It has been read back before it is written. Transparency is kept and the
    orientation applied; all other metadata of IN, such as camera and place, is dropped.

    A text is hidden from eyes, not from who looks for hidden texts with statistics, and everybody
    who has fourcast can read it unless it is encrypted with --passphrase-file.

    Without --server it starts a service of its own and stops it at the end. With --json it prints
    one JSON object: {"file": "out.png", "profile": "robust", "psnr_db": 42.5, "ssim": 0.99,
    "bytes_used": 20, "bytes_available": 400, "survives_jpeg": true, "encoder_version": "1",
    "decoder_version": "1", "comparison": null}

    Exit code: 0 hidden, 1 the picture does not give the text back or the server failed, 2 wrong
    usage, such as a text that is too long.

    Example: fourcast hide cat.png "meet me at five" out.png

    Example: fourcast hide cat.png - out.png --profile capacity --passphrase-file key < letter.txt
    """

    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="IN")]
    """The picture."""

    text: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="TEXT")]
    """The text; - takes it from standard input, every byte of it, the last line break included."""

    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")]
    """Where the picture with the text goes."""

    profile: Profile = Profile.ROBUST
    """capacity holds much in files that are stored without loss; robust survives JPEG and more."""

    passphrase_file: PassphraseFile = None
    """Encrypt with the passphrase in this file; the line break at its end does not count."""

    explain: Annotated[
        Path | None, tyro.conf.arg(metavar="PLOT.png", help_behavior_hint="(default: none)")
    ] = None
    """Also draw IN, OUT and their amplified difference side by side, with the PSNR."""

    force: bool = False
    """Overwrite OUT and PLOT.png where they are there already; never IN."""

    json: bool = False
    """Print one JSON object, as above."""

    access: tyro.conf.OmitArgPrefixes[ServerAccess] = field(default_factory=ServerAccess)

    def run(self) -> int:
        """Hide the text and write the picture.

        Returns:
            The exit code: 0.

        Raises:
            UsageError: If a flag's value, a file or the text is wrong.
            CommandError: If the picture does not give the text back.
            FourcastError: If the server failed.
            LocalServiceError: If a service of its own did not start.
        """
        self._check_outputs()
        passphrase = read_passphrase_file(self.passphrase_file)
        picture = read_picture_file(self.file)
        text = read_text(self.text)
        with (
            progress(Console(stderr=True), "Hiding the text ..."),
            connected(self.access) as connection,
        ):
            hidden = self._ask(connection.fourcast, picture, text, passphrase)
        write_output(self.out, hidden.image)
        if self.explain is not None and hidden.comparison is not None:
            write_output(self.explain, hidden.comparison)
        if self.json:
            print(self._as_json(hidden))
        else:
            self._show(hidden, Output())
        return exit_codes.OK

    def _check_outputs(self) -> None:
        inputs = (self.file, *filter(None, [self.passphrase_file]))
        check_output(self.out, inputs=inputs, force=self.force)
        if self.explain is None:
            return
        if self.explain.absolute() == self.out.absolute():
            raise UsageError(f"--explain: {self.explain} is OUT: give the plot another name")
        check_output(self.explain, inputs=inputs, force=self.force)

    def _ask(self, fourcast: Fourcast, picture: bytes, text: str, passphrase: str | None) -> Hidden:
        """The server's answer, or what is wrong in terms of the command line."""
        try:
            return fourcast.stego.hide(
                picture,
                text,
                profile=self.profile,
                passphrase=passphrase,
                compare=self.explain is not None,
                timeout=CALL_SECONDS,
            )
        except FourcastError as error:
            match error.code, error.field:
                case "FAILED_PRECONDITION", "image":
                    raise CommandError(exit_codes.FAILED, f"{self.file}: {error.reason}") from None
                case "INVALID_ARGUMENT", "text" if self.profile is Profile.ROBUST:
                    raise UsageError(
                        f"{self.file}: {error.reason}; a larger picture holds more, and so does "
                        "--profile capacity"
                    ) from None
            raise refused(error, self.file) from None

    def _show(self, hidden: Hidden, console: Console) -> None:
        console.print(
            f"Hidden in {self.out}, profile {hidden.profile.value}: {hidden.bytes_used:,} of "
            f"{hidden.bytes_available:,} bytes used, PSNR {hidden.psnr_db:.1f} dB, SSIM "
            f"{hidden.ssim:.4f}.",
            soft_wrap=True,
            markup=False,
        )
        if hidden.profile is Profile.CAPACITY:
            console.print("Keep it as PNG: any loss destroys the text.")
        elif hidden.survives_jpeg:
            console.print("The text was read back after a JPEG of quality 50, too.")
        else:
            console.print(
                "The text does not survive a JPEG of quality 50 in this picture: keep it as PNG.",
                style="yellow",
            )
        console.print(
            f"Metadata of {self.file} other than its orientation was dropped.",
            style="dim",
            soft_wrap=True,
            markup=False,
        )
        if self.passphrase_file is None:
            console.print(
                "The text is not encrypted: everybody who has fourcast can read it.", style="dim"
            )

    def _as_json(self, hidden: Hidden) -> str:
        return json.dumps(
            {
                "file": str(self.out),
                "profile": hidden.profile.value,
                "psnr_db": hidden.psnr_db,
                "ssim": hidden.ssim,
                "bytes_used": hidden.bytes_used,
                "bytes_available": hidden.bytes_available,
                "survives_jpeg": hidden.survives_jpeg,
                "encoder_version": hidden.encoder_version,
                "decoder_version": hidden.decoder_version,
                "comparison": str(self.explain) if self.explain is not None else None,
            }
        )
