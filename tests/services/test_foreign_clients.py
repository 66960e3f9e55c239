"""Clients that people already have, each a program of its own, against a real server."""

import json
import os
import re
import shutil
import signal
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tests.services.peer_servers import installed
from tests.services.running import RunningServer, run_server

FOREIGN = Path(__file__).parent / "foreign"
MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"

INFERENCE = "inference.GRPCInferenceService"
HEALTH = "grpc.health.v1.Health"

SPECS = {"board": ("UINT8", [-1, 2, 6, 7]), "policy": ("FP32", [-1, 7]), "value": ("FP32", [-1, 3])}


@pytest.fixture(scope="module")
def boards() -> npt.NDArray[np.uint8]:
    """Three boards with stones of either side."""
    random = np.random.default_rng(7)
    boards = random.integers(0, 2, (3, 2, 6, 7), dtype=np.uint8)
    boards[:, 1] &= 1 - boards[:, 0]
    boards[:, :, 0] = 0
    return boards


@pytest.fixture(scope="module")
def answers(server: RunningServer, boards: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """What tritonclient's stubs get for the boards."""
    request = service_pb2.ModelInferRequest(model_name="connect4")
    request.inputs.add(name="board", datatype="UINT8", shape=boards.shape)
    request.raw_input_contents.append(boards.tobytes())
    with grpc.insecure_channel(server.address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        response = stub.ModelInfer(request, timeout=60)
    return {
        output.name: np.frombuffer(content, np.float32).reshape(output.shape)
        for output, content in zip(response.outputs, response.raw_output_contents, strict=True)
    }


def ask(name: str, server: RunningServer, boards: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """What a peer's client says, run by the Python of its own environment."""
    finished = subprocess.run(
        [installed(name).python, FOREIGN / f"{name}_client.py", server.address],
        input=json.dumps(boards.tolist()),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    said = json.loads(finished.stdout.splitlines()[-1])
    assert isinstance(said, dict)
    return said


@pytest.mark.timeout(1200)  # pip fills an environment on the first run
@pytest.mark.parametrize("name", ["kserve", "mlserver"])
def test_other_peoples_clients(
    name: str,
    server: RunningServer,
    boards: npt.NDArray[np.uint8],
    answers: dict[str, npt.NDArray[np.float32]],
) -> None:
    said = ask(name, server, boards)
    assert (said["live"], said["ready"]) == (True, True)
    assert said["model_ready"] == [True, False]
    for kind in ("raw", "typed"):
        answer = said[kind]
        assert answer["id"] == kind
        assert answer["version"] == "2"
        for output, expected in answers.items():
            np.testing.assert_allclose(answer[output], expected, rtol=0, atol=1e-7)
    assert said["unknown"] == "NOT_FOUND"
    # KServe's client has no calls for these.
    if name == "mlserver":
        assert said["server"] == "fourcast"
        assert said["metadata"]["versions"] == ["1", "2"]
        assert said["metadata"]["tensors"] == [[key, *spec] for key, spec in SPECS.items()]
        assert ["connect4", "2", "READY"] in said["index"]


@pytest.fixture(scope="module")
def buf() -> list[str]:
    """The command of `make check`'s buf, a client in Go that knows nothing but reflection."""
    npx = shutil.which("npx")
    pinned = re.search(r"@bufbuild/buf@[\d.]+", MAKEFILE.read_text())
    assert pinned is not None
    if npx is None:
        pytest.skip("npx is not installed: it comes with Node.js")
    command = [npx, "--fetch-retries=0", "--yes", pinned[0]]
    tried = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"npx cannot get buf: {tried.stderr.strip()[-200:]}")
    return command


def curl(
    buf: Sequence[str], server: RunningServer, method: str, request: dict[str, Any]
) -> list[str]:
    """The command that makes a call with buf."""
    options = ["--protocol", "grpc", "--http2-prior-knowledge", "--data", json.dumps(request)]
    return [*buf, "curl", *options, f"http://{server.address}/{method}"]


def call(buf: Sequence[str], server: RunningServer, method: str, **request: Any) -> Any:
    """An answer through buf, without any stub."""
    done = subprocess.run(
        curl(buf, server, method, request),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.timeout(600)  # npx fetches buf on the first run
def test_buf_through_reflection(
    buf: list[str],
    server: RunningServer,
    boards: npt.NDArray[np.uint8],
    answers: dict[str, npt.NDArray[np.float32]],
) -> None:
    described = call(
        buf,
        server,
        "fourcast.connect4.v1.Connect4Service/DescribePosition",
        position={"moves": "44"},
    )
    assert described["board"]["legalColumns"] == [1, 2, 3, 4, 5, 6, 7]
    assert call(buf, server, f"{INFERENCE}/ServerReady") == {"ready": True}
    metadata = call(buf, server, f"{INFERENCE}/ModelMetadata", name="connect4")
    for tensor in (*metadata["inputs"], *metadata["outputs"]):
        datatype, shape = SPECS[tensor["name"]]
        # JSON has 64-bit numbers as text.
        assert (tensor["datatype"], [int(size) for size in tensor["shape"]]) == (datatype, shape)
    tensor = {"name": "board", "datatype": "UINT8", "shape": boards.shape}
    raw = [b64encode(boards.tobytes()).decode()]
    answer = call(
        buf,
        server,
        f"{INFERENCE}/ModelInfer",
        modelName="connect4",
        inputs=[tensor],
        rawInputContents=raw,
    )
    for output, content in zip(answer["outputs"], answer["rawOutputContents"], strict=True):
        assert b64decode(content) == answers[output["name"]].tobytes()
    unknown = subprocess.run(
        curl(buf, server, f"{INFERENCE}/ModelInfer", {"modelName": "nonesuch"}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert unknown.returncode != 0
    # Above it may stand warnings of npm.
    assert json.loads(unknown.stderr[unknown.stderr.index("{") :])["code"] == "not_found"


@pytest.fixture
def leaving_server(repository: Path) -> Iterator[RunningServer]:
    """A server that a test may stop."""
    with run_server(repository, "--shutdown-delay", "2") as running:
        yield running


@pytest.mark.timeout(600)  # npx fetches buf on the first run
def test_health_protocol_from_another_process(
    buf: list[str], leaving_server: RunningServer
) -> None:
    # What grpc_health_probe asks; the program itself is in no package index.
    for service in ("", INFERENCE, "fourcast.connect4.v1.Connect4Service"):
        checked = call(buf, leaving_server, f"{HEALTH}/Check", service=service)
        assert checked == {"status": "SERVING"}
    with subprocess.Popen(
        curl(buf, leaving_server, f"{HEALTH}/Watch", {"service": INFERENCE}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # npm's warnings
        text=True,
        start_new_session=True,
    ) as watching:
        try:
            assert watching.stdout is not None
            first = "".join(watching.stdout.readline() for _ in range(3))
            assert json.loads(first) == {"status": "SERVING"}
            leaving_server.process.send_signal(signal.SIGTERM)
            second = "".join(watching.stdout.readline() for _ in range(3))
            assert json.loads(second) == {"status": "NOT_SERVING"}
            assert leaving_server.wait() == 0
        finally:
            # The group: npx starts buf as its child.
            os.killpg(watching.pid, signal.SIGKILL)
