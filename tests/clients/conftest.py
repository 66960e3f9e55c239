from collections.abc import Iterator
from pathlib import Path

import pytest

from fourcast_clients.api import Fourcast
from tests.services.no_openings import write_no_openings
from tests.services.running import RunningServer, run_server
from tests.services.small_doodle import publish_small_doodle
from tests.services.small_stego import publish_small_stego

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


@pytest.fixture(scope="session")
def slow_thinker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fourcast]:
    """A client of a service that knows no openings, and that takes its time for a perfect move."""
    no_openings = write_no_openings(tmp_path_factory.mktemp("book"))
    flags = ("--opening-book", str(no_openings), "--thinking-seconds", "600")
    with run_server(REPOSITORY, *flags) as server, Fourcast(server.address) as client:
        client.wait_until_ready()
        yield client


@pytest.fixture(scope="session")
def doodle_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with small doodle networks, one for pictures and one for strokes."""
    folder = tmp_path_factory.mktemp("doodles")
    publish_small_doodle(folder, "doodle", "bitmap", seed=1)
    publish_small_doodle(folder, "doodle_strokes", "raster", seed=2)
    return folder


@pytest.fixture(scope="session")
def doodle_server(doodle_repository: Path) -> Iterator[RunningServer]:
    """A real service with them, which watches three drawings at once."""
    with run_server(doodle_repository, "--max-streams", "3") as server:
        yield server
        assert "Traceback" not in server.log()


@pytest.fixture
def doodles(doodle_server: RunningServer) -> Iterator[Fourcast]:
    """A client of that service."""
    with Fourcast(doodle_server.address) as client:
        client.wait_until_ready()
        yield client


@pytest.fixture(scope="session")
def stego_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the classical lattice codes in place of trained networks."""
    return publish_small_stego(tmp_path_factory.mktemp("stego"))


@pytest.fixture(scope="session")
def stego_server(stego_repository: Path) -> Iterator[RunningServer]:
    """A real service with them."""
    with run_server(stego_repository) as server:
        yield server
        assert "Traceback" not in server.log()


@pytest.fixture
def hiding(stego_server: RunningServer) -> Iterator[Fourcast]:
    """A client of that service."""
    with Fourcast(stego_server.address) as client:
        client.wait_until_ready()
        yield client
