"""Other people's model servers, each in an environment of its own that pip fills once."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import grpc
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from benchmarks.serving.peers import Environment, InstallError, Peer, read_peers
from benchmarks.serving.processes import run_process
from tests.services.fronts import unused_port
from tests.services.waiting import until


def installed(name: str) -> Environment:
    """The environment of a peer of `benchmarks/serving`; made if need be.

    Skips the test where no package index can be reached to make it from; an environment that
    cannot be made although there is one fails it.
    """
    obstacle = _obstacle(name)
    if obstacle is not None:
        pytest.skip(obstacle)
    return read_peers()[name].environment


@contextmanager
def run_peer(name: str, weights: Path, folder: Path) -> Iterator[str]:
    """Run a peer until the block ends.

    Args:
        name: Its name in `peers.toml`.
        weights: The ONNX file that it serves as the model "connect4".
        folder: Where its log goes.

    Yields:
        "HOST:PORT", once the model is ready.
    """
    installed(name)
    peer: Peer = read_peers()[name]
    port = unused_port()
    address = f"127.0.0.1:{port}"
    arguments = peer.command(port=port, weights=weights, models=weights.parents[2])
    log = folder / f"{name}.log"
    with (
        run_process(arguments, log, environment=peer.variables, folder=folder) as server,
        grpc.insecure_channel(address) as channel,
    ):
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)

        def ready() -> bool:
            server.check()
            try:
                request = service_pb2.ModelReadyRequest(name="connect4")
                return bool(stub.ModelReady(request, timeout=5).ready)
            except grpc.RpcError:
                return False

        until(ready, f"{name} to be ready")
        yield address


@cache
def _obstacle(name: str) -> str | None:
    """Why there can be no environment here; None when there is one. Tried once a run."""
    environment = read_peers()[name].environment
    try:
        environment.install()
    except InstallError as error:
        if _index_answers(environment):
            raise
        return f"no environment for {name}, and no package index to make it: {error}"
    return None


def _index_answers(environment: Environment) -> bool:
    """Whether pip finds what everybody has."""
    command = [str(environment.python), "-m", "pip", "download", "--no-deps", "--quiet"]
    done = subprocess.run(
        [*command, "--dest", str(environment.python.parents[1]), "pip"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0
