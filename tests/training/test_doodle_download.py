"""The downloader against a server of this machine that answers as the publisher's does."""

import base64
import hashlib
import http.server
import json
import shlex
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fourcast_training.doodle.data import DataConfig, load
from fourcast_training.doodle.download import DownloadConfig, DownloadError, download, fetch, main
from fourcast_training.doodle.generated import generate
from tests.training.doodle_files import write_simplified

CONTENT = bytes(range(256)) * 4000


@dataclass
class Publisher:
    """A folder served over HTTP with ranges, entity tags and Google's hash header.

    Attributes:
        address: Where it listens.
        files: Contents by path.
        requests: Path and first byte of every request, -1 where no range was asked for.
        breaks_after: Bytes after which the next answer breaks off.
        wrong_sum: Whether it announces a sum that is not the file's.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, int]] = field(default_factory=list)
    breaks_after: int | None = None
    wrong_sum: bool = False


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    state = Publisher()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urllib.parse.unquote(self.path)
            content = state.files.get(path)
            if content is None:
                state.requests.append((path, -1))
                self.send_error(404, "Not Found")
                return
            tag = f'"{hashlib.md5(content).hexdigest()}"'
            span = self.headers.get("Range")
            start = int(span.removeprefix("bytes=").rstrip("-")) if span else -1
            state.requests.append((path, start))
            continues = span is not None and self.headers.get("If-Range") == tag
            body = content[start:] if continues else content
            if continues and start >= len(content):
                self.send_error(416, "Range Not Satisfiable")
                return
            self.send_response(206 if continues else 200)
            if continues:
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                )
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", tag)
            summed = b"other" if state.wrong_sum else content
            md5 = base64.b64encode(hashlib.md5(summed).digest()).decode()
            self.send_header("x-goog-hash", "crc32c=AAAAAA==")
            self.send_header("x-goog-hash", f"md5={md5}")
            self.end_headers()
            end, state.breaks_after = state.breaks_after, None
            self.wfile.write(body[:end])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # as overridden
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield state
        server.shutdown()
        thread.join()


def test_a_file_is_fetched_once(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/a b"] = CONTENT
    for _ in range(2):
        file = fetch(publisher.address + "/a%20b", tmp_path / "deep" / "a b")
        assert file.read_bytes() == CONTENT
    assert publisher.requests == [("/a b", -1)]
    record = json.loads((tmp_path / "deep" / "a b.json").read_text())
    assert record["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert record["bytes"] == len(CONTENT)
    assert record["md5"] == record["md5_of_publisher"]
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"a b", "a b.json"}


def test_a_broken_download_goes_on_where_it_was(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/a"] = CONTENT
    publisher.breaks_after = 300_000
    with pytest.raises(DownloadError, match="run again to go on"):
        fetch(publisher.address + "/a", tmp_path / "a")
    assert not (tmp_path / "a").exists()
    reached = (tmp_path / "a.part").stat().st_size
    assert 0 < reached <= 300_000
    assert fetch(publisher.address + "/a", tmp_path / "a").read_bytes() == CONTENT
    assert publisher.requests == [("/a", -1), ("/a", reached)]


def test_a_kill_just_before_the_end_is_survived(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/a"] = CONTENT
    (tmp_path / "a.part").write_bytes(CONTENT)
    (tmp_path / "a.tag").write_text(f'"{hashlib.md5(CONTENT).hexdigest()}"')
    assert fetch(publisher.address + "/a", tmp_path / "a").read_bytes() == CONTENT
    assert [start for _, start in publisher.requests] == [len(CONTENT), -1]


def test_a_file_that_changed_meanwhile_is_fetched_anew(
    publisher: Publisher, tmp_path: Path
) -> None:
    publisher.files["/a"] = CONTENT
    publisher.breaks_after = 300_000
    with pytest.raises(DownloadError):
        fetch(publisher.address + "/a", tmp_path / "a")
    publisher.files["/a"] = CONTENT[::-1]
    assert fetch(publisher.address + "/a", tmp_path / "a").read_bytes() == CONTENT[::-1]


def test_a_damaged_file_is_not_kept(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/a"] = CONTENT
    publisher.wrong_sum = True
    with pytest.raises(DownloadError, match=r"arrived damaged \(MD5 [0-9a-f]{32}, not"):
        fetch(publisher.address + "/a", tmp_path / "a")
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "a.part").exists()
    publisher.wrong_sum = False
    assert fetch(publisher.address + "/a", tmp_path / "a").read_bytes() == CONTENT


def test_a_file_that_is_not_there_says_so(publisher: Publisher, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="the server answers 404 Not Found"):
        fetch(publisher.address + "/none", tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="run again to go on"):
        fetch("http://127.0.0.1:9/a", tmp_path / "a")


def test_categories_are_fetched_and_read(
    publisher: Publisher, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawings = generate(12, seed=1, categories=("circle", "clock"))
    write_simplified(drawings, tmp_path / "published")
    for file in (tmp_path / "published" / "simplified").iterdir():
        publisher.files[f"/full/simplified/{file.name}"] = file.read_bytes()
    source = publisher.address + "/full"
    fetched = tmp_path / "fetched"
    main(shlex.split(f"--categories circle clock --folder {fetched} --source {source}"))
    assert capsys.readouterr().out.splitlines() == [
        str(fetched / "simplified" / f"{name}.ndjson") for name in ("circle", "clock")
    ]
    parts = load(DataConfig(folder=fetched, validation=2, test=4))
    assert len(parts["train"]) == 12
    assert parts["train"].has_strokes.all()


def test_a_name_with_a_space_is_found(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/numpy_bitmap/alarm clock.npy"] = b"bitmaps"
    config = DownloadConfig(
        categories=("alarm clock",),
        form="numpy_bitmap",
        folder=tmp_path,
        source=publisher.address,
    )
    (file,) = download(config)
    assert file == tmp_path / "numpy_bitmap" / "alarm clock.npy"
    assert file.read_bytes() == b"bitmaps"


def test_an_unknown_category_is_refused() -> None:
    with pytest.raises(ValueError, match="--categories: 'alarmclock' is not one of the 345"):
        main(["--categories", "alarmclock"])
