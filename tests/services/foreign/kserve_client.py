"""KServe's own client; runs in KServe's environment, with its packages alone.

    python kserve_client.py HOST:PORT < boards.json

takes boards as nested lists and prints what the server said as a line of JSON.
"""

import asyncio
import json
import sys
from typing import Any

import grpc
import numpy as np
from kserve import InferenceGRPCClient, InferInput, InferRequest


async def ask(address: str, boards: list[Any]) -> dict[str, Any]:
    """What the server answers to everything that the client can ask."""
    board = np.array(boards, np.uint8)
    said: dict[str, Any] = {}
    async with InferenceGRPCClient(address) as client:
        said["live"] = await client.is_server_live()
        said["ready"] = await client.is_server_ready()
        said["model_ready"] = [
            await client.is_model_ready(name) for name in ("connect4", "nonesuch")
        ]
        for kind, raw in (("raw", True), ("typed", False)):
            tensor = InferInput("board", list(board.shape), "UINT8")
            tensor.set_data_from_numpy(board, binary_data=raw)
            response = await client.infer(InferRequest("connect4", [tensor], request_id=kind))
            said[kind] = {
                output.name: output.as_numpy().tolist() for output in response.outputs
            } | {"id": response.id, "version": response.model_version}
        try:
            await client.infer(InferRequest("nonesuch", [tensor]))
        except grpc.RpcError as error:
            said["unknown"] = error.code().name
    return said


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask(sys.argv[1], json.load(sys.stdin)))))
