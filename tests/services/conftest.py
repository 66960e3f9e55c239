from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from fourcast.connect4.v1 import connect4_pb2_grpc
from tests.services.running import RunningServer, run_server
from tests.services.small_model import publish_other_model, publish_small_model


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two versions of a small `connect4` and a model for something else."""
    folder = tmp_path_factory.mktemp("repository")
    publish_small_model(folder, 1, seed=1)
    publish_small_model(folder, 2, seed=2)
    publish_other_model(folder, "other")
    return folder


@pytest.fixture(scope="session")
def server(repository: Path) -> Iterator[RunningServer]:
    with run_server(repository) as running:
        yield running


@pytest.fixture(scope="session")
def channel(server: RunningServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.address) as channel:
        yield channel


@pytest.fixture(scope="session")
def connect4(channel: grpc.Channel) -> connect4_pb2_grpc.Connect4ServiceStub:
    return connect4_pb2_grpc.Connect4ServiceStub(channel)
