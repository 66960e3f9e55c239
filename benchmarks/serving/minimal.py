"""The yardstick: an Open Inference Protocol server as one would write it by hand for one model.

It does what the protocol's unary and stream calls ask and nothing else: no checks, no metrics, no
batching, no limits. Every other server is measured as a ratio to it.

    python -m benchmarks.serving.minimal PORT MODEL.onnx
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import grpc
import numpy as np
import onnxruntime
from tritonclient.grpc import service_pb2, service_pb2_grpc


class Servicer(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]  # no types
    """Answers ModelInfer and ModelStreamInfer with the network's outputs, run inline."""

    def __init__(self, model: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._outputs = [output.name for output in self._session.get_outputs()]

    def _infer(self, request: service_pb2.ModelInferRequest) -> service_pb2.ModelInferResponse:
        board = np.frombuffer(request.raw_input_contents[0], np.uint8)
        arrays = self._session.run(
            self._outputs, {self._input: board.reshape(request.inputs[0].shape)}
        )
        reply = service_pb2.ModelInferResponse(model_name=request.model_name, id=request.id)
        for name, array in zip(self._outputs, arrays, strict=True):
            reply.outputs.add(name=name, datatype="FP32", shape=array.shape)
            reply.raw_output_contents.append(array.tobytes())
        return reply

    async def ModelInfer(  # noqa: N802  # the protocol's name
        self, request: service_pb2.ModelInferRequest, context: object
    ) -> service_pb2.ModelInferResponse:
        """One request, one response."""
        return self._infer(request)

    async def ModelStreamInfer(  # noqa: N802  # the protocol's name
        self, requests: AsyncIterator[service_pb2.ModelInferRequest], context: object
    ) -> AsyncIterator[service_pb2.ModelStreamInferResponse]:
        """A response for each request of a stream, in their order."""
        async for request in requests:
            yield service_pb2.ModelStreamInferResponse(infer_response=self._infer(request))


async def serve(port: int, model: str) -> None:
    """Serve a model until the process is ended.

    Args:
        port: Where to listen, on 127.0.0.1.
        model: The ONNX file. Its one input is UINT8, its outputs are FP32.
    """
    server = grpc.aio.server()
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(Servicer(model), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
