"""Versions come and go while a server runs."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2, service_pb2_grpc
from tritonclient.grpc import service_pb2 as wire

from fourcast_models.model_config import Batching, VersionPolicy, format_config
from tests.services.protocol_model import (
    FOREVER,
    NEWEST,
    SLOW,
    answer,
    index,
    is_right,
    named,
    publish_simple,
    publish_slow,
    ready,
    simple_request,
    simple_weights,
    slow_request,
)
from tests.services.running import RunningServer, run_server
from tests.services.status import failure
from tests.services.waiting import until, until_async

SWAPS = 20
POLICIES = {
    "newest": (NEWEST, ["4"]),
    "two": (VersionPolicy(newest=2), ["4", "3"]),
    "all": (VersionPolicy(newest=None), ["4", "3", "1"]),
    "only": (VersionPolicy(newest=None, only=(3, 1, 7)), ["3", "1"]),
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model that stays; tests bring their own."""
    folder = tmp_path_factory.mktemp("versions")
    publish_simple(folder, config=named("stays"))
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


@pytest.mark.parametrize("model", POLICIES)
def test_version_policy(policies: Any, model: str) -> None:
    versions = POLICIES[model][1]
    assert answer(policies, model) == (versions[0], int(versions[0]))
    for version in ("1", "3", "4"):
        assert ready(policies, model, version) == (version in versions)
    for version in versions:
        assert answer(policies, model, version) == (version, int(version))
    metadata = policies.ModelMetadata(wire.ModelMetadataRequest(name=model))
    assert list(metadata.versions) == versions[::-1]


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("policies")
    for model, (policy, _) in POLICIES.items():
        for version in (1, 3, 4):
            publish_simple(folder, version, offset=version, config=named(model, versions=policy))
    with run_server(folder) as running, grpc.insecure_channel(running.address) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def test_a_version_that_fails_gives_its_place_to_the_next(tmp_path: Path) -> None:
    for version in (1, 2, 3):
        publish_simple(
            tmp_path, version, offset=version, config=named("two", versions=VersionPolicy(2))
        )
    (tmp_path / "two" / "3" / "model.onnx").write_bytes(b"")
    with run_server(tmp_path) as server, grpc.insecure_channel(server.address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        assert {version: state for version, (state, _) in index(stub, "two").items()} == {
            "3": "UNAVAILABLE",
            "2": "READY",
            "1": "READY",
        }
        assert answer(stub, "two") == ("2", 2)


async def test_swaps_under_load(repository: Path, server: RunningServer, stub: Any) -> None:
    newest = dict.fromkeys(("swap0", "swap1", "swap2", "swap3"), 0)
    answered: set[tuple[str, int]] = set()
    done = False

    async def publish_next() -> None:
        for model in newest:
            newest[model] += 1
            await asyncio.to_thread(
                publish_simple,
                repository,
                newest[model],
                offset=newest[model],
                config=named(model, max_batch_size=64),
            )

    def all_have_answered() -> bool:
        return newest.items() <= answered

    def check(request: Any, response: Any) -> None:
        version = int(response.model_version)
        # A version gives its own answers only.
        assert is_right(request, response, offset=version)
        answered.add((request.model_name, version))

    async def call(caller: Any, model: str, seed: int) -> None:
        random = np.random.default_rng(seed)
        while not done:
            rows = int(random.integers(1, 9))
            numbers = random.integers(-1000, 1000, (rows, 16))
            request = simple_request(numbers, seed, rows=rows, model=model)
            check(request, await caller.ModelInfer(request))

    async def stream(caller: Any) -> None:
        answers = caller.ModelStreamInfer()
        while not done:
            requests = [
                simple_request(number, 1, model=model) for number, model in enumerate(newest)
            ]
            for request in requests:
                await answers.write(request)
            for request in requests:
                response = await answers.read()
                assert not response.error_message
                check(request, response.infer_response)
        await answers.done_writing()

    await publish_next()
    until(lambda: all(ready(stub, model) for model in newest))
    async with grpc.aio.insecure_channel(server.address) as channel:
        caller = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        async with asyncio.TaskGroup() as tasks:
            for seed, model in enumerate(newest):
                tasks.create_task(call(caller, model, seed))
            tasks.create_task(stream(caller))
            for _ in range(SWAPS // len(newest)):
                await publish_next()
                await until_async(all_have_answered, "the new versions")
            done = True
    assert len(answered) == SWAPS + len(newest)


def test_a_new_model_is_taken_in(repository: Path, stub: Any) -> None:
    assert not ready(stub, "new")
    publish_simple(repository, 1, offset=4, config=named("new"))
    until(lambda: ready(stub, "new"))
    assert answer(stub, "new") == ("1", 4)


def test_a_removed_version_makes_room_for_the_one_before(repository: Path, stub: Any) -> None:
    for version in (1, 2):
        publish_simple(repository, version, offset=version, config=named("shrinks"))
    until(lambda: ready(stub, "shrinks", "2"))
    shutil.rmtree(repository / "shrinks" / "2")
    until(lambda: ready(stub, "shrinks", "1"))
    assert not ready(stub, "shrinks", "2")
    assert answer(stub, "shrinks") == ("1", 1)
    until(lambda: index(stub, "shrinks") == {"1": ("READY", "")})


def test_a_removed_model_is_gone(repository: Path, stub: Any) -> None:
    publish_simple(repository, config=named("leaves"))
    until(lambda: ready(stub, "leaves"))
    shutil.rmtree(repository / "leaves")
    until(lambda: not index(stub, "leaves"))
    error = failure(lambda: answer(stub, "leaves"))
    assert error.code is grpc.StatusCode.NOT_FOUND
    assert answer(stub, "stays") == ("1", 0)


def test_a_changed_config_is_taken_in(repository: Path, stub: Any) -> None:
    publish_simple(repository, config=named("tuned"))
    until(lambda: ready(stub, "tuned"))
    assert answer(stub, "tuned", rows=8) == ("1", 0)
    file = repository / "tuned" / "config.pbtxt"
    write_beside(file, format_config(named("tuned", max_batch_size=4)))

    def limit() -> int:
        response = stub.ModelConfig(wire.ModelConfigRequest(name="tuned"))
        return int(response.config.max_batch_size)

    until(lambda: limit() == 4)
    assert "1 to 4, not [8]" in failure(lambda: answer(stub, "tuned", rows=8)).message
    # One that cannot be read changes nothing, and the index names the line.
    write_beside(file, "\ncolour: 3\n")
    until(lambda: "" in index(stub, "tuned"))
    state, reason = index(stub, "tuned")[""]
    assert state == "UNAVAILABLE"
    assert (
        f'{file}:2:1 : Message type "inference.ModelConfig" has no field named "colour"' in reason
    )
    assert answer(stub, "tuned", rows=4) == ("1", 0)
    write_beside(file, format_config(named("tuned", max_batch_size=6)))
    until(lambda: limit() == 6)
    assert index(stub, "tuned") == {"1": ("READY", "")}


def test_a_copy_under_way_does_not_serve(repository: Path, stub: Any, tmp_path: Path) -> None:
    publish_simple(repository, 1, offset=1, config=named("copied"))
    until(lambda: ready(stub, "copied"))
    source = publish_simple(tmp_path, 2, offset=2, config=named("copied"))
    target = repository / "copied" / "2"
    target.mkdir()
    content = (source / "model.onnx").read_bytes()
    with (target / "model.onnx").open("wb", buffering=0) as file:
        # The file grows in its place, as cp and rsync --inplace have it.
        file.write(content[: len(content) // 2])
        until(lambda: "2" in index(stub, "copied"))
        assert "cannot open" in index(stub, "copied")["2"][1]
        assert answer(stub, "copied") == ("1", 1)
        file.write(content[len(content) // 2 :])
    until(lambda: "golden.npz" in index(stub, "copied")["2"][1], "the other file to be missed")
    assert answer(stub, "copied") == ("1", 1)
    shutil.copy(source / "golden.npz", target)
    until(lambda: ready(stub, "copied", "2"))
    assert answer(stub, "copied") == ("2", 2)
    until(lambda: index(stub, "copied") == {"2": ("READY", "")})


def write_beside(file: Path, text: str) -> None:
    (new := file.with_name(".new")).write_text(text)
    new.replace(file)


def test_the_version_before_finishes_what_it_has_begun(tmp_path: Path) -> None:
    config = replace(SLOW, versions=NEWEST, instances=2)
    publish_slow(tmp_path, 1, config=config)
    with run_server(tmp_path) as server, grpc.insecure_channel(server.address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        begun = stub.ModelInfer.future(slow_request(300_000))
        forever = stub.ModelInfer.future(slow_request(FOREVER))
        # On the same connection: those two are there when this is answered.
        assert ready(stub, "slow", "1")
        publish_slow(tmp_path, 2, config=config)
        stub.RepositoryModelLoad(wire.RepositoryModelLoadRequest(model_name="slow"))
        assert stub.ModelInfer(slow_request(5)).model_version == "2"
        assert index(stub, "slow") == {
            "2": ("READY", ""),
            "1": ("UNLOADING", "finishing its calls"),
        }
        assert begun.result().model_version == "1"
        assert not forever.done()


def test_load_and_unload(tmp_path: Path) -> None:
    publish_simple(tmp_path, 1, offset=1)
    publish_slow(tmp_path)
    load = wire.RepositoryModelLoadRequest(model_name="simple")
    unload = wire.RepositoryModelUnloadRequest(model_name="simple")
    with (
        run_server(tmp_path, "--watch") as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        # Load takes in what is new, without waiting for the watcher.
        publish_simple(tmp_path, 2, offset=2)
        stub.RepositoryModelLoad(load)
        assert answer(stub, "simple") == ("2", 2)
        publish_simple(tmp_path, 3, offset=3)
        (tmp_path / "simple" / "3" / "model.onnx").write_bytes(simple_weights(offset=4))
        error = failure(lambda: stub.RepositoryModelLoad(load))
        assert error.code is grpc.StatusCode.FAILED_PRECONDITION
        assert "version 3: output 'OUTPUT0' differs" in error.message
        assert answer(stub, "simple") == ("2", 2)
        stub.RepositoryModelUnload(unload)
        assert not ready(stub, "simple")
        # The watcher leaves it alone, whatever comes: it has looked when it has taken in the other.
        publish_simple(tmp_path, 4, offset=4)
        publish_slow(tmp_path, 2)
        until(lambda: ready(stub, "slow", "2"))
        assert not ready(stub, "simple")
        assert index(stub, "simple")[""] == ("UNAVAILABLE", "unloaded")
        stub.RepositoryModelLoad(load)
        assert answer(stub, "simple") == ("4", 4)


def test_the_config_that_is_served_is_the_files(tmp_path: Path) -> None:
    config = replace(
        SLOW,
        batching=Batching(delay=0.002, max_waiting=9),
        instances=3,
        versions=VersionPolicy(newest=None, only=(1,)),
        parameters={"codec_version": "7"},
    )
    publish_slow(tmp_path, config=config)
    with run_server(tmp_path) as server, grpc.insecure_channel(server.address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        served = stub.ModelConfig(wire.ModelConfigRequest(name="slow")).config
        text = (tmp_path / "slow" / "config.pbtxt").read_text()
        assert served == text_format.Parse(text, model_config_pb2.ModelConfig())
        assert served.instance_group[0].count == 3
