"""The log: lines for people as they always were, or JSON objects for programs."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from fourcast.connect4.v1 import connect4_pb2 as wire
from fourcast.connect4.v1 import connect4_pb2_grpc
from tests.services.certificates import Authority
from tests.services.running import RunningServer, run_server
from tests.services.status import failure

METHOD = "fourcast.connect4.v1.Connect4Service/ChooseMove"


def lines(text: str) -> list[dict[str, Any]]:
    """The objects of a log that holds nothing else."""
    objects = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(line, dict) for line in objects)
    return objects


def choose_move(server: RunningServer, *, model: str = "", request_id: str = "") -> None:
    with grpc.insecure_channel(server.address) as channel:
        stub = connect4_pb2_grpc.Connect4ServiceStub(channel)
        request = wire.ChooseMoveRequest(position=wire.Position(moves="44"), model=model)
        stub.ChooseMove(request, metadata=(("x-request-id", request_id),), timeout=60)


def log_of(program: str) -> str:
    """What a program that configures the log writes to standard error."""
    finished = subprocess.run(
        [sys.executable, "-c", f"import logging\nfrom fourcast_services import logs\n{program}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert finished.stdout == ""
    return finished.stderr


def test_json_lines_of_a_server(repository: Path) -> None:
    start = datetime.now(UTC)
    with run_server(repository, "--log-format", "json", "--log-calls") as server:
        choose_move(server, request_id="r-1")
        unknown = failure(lambda: choose_move(server, model="nonesuch", request_id="r-2"))
        assert unknown.code is grpc.StatusCode.NOT_FOUND
        server.process.terminate()
        assert server.wait() == 0
        written = lines(server.log())
    for line in written:
        time = datetime.fromisoformat(line["time"])
        assert time.utcoffset() == timedelta(0)
        # The line keeps whole milliseconds.
        assert start - timedelta(milliseconds=1) <= time <= datetime.now(UTC)
        assert line["level"] in ("INFO", "WARNING", "ERROR")
        assert line["logger"].startswith("fourcast_services.")
        assert line["message"]
        assert "worker" not in line
    calls = {line["request_id"]: line for line in written if line.get("method") == METHOD}
    assert (calls["r-1"]["code"], calls["r-1"]["model"]) == ("OK", "connect4")
    assert calls["r-1"]["milliseconds"] > 0
    assert calls["r-1"]["peer"].startswith("ipv4:127.0.0.1:")
    assert calls["r-2"]["code"] == "NOT_FOUND"


def test_text_lines_of_a_server(repository: Path) -> None:
    with run_server(repository, "--log-calls") as server:
        choose_move(server, request_id="r-1")
        server.process.terminate()
        assert server.wait() == 0
        written = server.log().splitlines()
    assert all(line.startswith("fourcast-serve: INFO: ") for line in written)
    (call,) = [line for line in written if METHOD in line]
    assert call.startswith(f"fourcast-serve: INFO: {METHOD} OK model=connect4 milliseconds=")
    assert call.endswith(" request_id=r-1")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_workers_say_their_number(repository: Path, log_format: str) -> None:
    with run_server(repository, "--workers", "2", "--log-format", log_format) as server:
        server.process.terminate()
        assert server.wait() == 0
        log = server.log()
    if log_format == "json":
        assert {line["worker"] for line in lines(log) if "worker" in line} == {0, 1}
    else:
        for number in (0, 1):
            assert f"fourcast-serve: worker {number}: INFO: model 'connect4'" in log


def test_grpc_writes_nothing_between_json_lines(repository: Path, tmp_path: Path) -> None:
    authority = Authority.make(tmp_path / "authority")
    flags = (*authority.server_flags(), "--log-format", "json")
    with run_server(repository, *flags) as server:
        # A handshake that fails is something that gRPC's core writes about.
        assert failure(lambda: choose_move(server)).code is grpc.StatusCode.UNAVAILABLE
        server.process.terminate()
        assert server.wait() == 0
        assert lines(server.log())


FAILING = """
try:
    1 / 0
except ZeroDivisionError as error:
    logging.getLogger("a.b").error("failed on %s", "this", exc_info=error, extra={fields})
"""


def test_exceptions_and_odd_fields_stay_one_json_object() -> None:
    fields = {"request_id": "two\nlines", "level": "mine", "shape": (1, 2), "where": 1j}
    program = "logs.configure(logs.LogFormat.JSON, worker=3)\n"
    (line,) = lines(log_of(program + FAILING.format(fields=fields)))
    assert line["message"] == "failed on this"
    assert (line["logger"], line["level"], line["worker"]) == ("a.b", "ERROR", 3)
    assert (line["request_id"], line["shape"], line["where"]) == ("two\nlines", [1, 2], "1j")
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ZeroDivisionError: division by zero")


def test_callers_cannot_write_lines_of_their_own_into_the_text() -> None:
    fields = {"request_id": "x\nfourcast-serve: INFO: all is well", "model": ""}
    program = "logs.configure(logs.LogFormat.TEXT)\n"
    first, *rest = log_of(program + FAILING.format(fields=fields)).splitlines()
    assert first == (
        "fourcast-serve: ERROR: failed on this request_id='x\\nfourcast-serve: INFO: all is well'"
    )
    assert rest[0] == "Traceback (most recent call last):"
    assert not any(line.startswith("fourcast-serve") for line in rest)
