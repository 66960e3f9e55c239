"""``fourcast capacity``: how much text a picture holds."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from fourcast_clients.api import Capacity, Fourcast, FourcastError, Profile
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.connection import connected
from fourcast_clients.terminal.console import Output
from fourcast_clients.terminal.progress import progress
from fourcast_clients.terminal.server_access import ServerAccess
from fourcast_clients.terminal.stego_files import CALL_SECONDS, read_picture_file, refused

_PURPOSES = {
    Profile.CAPACITY: "for files that are stored without loss",
    Profile.ROBUST: "survives JPEG, resizing and brightness",
}


@dataclass(frozen=True, kw_only=True)
class MeasureCapacity:
    """Print how many bytes of text a picture holds, in each profile.

    A letter of English takes a byte, others two to four. A text that can be compressed, as long
    ones can, may be longer; fourcast hide refuses what does not fit.

    Without --server it starts a service of its own and stops it at the end. With --json it prints
    one JSON object: {"width": 256, "height": 256, "bytes_available": {"capacity": 7600, "robust":
    400}}

    Example: fourcast capacity cat.png

    Example: fourcast capacity cat.png --encrypted --json
    """

    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE")]
    """The picture: a PNG, JPEG, WebP, GIF or BMP file, each side of 64 to 8,192 pixels."""

    encrypted: bool = False
    """Count what is left beside a passphrase, which takes some bytes."""

    json: bool = False
    """Print one JSON object, as above."""

    access: tyro.conf.OmitArgPrefixes[ServerAccess] = field(default_factory=ServerAccess)

    def run(self) -> int:
        """Ask the server and print what it answers.

        Returns:
            The exit code: 0.

        Raises:
            UsageError: If a flag's value or the file is wrong.
            FourcastError: If the server failed.
            LocalServiceError: If a service of its own did not start.
        """
        picture = read_picture_file(self.file)
        with (
            progress(Console(stderr=True), "Looking at the picture ..."),
            connected(self.access) as connection,
        ):
            answers = self._ask(connection.fourcast, picture)
        width, height = answers[0].width, answers[0].height
        if self.json:
            available = {answer.profile.value: answer.bytes_available for answer in answers}
            print(json.dumps({"width": width, "height": height, "bytes_available": available}))
            return exit_codes.OK
        table = Table.grid(padding=(0, 2))
        for answer in answers:
            table.add_row(
                answer.profile.value,
                f"{answer.bytes_available:,} bytes",
                f"[dim]{_PURPOSES[answer.profile]}[/dim]",
            )
        console = Output()
        console.print(
            f"{self.file}, {width} x {height} pixels, holds", soft_wrap=True, markup=False
        )
        console.print(table)
        return exit_codes.OK

    def _ask(self, fourcast: Fourcast, picture: bytes) -> list[Capacity]:
        """The answers for both profiles; the picture is sent once."""
        try:
            first = fourcast.stego.capacity(
                image=picture,
                profile=Profile.CAPACITY,
                encrypted=self.encrypted,
                timeout=CALL_SECONDS,
            )
        except FourcastError as error:
            raise refused(error, self.file) from None
        size = (first.width, first.height)
        return [
            first,
            fourcast.stego.capacity(size=size, profile=Profile.ROBUST, encrypted=self.encrypted),
        ]
