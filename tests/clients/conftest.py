from collections.abc import Iterator
from pathlib import Path

import pytest

from fourcast_clients.api import Fourcast
from tests.services.running import run_server

REPOSITORY = Path(__file__).resolve().parents[2] / "models" / "repository"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-picture", action="store_true", help="draw clients/board.svg anew from a real game"
    )


@pytest.fixture(scope="session")
def fourcast() -> Iterator[Fourcast]:
    """A client of a real service with the committed models."""
    with run_server(REPOSITORY) as server, Fourcast(server.address) as client:
        client.wait_until_ready()
        yield client
