"""The requests that every server gets: files that `make_workload` writes and the others read.

This module imports no library, so that the benchmark can use it; see the package's docstring.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

ANSWERS_FILE = "answers.npz"
MANIFEST_FILE = "manifest.json"

MODEL = "connect4"

SERVICE = "/inference.GRPCInferenceService"
UNARY_PATH = f"{SERVICE}/ModelInfer"
STREAM_PATH = f"{SERVICE}/ModelStreamInfer"

BATCH_ROWS = 32

FRAME_PREFIX_BYTES = 5
"""What gRPC puts before a message: whether it is compressed (no), and its length in four bytes."""


class WorkloadError(Exception):
    """The requests cannot be made."""


class Kind(Enum):
    """How many positions a request asks about."""

    SINGLE = "single"
    """One."""
    BATCH = "batch"
    """`BATCH_ROWS` of them."""

    @property
    def rows(self) -> int:
        """The number of positions."""
        return 1 if self is Kind.SINGLE else BATCH_ROWS


@dataclass(frozen=True, slots=True)
class Workload:
    """A folder of requests.

    Attributes:
        folder: Where the files are.
        weights: The ONNX file that every server serves.
        weights_sha256: Its hash.
        model_version: Its version in the model repository.
        positions_sha256: The hash of the positions that are asked about.
        seed: What they follow from.
        onnxruntime_version: What computed the right answers.
    """

    folder: Path
    weights: Path
    weights_sha256: str
    model_version: str
    positions_sha256: str
    seed: int
    onnxruntime_version: str

    @classmethod
    def load(cls, folder: Path) -> "Workload":
        """Read the manifest of a folder."""
        manifest = json.loads((folder / MANIFEST_FILE).read_text())
        return cls(folder=folder, weights=Path(manifest.pop("weights")), **manifest)

    @property
    def answers(self) -> Path:
        """Arrays `board`, `policy` and `value`: positions, and onnxruntime's answers to them."""
        return self.folder / ANSWERS_FILE

    def grpc(self, kind: Kind) -> Path:
        """A request as a gRPC frame: five bytes of prefix, then a ModelInferRequest."""
        return self.folder / f"{kind.value}.grpc"

    def message(self, kind: Kind) -> bytes:
        """The ModelInferRequest of a frame."""
        return self.grpc(kind).read_bytes()[FRAME_PREFIX_BYTES:]

    def json(self, kind: Kind) -> Path:
        """The same request as JSON, for the servers that do not speak the protocol."""
        return self.folder / f"{kind.value}.json"


def make_workload(models: Path, seed: int, folder: Path) -> Workload:
    """Make the requests, in a process of its own.

    Args:
        models: The model repository with the model `connect4`.
        seed: The positions follow from it.
        folder: Where the files go.

    Raises:
        WorkloadError: If the repository has no such model.
    """
    program = [sys.executable, "-m", "benchmarks.serving.make_workload"]
    flags = ["--models", str(models), "--seed", str(seed), "--out", str(folder)]
    result = subprocess.run([*program, *flags], stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        raise WorkloadError(result.stderr.strip())
    return Workload.load(folder)
