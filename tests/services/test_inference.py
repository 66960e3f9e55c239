"""tritonclient against a real server, in the ways that its own simple examples use it."""

import asyncio
import queue
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2, service_pb2_grpc
from tritonclient.grpc import service_pb2 as wire
from tritonclient.utils import InferenceServerException

from fourcast_models.model_config import VersionPolicy
from fourcast_models.repository import default_repository, read_golden, read_repository
from fourcast_services.engine.session import TOLERANCES
from tests.services.protocol_model import SIMPLE, Array, publish_simple
from tests.services.running import RunningServer, run_server
from tests.services.small_model import publish_small_model
from tests.services.status import failure

FIRST = np.arange(16, dtype=np.int32).reshape(1, 16)
SECOND = np.ones((1, 16), np.int32)
SERVED = {
    "ServerLive",
    "ServerReady",
    "ModelReady",
    "ServerMetadata",
    "ModelMetadata",
    "ModelInfer",
    "ModelStreamInfer",
    "ModelConfig",
    "ModelStatistics",
    "RepositoryIndex",
    "RepositoryModelLoad",
    "RepositoryModelUnload",
}
NOT_SERVED = {
    "TraceSetting",
    "LogSettings",
    "SystemSharedMemoryStatus",
    "SystemSharedMemoryRegister",
    "SystemSharedMemoryUnregister",
    "CudaSharedMemoryStatus",
    "CudaSharedMemoryRegister",
    "CudaSharedMemoryUnregister",
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`simple` in two versions, both served, and `connect4`."""
    folder = tmp_path_factory.mktemp("protocol")
    config = replace(SIMPLE, versions=VersionPolicy(newest=None))
    publish_simple(folder, 1, offset=100, config=config)
    publish_simple(folder, 2, config=config)
    publish_small_model(folder)
    return folder


@pytest.fixture(scope="module")
def server(models: Path) -> Iterator[RunningServer]:
    with run_server(models) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[Any]:
    with triton.InferenceServerClient(server.address) as client:
        yield client


@pytest.fixture(scope="module")
def stub(server: RunningServer) -> Iterator[Any]:
    with grpc.insecure_channel(server.address) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def simple_inputs(module: Any = triton, first: Array = FIRST, second: Array = SECOND) -> list[Any]:
    inputs = [
        module.InferInput(name, array.shape, "INT32")
        for name, array in (("INPUT0", first), ("INPUT1", second))
    ]
    inputs[0].set_data_from_numpy(first)
    inputs[1].set_data_from_numpy(second)
    return inputs


def check(result: Any, offset: int = 0) -> None:
    assert np.array_equal(result.as_numpy("OUTPUT0"), FIRST + SECOND + offset)
    assert np.array_equal(result.as_numpy("OUTPUT1"), FIRST - SECOND)


def refusal(error: InferenceServerException, status: str) -> str:
    assert error.status() == f"StatusCode.{status}"
    return str(error.message())


def test_infer(client: Any) -> None:
    outputs = [triton.InferRequestedOutput(name) for name in ("OUTPUT1", "OUTPUT0")]
    result = client.infer(
        "simple", simple_inputs(), outputs=outputs, request_id="one", headers={"test": "1"}
    )
    check(result)
    response = result.get_response()
    assert [output.name for output in response.outputs] == ["OUTPUT1", "OUTPUT0"]
    assert (response.id, response.model_name, response.model_version) == ("one", "simple", "2")


def test_infer_without_requested_outputs(client: Any) -> None:
    check(client.infer("simple", simple_inputs()))


def test_only_the_requested_output_is_sent(client: Any) -> None:
    outputs = [triton.InferRequestedOutput("OUTPUT1")]
    result = client.infer("simple", simple_inputs(), outputs=outputs)
    assert [output.name for output in result.get_response().outputs] == ["OUTPUT1"]
    assert result.as_numpy("OUTPUT0") is None


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_compressed_requests(client: Any, algorithm: str) -> None:
    check(client.infer("simple", simple_inputs(), compression_algorithm=algorithm))


@pytest.mark.parametrize(("version", "offset"), [("1", 100), ("2", 0), ("", 0)])
def test_a_specific_version(client: Any, version: str, offset: int) -> None:
    result = client.infer("simple", simple_inputs(), model_version=version)
    check(result, offset)
    assert result.get_response().model_version == (version or "2")


def test_async_infer(client: Any) -> None:
    done: queue.Queue[tuple[Any, Any]] = queue.Queue()
    for _ in range(20):
        client.async_infer(
            "simple", simple_inputs(), lambda result, error: done.put((result, error))
        )
    for _ in range(20):
        result, error = done.get(timeout=60)
        assert error is None
        check(result)


def test_async_infer_reports_errors(client: Any) -> None:
    done: queue.Queue[tuple[Any, Any]] = queue.Queue()
    client.async_infer("chess", simple_inputs(), lambda result, error: done.put((result, error)))
    result, error = done.get(timeout=60)
    assert result is None
    assert "no model 'chess'" in refusal(error, "NOT_FOUND")


async def test_asyncio_client(server: RunningServer) -> None:
    async with triton_aio.InferenceServerClient(server.address) as client:
        assert await client.is_server_live()
        assert await client.is_server_ready()
        assert await client.is_model_ready("simple", "1")
        assert (await client.get_server_metadata()).name == "fourcast"
        assert (await client.get_model_metadata("simple")).versions == ["1", "2"]
        assert (await client.get_model_config("simple")).config.name == "simple"
        results = await asyncio.gather(
            *(client.infer("simple", simple_inputs(triton_aio)) for _ in range(50))
        )
        for result in results:
            check(result)
        with pytest.raises(InferenceServerException) as caught:
            await client.infer("simple", simple_inputs(triton_aio), model_version="3")
        assert "it serves 2, 1" in refusal(caught.value, "NOT_FOUND")
        assert len((await client.get_inference_statistics("simple", "2")).model_stats) == 1


def test_health_and_metadata(client: Any) -> None:
    assert client.is_server_live(headers={"test": "1", "dummy": "2"})
    assert client.is_server_ready()
    assert client.is_model_ready("simple")
    assert client.is_model_ready("simple", "1")
    assert not client.is_model_ready("simple", "3")
    assert not client.is_model_ready("chess")
    server = client.get_server_metadata(as_json=True)
    assert server["extensions"] == ["model_configuration", "model_repository", "statistics"]
    model = client.get_model_metadata("simple", as_json=True)
    assert model["versions"] == ["1", "2"]
    assert model["platform"] == "onnxruntime_onnx/CPUExecutionProvider"
    assert model["inputs"] == [
        {"name": name, "datatype": "INT32", "shape": ["-1", "16"]} for name in ("INPUT0", "INPUT1")
    ]
    assert [output["name"] for output in model["outputs"]] == ["OUTPUT0", "OUTPUT1"]
    with pytest.raises(InferenceServerException) as caught:
        client.get_model_metadata("chess")
    assert "no model 'chess'" in refusal(caught.value, "NOT_FOUND")


def test_custom_keepalive(server: RunningServer) -> None:
    options = triton.KeepAliveOptions(
        keepalive_time_ms=1000,
        keepalive_timeout_ms=20000,
        keepalive_permit_without_calls=True,
        http2_max_pings_without_data=0,
    )
    with triton.InferenceServerClient(server.address, keepalive_options=options) as client:
        check(client.infer("simple", simple_inputs()))


def test_custom_channel_arguments(server: RunningServer) -> None:
    arguments = [("grpc.max_receive_message_length", 20), ("grpc.primary_user_agent", "tests")]
    with triton.InferenceServerClient(server.address, channel_args=arguments) as client:
        assert client.is_server_live()
        with pytest.raises(InferenceServerException) as caught:
            client.infer("simple", simple_inputs())
        refusal(caught.value, "RESOURCE_EXHAUSTED")


def test_statistics(models: Path) -> None:
    with run_server(models) as server, triton.InferenceServerClient(server.address) as client:
        for _ in range(3):
            client.infer(
                "simple", simple_inputs(first=FIRST.repeat(2, 0), second=SECOND.repeat(2, 0))
            )
        for wrong in (FIRST[:, :8], FIRST.repeat(9, 0)):
            with pytest.raises(InferenceServerException):
                client.infer("simple", simple_inputs(first=wrong, second=wrong))
        (statistics,) = client.get_inference_statistics("simple", "2").model_stats
        assert (statistics.name, statistics.version) == ("simple", "2")
        assert (statistics.inference_count, statistics.execution_count) == (6, 3)
        assert statistics.last_inference > 0
        times = statistics.inference_stats
        assert (times.success.count, times.fail.count, times.queue.count) == (3, 2, 3)
        assert times.success.ns >= times.compute_infer.ns > 0
        (batch,) = statistics.batch_stats
        assert (batch.batch_size, batch.compute_infer.count) == (2, 3)
        everything = client.get_inference_statistics().model_stats
        assert {(stats.name, stats.version) for stats in everything} == {
            ("connect4", "1"),
            ("simple", "1"),
            ("simple", "2"),
        }
        assert sum(stats.execution_count for stats in everything) == 3
        with pytest.raises(InferenceServerException) as caught:
            client.get_inference_statistics("simple", "3")
        assert "it serves 2, 1" in refusal(caught.value, "NOT_FOUND")


def test_model_control(models: Path) -> None:
    with run_server(models) as server, triton.InferenceServerClient(server.address) as client:
        client.unload_model("simple")
        assert not client.is_model_ready("simple")
        with pytest.raises(InferenceServerException) as caught:
            client.infer("simple", simple_inputs())
        assert "'simple' is not loaded" in refusal(caught.value, "NOT_FOUND")
        index = {(m.name, m.version): m for m in client.get_model_repository_index().models}
        assert (index["simple", ""].state, index["simple", ""].reason) == (
            "UNAVAILABLE",
            "unloaded",
        )
        assert index["connect4", "1"].state == "READY"
        client.load_model("simple")
        assert client.is_model_ready("simple", "1")
        check(client.infer("simple", simple_inputs()))
        for change in (client.load_model, client.unload_model):
            with pytest.raises(InferenceServerException) as caught:
                change("chess")
            refusal(caught.value, "NOT_FOUND")
        with pytest.raises(InferenceServerException) as caught:
            client.load_model("simple", config='{"max_batch_size": 16}')
        assert refusal(caught.value, "INVALID_ARGUMENT").startswith("parameters: ")


def test_model_control_switched_off(models: Path) -> None:
    with (
        run_server(models, "--model-control", "off") as server,
        triton.InferenceServerClient(server.address) as client,
    ):
        for change in (client.load_model, client.unload_model):
            with pytest.raises(InferenceServerException) as caught:
                change("simple")
            assert "--model-control" in refusal(caught.value, "PERMISSION_DENIED")
        assert client.is_model_ready("simple")


@pytest.mark.parametrize("method", ["RepositoryModelLoad", "RepositoryModelUnload"])
def test_there_is_one_repository(stub: Any, method: str) -> None:
    request = getattr(wire, f"{method}Request")(repository_name="other", model_name="simple")
    error = failure(lambda: getattr(stub, method)(request))
    assert error.field_violation()[0] == "repository_name"


def test_index_of_ready_models(stub: Any) -> None:
    index = stub.RepositoryIndex(wire.RepositoryIndexRequest(ready=True))
    assert [(m.name, m.version, m.state, m.reason) for m in index.models] == [
        ("connect4", "1", "READY", ""),
        ("simple", "2", "READY", ""),
        ("simple", "1", "READY", ""),
    ]
    request = wire.RepositoryIndexRequest(repository_name="other")
    assert failure(lambda: stub.RepositoryIndex(request)).field_violation()[0] == "repository_name"


@pytest.mark.parametrize("model", ["simple", "connect4"])
def test_model_config_is_that_of_the_file(client: Any, models: Path, model: str) -> None:
    text = (models / model / "config.pbtxt").read_text()
    expected = text_format.Parse(text, model_config_pb2.ModelConfig())
    assert client.get_model_config(model).config == expected
    assert expected.name == model


def test_other_methods_are_unimplemented(stub: Any) -> None:
    service = wire.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    assert {method.name for method in service.methods} == SERVED | NOT_SERVED
    for method in NOT_SERVED:
        request = getattr(wire, f"{method}Request")()
        error = failure(lambda method=method, request=request: getattr(stub, method)(request))  # type: ignore[misc]  # its type cannot be inferred
        assert error.code is grpc.StatusCode.UNIMPLEMENTED, method


def test_published_models_give_their_golden_outputs() -> None:
    repository = default_repository()
    with run_server(repository) as server, triton.InferenceServerClient(server.address) as client:
        for name, model in read_repository(repository).items():
            metadata = client.get_model_metadata(name)
            provider = metadata.platform.rpartition("/")[2]
            datatypes = {tensor.name: tensor.datatype for tensor in metadata.inputs}
            for version in metadata.versions:
                golden = read_golden(model.golden(int(version)), model.config)
                inputs = []
                for tensor, array in golden.inputs.items():
                    inputs.append(triton.InferInput(tensor, array.shape, datatypes[tensor]))
                    inputs[-1].set_data_from_numpy(array)
                result = client.infer(name, inputs, model_version=version)
                tolerance = max(TOLERANCES[provider], golden.tolerance)
                for tensor, expected in golden.outputs.items():
                    np.testing.assert_allclose(
                        result.as_numpy(tensor), expected, rtol=tolerance, atol=tolerance
                    )
