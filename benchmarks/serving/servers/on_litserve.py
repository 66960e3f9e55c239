"""LitServe: a `LitAPI` over HTTP, with JSON as its documentation shows."""

import sys
from typing import Any

import litserve
import numpy as np
import numpy.typing as npt

from benchmarks.serving.servers.network import Network


class Connect4(litserve.LitAPI):  # type: ignore[misc]  # litserve is not installed where types are checked
    """The network as LitServe's user writes it."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def setup(self, device: str) -> None:
        """Open the session, in the worker's process."""
        self._network = Network(self._path)

    def decode_request(self, request: dict[str, Any]) -> npt.NDArray[np.uint8]:
        """The boards of a JSON body."""
        return np.asarray(request["board"], np.uint8)

    def predict(self, board: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], ...]:
        """The outputs."""
        return self._network.run(board)

    def encode_response(self, outputs: tuple[npt.NDArray[np.float32], ...]) -> dict[str, Any]:
        """The outputs as JSON."""
        policy, value = outputs
        return {"policy": policy.tolist(), "value": value.tolist()}


def main() -> None:
    """Serve until the process is ended."""
    port, path = int(sys.argv[1]), sys.argv[2]
    server = litserve.LitServer(Connect4(path), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=port, generate_client_file=False, log_level="warning")


if __name__ == "__main__":
    main()
