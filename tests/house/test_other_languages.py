"""The clients' README in other languages: what can run here is run, the rest fits the wire."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fourcast.connect4.v1 import connect4_pb2
from fourcast_clients.api import DEFAULT_SERVER
from tests.house.test_readme import CHECKOUT, PAGES, REPOSITORY, blocks
from tests.services.running import run_server

PAGE = PAGES["clients/README.md"]
PACKAGES = ("@grpc/grpc-js", "@grpc/proto-loader")


@pytest.fixture(scope="module")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the protos and the packages that the example needs, or a skip."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("no node: install Node.js and npm")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text("{}")
    flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--fetch-retries=0"]
    done = subprocess.run(
        [npm, "install", *flags, *PACKAGES], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"npm cannot install {' '.join(PACKAGES)}: {done.stderr[-300:]}")
    (folder / "protos").symlink_to(CHECKOUT / "protos")
    return folder


def shown() -> str:
    """What the page says that each of them prints."""
    (text,) = blocks("text", PAGE)
    return text


def test_javascript_prints_what_the_page_shows(node_folder: Path) -> None:
    (example,) = blocks("js", PAGE)
    assert example.count(DEFAULT_SERVER) == 1
    with run_server(REPOSITORY) as server:
        (node_folder / "analyze.mjs").write_text(example.replace(DEFAULT_SERVER, server.address))
        done = subprocess.run(
            ["node", "analyze.mjs"], cwd=node_folder, capture_output=True, text=True, check=False
        )
    assert (done.stdout, done.stderr) == (shown(), "")


def test_go_names_what_there_is() -> None:
    (example,) = blocks("go", PAGE)
    assert DEFAULT_SERVER in example
    file = connect4_pb2.DESCRIPTOR
    service = file.services_by_name["Connect4Service"]
    assert f"connect4.New{service.name}Client(" in example
    request = service.methods_by_name["Analyze"].input_type
    reply = service.methods_by_name["Analyze"].output_type
    assert f"client.Analyze(context.Background(), &connect4.{request.name}{{Position:" in example
    assert "position" in request.fields_by_name
    position = file.message_types_by_name["Position"]
    notation = position.fields_by_name["moves"].containing_oneof
    assert notation is not None
    assert notation.name == "notation"
    assert 'Position{Notation: &connect4.Position_Moves{Moves: "' in example
    scores = reply.fields_by_name["scores"].message_type
    assert scores is not None
    assert "score" in scores.fields_by_name
    assert set(re.findall(r"\.Get(\w+)\(\)", example)) == {"Scores", "Score"}
