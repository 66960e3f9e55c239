"""MLServer: a custom runtime, over gRPC, in-process (0 parallel workers) or as it is by default.

python -m benchmarks.serving.servers.on_mlserver PORT MODEL.onnx [WORKERS]
"""

import asyncio
import sys

from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.settings import ModelParameters
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.serving.servers.network import Network, free_ports


class Connect4(MLModel):  # type: ignore[misc]  # mlserver is not installed where types are checked
    """The network as MLServer's user writes it: `load` and `predict`."""

    async def load(self) -> bool:
        """Open the session."""
        self._network = Network(self.settings.parameters.uri)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The outputs through MLServer's own numpy codec."""
        outputs = self._network.run(NumpyCodec.decode_input(payload.inputs[0]))
        return InferenceResponse(
            id=payload.id,
            model_name=self.name,
            outputs=[
                NumpyCodec.encode_output(name, array)
                for name, array in zip(("policy", "value"), outputs, strict=True)
            ],
        )


async def serve(port: int, path: str, workers: int | None) -> None:
    """Serve until the process is ended.

    Args:
        port: Where gRPC listens.
        path: The ONNX file.
        workers: MLServer's `parallel_workers`; None for its default.
    """
    http_port, metrics_port = free_ports(2)
    # In-process also without its log line for each request; by default, all as it comes.
    chosen = {} if workers is None else {"parallel_workers": workers, "debug": False}
    settings = Settings(
        host="127.0.0.1",
        http_port=http_port,
        grpc_port=port,
        metrics_port=metrics_port,
        load_models_at_startup=False,
        **chosen,
    )
    server = MLServer(settings)
    model = ModelSettings(
        name="connect4",
        implementation="benchmarks.serving.servers.on_mlserver.Connect4",
        parameters=ModelParameters(uri=path),
    )
    await server.start([model])


def main() -> None:
    """Serve until the process is ended."""
    workers = int(sys.argv[3]) if len(sys.argv) > 3 else None
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], workers))


if __name__ == "__main__":
    main()
