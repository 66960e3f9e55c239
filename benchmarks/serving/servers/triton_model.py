"""What Triton's Python backend runs: the model's `model.py` imports this class."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils  # of the backend itself

from benchmarks.serving.servers.network import Network


class TritonPythonModel:
    """The network as a user of the Python backend writes it: `initialize` and `execute`."""

    def initialize(self, args: dict[str, Any]) -> None:
        """Open the session of the ONNX file that the config's parameter `path` names."""
        parameters = json.loads(args["model_config"])["parameters"]
        self._network = Network(str(Path(parameters["path"]["string_value"])))

    def execute(self, requests: list[Any]) -> list[Any]:
        """The responses of requests that waited together, from one run of the network."""
        boards = [
            triton_python_backend_utils.get_input_tensor_by_name(request, "board").as_numpy()
            for request in requests
        ]
        policy, value = self._network.run(np.concatenate(boards))
        ends = np.cumsum([len(board) for board in boards])[:-1]
        return [
            triton_python_backend_utils.InferenceResponse(
                [
                    triton_python_backend_utils.Tensor("policy", own_policy),
                    triton_python_backend_utils.Tensor("value", own_value),
                ]
            )
            for own_policy, own_value in zip(
                np.split(policy, ends), np.split(value, ends), strict=True
            )
        ]
