"""Requests about random positions, and the answers that onnxruntime gives to them.

A program of its own, since it needs the libraries that the benchmark keeps out of its memory:

    python -m benchmarks.serving.make_workload --models models/repository --out DIR
"""

import dataclasses
import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import tyro
from tritonclient.grpc import service_pb2

from benchmarks.serving.baseline import open_session
from benchmarks.serving.workload import (
    ANSWERS_FILE,
    FRAME_PREFIX_BYTES,
    MANIFEST_FILE,
    MODEL,
    Kind,
    Workload,
)
from fourcast_models.connect4.board import EMPTY_BOARD, Board, legal_columns, play
from fourcast_models.connect4.codec import BOARD, encode
from fourcast_models.repository import RepositoryError, read_model

POSITION_COUNT = 64

MOST_PLIES = 30


@dataclass(frozen=True, kw_only=True)
class MakeWorkload:
    """Write requests about random positions, and the right answers, into a folder."""

    models: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """The model repository with the model `connect4`."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Where to write; made if missing."""

    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """The positions follow from this number."""

    def run(self) -> None:
        """Write the files.

        Raises:
            RepositoryError: If the repository has no such model.
        """
        model = read_model(self.models, MODEL)
        weights = model.weights(model.versions[0])
        boards = random_positions(POSITION_COUNT, self.seed)
        self.out.mkdir(parents=True, exist_ok=True)
        workload = Workload(
            folder=self.out,
            weights=weights.resolve(),
            weights_sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
            model_version=str(model.versions[0]),
            positions_sha256=hashlib.sha256(boards.tobytes()).hexdigest(),
            seed=self.seed,
            onnxruntime_version=onnxruntime.__version__,
        )
        for kind in Kind:
            rows = boards[: kind.rows]
            workload.grpc(kind).write_bytes(frame(infer_request(rows).SerializeToString()))
            workload.json(kind).write_bytes(json_body(rows))
        arrays: dict[str, Any] = {BOARD.name: boards, **answer(weights, boards)}
        np.savez(self.out / ANSWERS_FILE, **arrays)
        manifest = dataclasses.asdict(workload) | {"weights": str(workload.weights)}
        del manifest["folder"]  # where it lies is no part of it
        (self.out / MANIFEST_FILE).write_text(json.dumps(manifest, indent=1))


def random_positions(count: int, seed: int) -> npt.NDArray[np.uint8]:
    """Positions of random games that are not over.

    Args:
        count: How many.
        seed: The same seed gives the same positions.

    Returns:
        UINT8 [count, 2, 6, 7].
    """
    random = Random(seed)
    boards: list[Board] = []
    while len(boards) < count:
        board = EMPTY_BOARD
        for _ in range(random.randrange(MOST_PLIES)):
            if not legal_columns(board):
                break
            board = play(board, random.choice(legal_columns(board)))
        if legal_columns(board):
            boards.append(board)
    return encode(boards)


def answer(weights: Path, boards: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
    """What onnxruntime answers, asked about one position after the other.

    Args:
        weights: The ONNX file.
        boards: UINT8 [N, 2, 6, 7].

    Returns:
        By output: FP32 [N, …].
    """
    session = open_session(weights)
    rows = [session.run(None, {BOARD.name: board[None]}) for board in boards]
    names = [output.name for output in session.get_outputs()]
    return {
        name: np.concatenate(arrays)
        for name, arrays in zip(names, zip(*rows, strict=True), strict=True)
    }


def infer_request(board: npt.NDArray[np.uint8]) -> "service_pb2.ModelInferRequest":
    """A request about some positions (UINT8 [N, 2, 6, 7]), with raw contents."""
    request = service_pb2.ModelInferRequest(model_name=MODEL, id="fourcast")
    request.inputs.add(name=BOARD.name, datatype="UINT8", shape=board.shape)
    request.raw_input_contents.append(board.tobytes())
    return request


def frame(message: bytes) -> bytes:
    """A message as gRPC sends it, uncompressed."""
    return b"\x00" + len(message).to_bytes(FRAME_PREFIX_BYTES - 1, "big") + message


def json_body(board: npt.NDArray[np.uint8]) -> bytes:
    """A request about some positions (UINT8 [N, 2, 6, 7]) as JSON."""
    return json.dumps({BOARD.name: board.tolist()}, separators=(",", ":")).encode()


def main() -> int:
    """Run the program.

    Returns:
        The exit code: 0, or 1 if there is no such model. Wrong flags exit with 2.
    """
    try:
        tyro.cli(MakeWorkload).run()
    except RepositoryError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
