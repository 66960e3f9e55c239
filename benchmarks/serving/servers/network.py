"""What every peer runs: the network in onnxruntime, with the same settings everywhere."""

import socket
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime


class Network:
    """The Connect-4 network in a session with one thread that does not spin."""

    def __init__(self, model: str) -> None:
        """Open an ONNX file.

        Args:
            model: Its path.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    def run(
        self, board: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The answers for some boards.

        Args:
            board: UINT8 [N, 2, 6, 7], 0 or 1.

        Returns:
            `policy`, FP32 [N, 7], and `value`, FP32 [N, 3].
        """
        policy, value = self._session.run(["policy", "value"], {"board": board})
        return policy, value


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nothing listens on, all different."""
    sockets: list[Any] = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
