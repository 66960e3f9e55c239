"""BentoML: a service with one API over HTTP, with JSON as its documentation shows."""

import os
import sys
from pathlib import Path

import bentoml
import numpy as np
import numpy.typing as npt

from benchmarks.serving.servers.network import Network

MODEL_VARIABLE = "BENCHMARK_MODEL"
"""Names the ONNX file for BentoML's worker, which imports this module anew."""


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Connect4:
    """The network as BentoML's user writes it."""

    def __init__(self) -> None:
        self._network = Network(os.environ[MODEL_VARIABLE])

    @bentoml.api(route="/predict")  # type: ignore[untyped-decorator]  # as above
    async def predict(self, board: npt.NDArray[np.uint8]) -> dict[str, list[list[float]]]:
        """The outputs as JSON."""
        policy, value = self._network.run(np.asarray(board, np.uint8))
        return {"policy": policy.tolist(), "value": value.tolist()}


def main() -> None:
    """Become `bentoml serve`."""
    os.environ[MODEL_VARIABLE] = sys.argv[2]
    program = Path(sys.executable).with_name("bentoml")
    address = ["--host", "127.0.0.1", "--port", sys.argv[1]]
    os.execv(program, [str(program), "serve", f"{__spec__.name}:Connect4", *address])


if __name__ == "__main__":
    main()
