"""Fetch the publisher's drawings, category by category.

Each file is fetched once. A download that breaks off goes on where it was, and only if the
publisher still has the same file; what has arrived is compared with the MD5 sum that the publisher
sends along. Beside each file stands a description with its address, size and sums.
"""

import base64
import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Literal, cast

import tyro
from tqdm import tqdm

from fourcast_models.doodle.codec import CATEGORIES
from fourcast_training.doodle.data import NUMPY_BITMAP, SIMPLIFIED
from fourcast_training.files import write_atomically

_BLOCK_BYTES = 1 << 18
_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class DownloadConfig:
    """Fetch Quick, Draw! drawings from the publisher (Google, CC BY 4.0).

    A category is 20 to 200 MB as strokes and 100 to 250 MB as bitmaps.
    """

    categories: tuple[str, ...] = ()
    """Names such as "alarm clock"; none means all 345."""

    form: Literal["simplified", "numpy_bitmap"] = "simplified"
    """`simplified`: strokes, of which bitmaps are drawn here. `numpy_bitmap`: bitmaps only."""

    folder: Path = Path("runs/quickdraw")
    """Where the files go; give it to `fourcast-train doodle --data`."""

    source: str = "https://storage.googleapis.com/quickdraw_dataset/full"
    """Where they come from."""


class _NothingLeftError(Exception):
    """The part is as long as the file: a run was killed before it gave it its name."""


class DownloadError(RuntimeError):
    """A file that could not be fetched whole; the text says which and what to do."""


def main(args: list[str] | None = None) -> None:
    """``fourcast-train doodle-download``."""
    config = tyro.cli(DownloadConfig, args=args, prog="fourcast-train doodle-download")
    for category in config.categories:
        if category not in CATEGORIES:
            raise ValueError(
                f"--categories: {category!r} is not one of the 345, see {config.source}"
            )
    for file in download(config):
        print(file)


def download(config: DownloadConfig) -> list[Path]:
    """Fetch what is not there yet; the files of the categories asked for.

    Raises:
        DownloadError: If the publisher cannot be reached, does not have a file, or sends another
            one than its MD5 sum says.
    """
    suffix = {SIMPLIFIED: ".ndjson", NUMPY_BITMAP: ".npy"}[config.form]
    names = [category + suffix for category in config.categories or CATEGORIES]
    files = []
    for name in tqdm(names, desc=config.form, unit="category", disable=None):
        address = f"{config.source}/{config.form}/{urllib.parse.quote(name)}"
        files.append(fetch(address, config.folder / config.form / name))
    return files


def fetch(address: str, file: Path) -> Path:
    """The file at an address, from disk if it has been fetched before.

    Args:
        address: Of HTTP or HTTPS.
        file: Where to keep it. While it arrives it is called ``<file>.part``.

    Raises:
        DownloadError: See `download`.
    """
    description = file.with_name(file.name + ".json")
    if file.exists() and description.exists():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    tag_file = file.with_name(file.name + ".tag")
    tag = tag_file.read_text() if tag_file.exists() and part.exists() else ""
    try:
        expected = _fetch_part(address, part, tag_file, tag)
    except _NothingLeftError:
        expected = _fetch_part(address, part, tag_file, "")
    sums = {name: _sum(part, name) for name in ("md5", "sha256")}
    if expected is not None and sums["md5"] != expected:
        part.unlink()
        raise DownloadError(
            f"{address} arrived damaged (MD5 {sums['md5']}, not {expected}): run again"
        )
    size = part.stat().st_size
    record = {"address": address, "bytes": size, **sums, "md5_of_publisher": expected}
    text = json.dumps(record, indent=2) + "\n"
    write_atomically(description, lambda stream: stream.write(text.encode()))
    part.replace(file)
    tag_file.unlink()
    return file


def _fetch_part(address: str, part: Path, tag_file: Path, tag: str) -> str | None:
    """Complete the part, or begin it if there is no tag; the publisher's MD5 sum, if it has one."""
    with _opened(address, part.stat().st_size if tag else 0, tag) as response:
        # 206: the publisher still has the file that the part belongs to, and sends the rest.
        continues = response.status == HTTPStatus.PARTIAL_CONTENT
        tag_file.write_text(response.headers.get("ETag", ""))
        with part.open("ab" if continues else "wb") as stream:
            _copy(response, stream, part.stem)
        expected = _md5_of(response)
        total = _total_size(response)
    size = part.stat().st_size
    if total is not None and size < total:
        raise DownloadError(f"{address} broke off at {size} of {total} bytes: run again to go on")
    return expected


@contextmanager
def _opened(address: str, start: int, tag: str) -> Iterator[HTTPResponse]:
    """The answer of the server, from byte `start` if its file still has this tag."""
    # Asked for as it is: a part of a compressed transfer could not be continued.
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": tag}
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            yield cast(HTTPResponse, response)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _NothingLeftError from None
        raise DownloadError(f"{address}: the server answers {error.code} {error.reason}") from None
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        raise DownloadError(f"{address}: {error}: run again to go on") from None


def _copy(response: HTTPResponse, stream: IO[bytes], name: str) -> None:
    length = response.headers.get("Content-Length")
    with tqdm(
        total=int(length) if length else None,
        desc=name,
        unit="B",
        unit_scale=True,
        leave=False,
        disable=None,
    ) as bar:
        while block := response.read(_BLOCK_BYTES):
            stream.write(block)
            bar.update(len(block))


def _total_size(response: HTTPResponse) -> int | None:
    """The size of the whole file, in bytes, if the server says it."""
    span = response.headers.get("Content-Range")
    if span is not None and not span.endswith("*"):
        return int(span.rpartition("/")[2])
    length = response.headers.get("Content-Length")
    return int(length) if length else None


def _md5_of(response: HTTPResponse) -> str | None:
    """The MD5 sum of the whole file, in hexadecimal, as Google's storage sends it."""
    for header in response.headers.get_all("x-goog-hash", []):
        for entry in header.split(","):
            name, _, value = entry.strip().partition("=")
            if name == "md5":
                return base64.b64decode(value).hex()
    return None


def _sum(file: Path, name: str) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, name).hexdigest()
