"""What Ray Serve runs: the network's deployment, and the protocol's service for the proxy.

Ray's processes import this module. It gives the protocol's messages the module name that they carry
(`grpc_service_pb2`, from the name of their .proto), since Ray pickles each message by that name.
"""

import sys
from typing import Any

import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

from benchmarks.serving.servers.network import Network

sys.modules.setdefault("grpc_service_pb2", service_pb2)

add_servicer = service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server
"""Ray's proxy finds the protocol's service through this."""


class Connect4:
    """The network as Ray Serve's user writes it."""

    def __init__(self, path: str) -> None:
        self._network = Network(path)

    async def ModelInfer(self, request: Any) -> Any:  # noqa: N802  # the protocol's name
        """One request, one response."""
        board = np.frombuffer(request.raw_input_contents[0], np.uint8)
        outputs = self._network.run(board.reshape(request.inputs[0].shape))
        reply = service_pb2.ModelInferResponse(model_name=request.model_name, id=request.id)
        for name, array in zip(("policy", "value"), outputs, strict=True):
            reply.outputs.add(name=name, datatype="FP32", shape=array.shape)
            reply.raw_output_contents.append(array.tobytes())
        return reply
