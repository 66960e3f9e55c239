"""Triton through PyTriton: its tritonserver, with the Python function in PyTriton's process."""

import os
import sys
import sysconfig

import numpy as np
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

from benchmarks.serving.servers.network import Network, free_ports


def main() -> None:
    """Serve until the process is ended."""
    port, path = int(sys.argv[1]), sys.argv[2]
    http_port, metrics_port = free_ports(2)
    # The stub of Triton's Python backend must find the library of this very Python.
    os.environ["LD_LIBRARY_PATH"] = sysconfig.get_config_var("LIBDIR")
    network = Network(path)

    @batch  # type: ignore[untyped-decorator]  # pytriton is not installed where types are checked
    def infer(board: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> dict[str, object]:
        policy, value = network.run(board)
        return {"policy": policy, "value": value}

    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=http_port,
        grpc_address="127.0.0.1",
        grpc_port=port,
        metrics_port=metrics_port,
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name="connect4",
            infer_func=infer,
            inputs=[Tensor(name="board", dtype=np.uint8, shape=(2, 6, 7))],
            outputs=[
                Tensor(name="policy", dtype=np.float32, shape=(7,)),
                Tensor(name="value", dtype=np.float32, shape=(3,)),
            ],
            # No delay to gather a batch: what waits goes together, as in fourcast.
            config=ModelConfig(max_batch_size=1024, batcher=DynamicBatcher()),
        )
        triton.serve()


if __name__ == "__main__":
    main()
