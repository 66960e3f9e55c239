"""KServe's Python SDK: a custom `Model` behind `ModelServer`, over gRPC."""

import sys

from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer

from benchmarks.serving.servers.network import Network, free_ports


class Connect4(Model):  # type: ignore[misc]  # kserve is not installed where types are checked
    """The network as KServe's user writes it: `load` and `predict`."""

    def __init__(self, path: str) -> None:
        super().__init__("connect4")
        self._path = path
        self.load()

    def load(self) -> bool:
        """Open the session; KServe asks for `ready` to be set."""
        self._network = Network(self._path)
        self.ready = True
        return self.ready

    async def predict(
        self,
        payload: InferRequest,
        headers: dict[str, str] | None = None,
        response_headers: dict[str, str] | None = None,
    ) -> InferResponse:
        """The outputs, raw where the request was raw."""
        outputs = []
        for name, array in zip(
            ("policy", "value"), self._network.run(payload.inputs[0].as_numpy()), strict=True
        ):
            output = InferOutput(name=name, shape=list(array.shape), datatype="FP32")
            output.set_data_from_numpy(array)
            outputs.append(output)
        return InferResponse(payload.id, self.name, outputs)


def main() -> None:
    """Serve until the process is ended."""
    port, path = int(sys.argv[1]), sys.argv[2]
    [http_port] = free_ports(1)
    # A line for each request would be the log's cost, not the server's.
    server = ModelServer(
        http_port=http_port, grpc_port=port, workers=1, enable_latency_logging=False
    )
    server.start([Connect4(path)])


if __name__ == "__main__":
    main()
