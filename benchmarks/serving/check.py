"""Whether a server answers rightly: a real client, its answers beside onnxruntime's own.

    python -m benchmarks.serving.check --workload DIR --url http://127.0.0.1:8001/... --grpc

prints a line of JSON, the payload of a right answer in bytes by kind of request, or says what is
wrong and exits with 1.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import grpc
import numpy as np
import numpy.typing as npt
import tyro
from tritonclient.grpc import service_pb2

from benchmarks.serving.make_workload import frame, infer_request, json_body
from benchmarks.serving.workload import Kind, Workload

TOLERANCE = 1e-5
"""How far a probability may be from onnxruntime's own, called with one position at a time."""

CALL_SECONDS = 20.0

RETRY_SECONDS = 0.1

Answer = dict[str, npt.NDArray[np.float32]]
Ask = Callable[[npt.NDArray[np.uint8]], tuple[Answer, int]]
"""Asks about positions (UINT8 [N, 2, 6, 7]); gives the outputs by name and the payload in bytes."""


class WrongAnswerError(Exception):
    """A server does not answer, or not what onnxruntime answers."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """Ask a server about every position of a workload and compare its answers."""

    workload: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """The folder that `make_workload` wrote."""

    url: Annotated[str, tyro.conf.arg(metavar="URL")]
    """Where the server answers, with the path."""

    grpc: bool = False
    """Speak the Open Inference Protocol over gRPC; otherwise JSON over HTTP."""

    patience: Annotated[float, tyro.conf.arg(metavar="S")] = 0.0
    """How long the server may take, in seconds, until it answers for the first time."""

    def run(self) -> dict[str, int]:
        """Ask and compare.

        Returns:
            For each kind of request, the bytes of the right answer's payload.

        Raises:
            WrongAnswerError: If the server does not answer, or an answer is wrong.
        """
        ask = _grpc_asker(self.url) if self.grpc else _http_asker(self.url)
        with np.load(Workload.load(self.workload).answers) as arrays:
            expected = dict(arrays)
        boards = expected.pop("board")
        _wait(ask, boards[:1], self.patience)
        sizes = {}
        for row in range(len(boards)):
            answer, _ = _call(ask, boards[row : row + 1])
            compare(answer, {name: array[row : row + 1] for name, array in expected.items()})
        for kind in Kind:
            answer, sizes[kind.value] = _call(ask, boards[: kind.rows])
            compare(answer, {name: array[: kind.rows] for name, array in expected.items()})
        return sizes


def compare(answer: Answer, expected: Answer) -> None:
    """Refuse an answer that is not the expected one.

    Raises:
        WrongAnswerError: If outputs are missing, have another shape, or are too far off.
    """
    if answer.keys() != expected.keys():
        raise WrongAnswerError(f"outputs {sorted(answer)}, not {sorted(expected)}")
    for name, right in expected.items():
        if answer[name].shape != right.shape:
            raise WrongAnswerError(
                f"output {name!r} is {list(answer[name].shape)}, not {list(right.shape)}"
            )
        error = float(np.abs(answer[name] - right).max())
        if not error <= TOLERANCE:
            raise WrongAnswerError(
                f"output {name!r} is up to {error:.2g} from onnxruntime's own, "
                f"but may be {TOLERANCE:g} from it"
            )


def _wait(ask: Ask, board: npt.NDArray[np.uint8], patience: float) -> None:
    """Try until there is an answer of any kind."""
    end = time.monotonic() + patience
    while True:
        try:
            _call(ask, board)
        except WrongAnswerError:
            if time.monotonic() > end:
                raise
            time.sleep(RETRY_SECONDS)
        else:
            return


def _call(ask: Ask, board: npt.NDArray[np.uint8]) -> tuple[Answer, int]:
    try:
        return ask(board)
    except grpc.RpcError as error:
        raise WrongAnswerError(f"{error.code().name}: {error.details()}") from None
    except (OSError, ValueError) as error:
        raise WrongAnswerError(f"{type(error).__name__}: {error}") from None


def _grpc_asker(url: str) -> Ask:
    where = urlsplit(url)
    channel = grpc.insecure_channel(where.netloc)
    # Without serializers: the payload's size matters, and it is the message as it came.
    method: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(where.path)

    def ask(board: npt.NDArray[np.uint8]) -> tuple[Answer, int]:
        message = method(infer_request(board).SerializeToString(), timeout=CALL_SECONDS)
        reply = service_pb2.ModelInferResponse.FromString(message)
        return _outputs(reply), len(frame(message))

    return ask


def _outputs(reply: "service_pb2.ModelInferResponse") -> Answer:
    """The outputs of a reply with raw or with typed contents."""
    answer = {}
    for index, output in enumerate(reply.outputs):
        if reply.raw_output_contents:
            flat = np.frombuffer(reply.raw_output_contents[index], np.float32)
        else:
            flat = np.array(output.contents.fp32_contents, np.float32)
        answer[output.name] = flat.reshape(output.shape)
    return answer


def _http_asker(url: str) -> Ask:
    def ask(board: npt.NDArray[np.uint8]) -> tuple[Answer, int]:
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(url, json_body(board), headers)
        with urllib.request.urlopen(request, timeout=CALL_SECONDS) as response:
            body = response.read()
        outputs = json.loads(body)
        return {name: np.array(rows, np.float32) for name, rows in outputs.items()}, len(body)

    return ask


def main() -> int:
    """Run the check.

    Returns:
        The exit code: 0, or 1 if an answer is wrong. Wrong flags exit with 2.
    """
    check = tyro.cli(Check)
    try:
        print(json.dumps(check.run()))
    except WrongAnswerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
