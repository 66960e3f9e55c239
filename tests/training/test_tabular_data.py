"""The table of Breast Cancer Coimbra: reading, checking, made-up rows, the download."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from fourcast_models.tabular.coimbra import COLUMNS
from fourcast_training.tabular.data import PUBLISHED_HASH, read_table, table_hash, write_table
from fourcast_training.tabular.download import DownloadConfig, DownloadError, download
from fourcast_training.tabular.generated import generate_table

HEADER = "Age,BMI,Glucose,Insulin,HOMA,Leptin,Adiponectin,Resistin,MCP.1,Classification"


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    table = generate_table(60, seed=1)
    file = tmp_path / "rows.csv"
    file.write_bytes(write_table(table))
    assert file.read_text().splitlines()[0] == HEADER
    read = read_table(file)
    np.testing.assert_array_equal(read.values, table.values)
    np.testing.assert_array_equal(read.labels, table.labels)
    assert table_hash(read) == table_hash(table)


def test_the_hash_is_of_the_numbers(tmp_path: Path) -> None:
    table = generate_table(60, seed=1)
    file = tmp_path / "rows.csv"
    file.write_bytes(b"\xef\xbb\xbf" + write_table(table).replace(b"\n", b"\r\n") + b"\r\n")
    assert table_hash(read_table(file)) == table_hash(table)
    table.values[3, 2] = np.nextafter(table.values[3, 2], 0)
    assert table_hash(read_table(file)) != table_hash(table)


def test_made_up_rows_look_like_rows() -> None:
    table = generate_table(116, seed=0)
    assert table.values.shape == (116, 9)
    assert table.labels.mean() == 0.5
    for column, feature in zip(table.values.T, COLUMNS, strict=True):
        assert all(feature.problem(value) is None for value in column.tolist())
    glucose = table.logarithms[:, 2]
    assert glucose[table.labels == 1].mean() > glucose[table.labels == 0].mean()


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (HEADER.replace("Glucose", "Sugar"), "line 1: the columns are Age, BMI, Sugar"),
        ("", "line 1: the columns are none; right would be Age, BMI, Glucose"),
    ],
)
def test_wrong_columns_are_named(tmp_path: Path, header: str, words: str) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(write_table(generate_table(60, seed=1)).decode().replace(HEADER, header))
    with pytest.raises(ValueError, match=words):
        read_table(file)


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("Age", "old", "'old' is not a number such as 23.5"),
        ("BMI", "", "'' is not a number"),
        ("HOMA", "nan", "nan is out of range: index of insulin resistance, 0.46 to 25.1"),
        ("Leptin", "inf", "inf is out of range"),
        ("Age", "-3", "-3 is out of range: age, 24 to 89 years"),
        ("Classification", "0", "'0' is neither 1 (control) nor 2 (patient)"),
        ("Classification", "1.5", "'1.5' is neither 1"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path: Path, column: str, cell: str, words: str) -> None:
    lines = write_table(generate_table(60, seed=1)).decode().splitlines()
    cells = lines[4].split(",")
    cells[HEADER.split(",").index(column)] = cell
    lines[4] = ",".join(cells)
    file = tmp_path / "rows.csv"
    file.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"rows\.csv, line 5, column ") as caught:
        read_table(file)
    assert f"column {column!r}: {words}" in str(caught.value)


def test_a_row_with_a_cell_too_many_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(write_table(generate_table(60, seed=1)).replace(b",1\n", b",1,1\n"))
    with pytest.raises(ValueError, match="line 2: 11 cells; right would be 10"):
        read_table(file)


def test_too_few_rows_of_a_class_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(write_table(generate_table(48, seed=1)))
    with pytest.raises(ValueError, match=r"24 rows of class 1 \(control\)"):
        read_table(file)


def test_the_published_rows_are_known_and_fill_the_ranges(shared_data: Path) -> None:
    table = read_table(shared_data / "coimbra" / "dataR2.csv")
    assert table_hash(table) == PUBLISHED_HASH
    assert (table.values.shape, int(table.labels.sum())) == ((116, 9), 64)
    for column, feature in zip(table.values.T, COLUMNS, strict=True):
        # Rounded outwards, and by no more than a hundredth of the range.
        width = feature.maximum - feature.minimum
        assert 0 <= column.min() - feature.minimum <= 0.02 * width
        assert 0 <= feature.maximum - column.max() <= 0.03 * width


@dataclass
class Publisher:
    """What a server of this machine sends, and where it listens."""

    content: bytes = b""
    status: int = 200
    address: str = ""


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    state = Publisher()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.headers.get("User-Agent") == "fourcast"
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(state.content)))
            self.end_headers()
            self.wfile.write(state.content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # as overridden
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_port}/dataR2.csv"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_published_table_is_fetched(
    tmp_path: Path, publisher: Publisher, shared_data: Path
) -> None:
    publisher.content = (shared_data / "coimbra" / "dataR2.csv").read_bytes()
    file = download(DownloadConfig(tmp_path / "runs" / "rows.csv", publisher.address))
    assert file.read_bytes() == publisher.content


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (write_table(generate_table(60, seed=1)), 200, "not the rows that were published"),
        (b"<html>Moved</html>", 200, "this is not the table: the file, line 1"),
        (b"", 404, "HTTP Error 404"),
    ],
)
def test_what_is_not_the_published_table_is_not_kept(
    tmp_path: Path, publisher: Publisher, content: bytes, status: int, words: str
) -> None:
    publisher.content, publisher.status = content, status
    with pytest.raises(DownloadError, match=words):
        download(DownloadConfig(tmp_path / "rows.csv", publisher.address))
    assert list(tmp_path.iterdir()) == []
