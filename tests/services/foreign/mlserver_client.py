"""MLServer's own stubs and codecs; runs in MLServer's environment, with its packages alone.

    python mlserver_client.py HOST:PORT < boards.json

takes boards as nested lists and prints what the server said as a line of JSON.
"""

import json
import sys
from typing import Any

import grpc
import numpy as np
from mlserver.codecs import NumpyCodec
from mlserver.grpc import dataplane_pb2 as wire
from mlserver.grpc.converters import ModelInferRequestConverter, ModelInferResponseConverter
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub
from mlserver.types import InferenceRequest


def ask(address: str, boards: list[Any]) -> dict[str, Any]:
    """What the server answers to what a client of MLServer asks."""
    board = np.array(boards, np.uint8)
    said: dict[str, Any] = {}
    with grpc.insecure_channel(address) as channel:
        stub = GRPCInferenceServiceStub(channel)
        said["live"] = stub.ServerLive(wire.ServerLiveRequest()).live
        said["ready"] = stub.ServerReady(wire.ServerReadyRequest()).ready
        said["model_ready"] = [
            stub.ModelReady(wire.ModelReadyRequest(name=name)).ready
            for name in ("connect4", "nonesuch")
        ]
        said["server"] = stub.ServerMetadata(wire.ServerMetadataRequest()).name
        metadata = stub.ModelMetadata(wire.ModelMetadataRequest(name="connect4"))
        said["metadata"] = {
            "versions": list(metadata.versions),
            "tensors": [
                [tensor.name, tensor.datatype, list(tensor.shape)]
                for tensor in (*metadata.inputs, *metadata.outputs)
            ],
        }
        index = stub.RepositoryIndex(wire.RepositoryIndexRequest())
        said["index"] = [[model.name, model.version, model.state] for model in index.models]
        for kind, raw in (("raw", True), ("typed", False)):
            request = ModelInferRequestConverter.from_types(
                InferenceRequest(id=kind, inputs=[NumpyCodec.encode_input("board", board)]),
                model_name="connect4",
                model_version="",
                use_raw=raw,
            )
            reply = stub.ModelInfer(request)
            response = ModelInferResponseConverter.to_types(reply)
            said[kind] = {
                output.name: NumpyCodec.decode_output(output).tolist()
                for output in response.outputs
            } | {"id": response.id, "version": response.model_version}
        try:
            stub.ModelInfer(wire.ModelInferRequest(model_name="nonesuch"))
        except grpc.RpcError as error:
            said["unknown"] = error.code().name
    return said


if __name__ == "__main__":
    print(json.dumps(ask(sys.argv[1], json.load(sys.stdin))))
