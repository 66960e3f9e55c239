"""Fetch the table of Breast Cancer Coimbra from its publisher, the UCI repository."""

import http.client
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import tyro

from fourcast_training.files import write_atomically
from fourcast_training.tabular.data import PUBLISHED_HASH, read_table, table_hash

PROGRAM = "fourcast-train tabular-download"

DEFAULT_FILE = Path("runs/tabular/dataR2.csv")

_TIMEOUT_SECONDS = 30.0
_MOST_BYTES = 1 << 20
"""The file has less than 8 kB."""


@dataclass(frozen=True)
class DownloadConfig:
    """Fetch the 116 rows as a CSV file: M. Patrício and others, 2018, licence CC BY 4.0."""

    out: Path = DEFAULT_FILE
    """The CSV file."""

    source: str = "https://archive.ics.uci.edu/ml/machine-learning-databases/00451/dataR2.csv"
    """Where it comes from."""


class DownloadError(RuntimeError):
    """The table could not be fetched; the text says why and what to do."""


def main(args: list[str]) -> None:
    """``fourcast-train tabular-download``."""
    print(download(tyro.cli(DownloadConfig, args=args, prog=PROGRAM)))


def download(config: DownloadConfig) -> Path:
    """Fetch the table and write it, if it has the rows that were published.

    Raises:
        DownloadError: If the publisher cannot be reached, or sends something else.
    """
    # Without a name of its own a program may be turned away.
    request = urllib.request.Request(config.source, headers={"User-Agent": "fourcast"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            content: bytes = response.read(_MOST_BYTES)
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise DownloadError(
            f"{config.source}: {error}: try again later, or give a copy with --data to "
            "fourcast-train tabular"
        ) from None
    _check(content, config.source)
    write_atomically(config.out, lambda stream: stream.write(content))
    return config.out


def _check(content: bytes, source: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dataR2.csv"
        file.write_bytes(content)
        try:
            found = table_hash(read_table(file))
        except ValueError as error:
            reason = str(error).replace(str(file), "the file")
            raise DownloadError(f"{source}: this is not the table: {reason}") from None
    if found != PUBLISHED_HASH:
        raise DownloadError(
            f"{source}: these are not the rows that were published: their SHA-256 is {found}, "
            f"that of the published ones {PUBLISHED_HASH}"
        )
