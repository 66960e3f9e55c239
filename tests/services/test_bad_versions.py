"""Versions that fail their checks never serve, and the one before goes on."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2_grpc

from tests.services.protocol_model import (
    SIMPLE,
    answer,
    index,
    named,
    publish_simple,
    ready,
    simple_weights,
)
from tests.services.running import RunningServer, run_server
from tests.services.scraping import scrape
from tests.services.status import failure
from tests.services.waiting import until


def with_bytes(change: Callable[[bytes], bytes], file: str = "model.onnx") -> Callable[..., None]:
    def damage(folder: Path) -> None:
        path = folder / file
        path.write_bytes(change(path.read_bytes()))

    return damage


def with_wrong_shape(folder: Path) -> None:
    weights = simple_weights(config=replace(SIMPLE, max_batch_size=0))
    (folder / "model.onnx").write_bytes(weights)


def with_wrong_name(folder: Path) -> None:
    other = replace(SIMPLE.outputs[1], name="OUTPUT2")
    weights = simple_weights(config=replace(SIMPLE, outputs=(SIMPLE.outputs[0], other)))
    (folder / "model.onnx").write_bytes(weights)


def with_wrong_golden(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(simple_weights(offset=99))


WRONG: dict[str, tuple[Callable[[Path], None], str]] = {
    "corrupt": (with_bytes(lambda content: content[::-1]), "cannot open"),
    "truncated": (with_bytes(lambda content: content[: len(content) // 2]), "cannot open"),
    "empty": (with_bytes(lambda _: b""), "cannot open"),
    "wrong_shape": (with_wrong_shape, "'INPUT0' is [16] in the ONNX file, [-1, 16] in config"),
    "wrong_name": (with_wrong_name, "the ONNX file has the outputs ['OUTPUT0', 'OUTPUT2']"),
    "wrong_golden": (with_wrong_golden, "'OUTPUT0' differs from its golden values in 16 of 16"),
    "broken_golden": (with_bytes(lambda content: content[:99], "golden.npz"), "cannot read"),
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    for kind in (*WRONG, "mended", "withdrawn"):
        publish_simple(folder, 1, offset=1, config=named(kind))
    return folder


@pytest.fixture(scope="module")
def server(repository: Path) -> Iterator[RunningServer]:
    """A server that watches its repository."""
    with run_server(repository, "--watch", "--metrics-port", "0") as running:
        yield running


@pytest.fixture(scope="module")
def stub(server: RunningServer) -> Iterator[Any]:
    with grpc.insecure_channel(server.address) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


@pytest.fixture(scope="module")
def refused(repository: Path, stub: Any) -> None:
    """A bad version 2 of each model in WRONG, all noticed."""
    for kind, (damage, _) in WRONG.items():
        assert answer(stub, kind) == ("1", 1)
        folder = publish_simple(repository / ".beside", 2, offset=2, config=named(kind))
        damage(folder)
        folder.rename(repository / kind / "2")
    until(lambda: all("2" in index(stub, kind) for kind in WRONG))


@pytest.mark.usefixtures("refused")
@pytest.mark.parametrize("kind", WRONG)
def test_a_bad_version_is_refused(server: RunningServer, stub: Any, kind: str) -> None:
    assert index(stub, kind)["1"] == ("READY", "")
    state, reason = index(stub, kind)["2"]
    assert state == "UNAVAILABLE"
    assert WRONG[kind][1] in reason
    assert answer(stub, kind) == ("1", 1)
    error = failure(lambda: answer(stub, kind, "2"))
    assert error.code is grpc.StatusCode.NOT_FOUND
    # Once, not whenever the watcher looks.
    line = f"refused version 2 of model {kind!r}: "
    assert server.log().count(line) == 1
    assert WRONG[kind][1] in server.log().partition(line)[2].partition("\n")[0]
    metrics = scrape(server)
    assert metrics.total("fourcast_model_refusals_total", model=kind) == 1
    info = "fourcast_model_version_info"
    assert metrics.total(info, model=kind, version="1", state="READY") == 1
    assert metrics.total(info, model=kind, version="2", state="UNAVAILABLE") == 1
    assert metrics.total(info, model=kind, version="2", state="READY") == 0


def test_a_refused_version_that_is_mended_serves(
    repository: Path, server: RunningServer, stub: Any
) -> None:
    folder = publish_simple(repository / ".beside", 2, offset=2, config=named("mended"))
    right = (folder / "model.onnx").read_bytes()
    with_wrong_golden(folder)
    folder.rename(repository / "mended" / "2")
    until(lambda: "2" in index(stub, "mended"))
    assert answer(stub, "mended") == ("1", 1)
    (repository / "mended" / "2" / "model.onnx").write_bytes(right)
    until(lambda: ready(stub, "mended", "2"))
    assert answer(stub, "mended") == ("2", 2)
    metrics, info = scrape(server), "fourcast_model_version_info"
    assert metrics.total(info, model="mended", version="2", state="UNAVAILABLE") == 0
    assert metrics.total(info, model="mended", version="2", state="READY") == 1
    assert metrics.total(info, model="mended", version="1", state="READY") == 0


def test_a_refused_version_that_is_removed_is_forgotten(
    repository: Path, server: RunningServer, stub: Any
) -> None:
    folder = publish_simple(repository / ".beside", 2, config=named("withdrawn"))
    with_wrong_golden(folder)
    folder.rename(repository / "withdrawn" / "2")
    until(lambda: "2" in index(stub, "withdrawn"))
    shutil.rmtree(repository / "withdrawn" / "2")
    until(lambda: index(stub, "withdrawn") == {"1": ("READY", "")})
    assert (
        scrape(server).total("fourcast_model_version_info", model="withdrawn", state="UNAVAILABLE")
        == 0
    )
