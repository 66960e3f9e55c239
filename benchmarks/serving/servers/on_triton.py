"""Triton itself, with its Python backend: the tritonserver binary that PyTriton's wheel ships.

The wheel has no onnxruntime backend, and no package index that pip reaches has one; so the session
is opened by Triton's Python backend, in its stub process, which shares memory with the server.
"""

import os
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytriton

from benchmarks.serving.servers.network import free_ports

CONFIG = """
name: "connect4"
backend: "python"
max_batch_size: 1024
input {{ name: "board" data_type: TYPE_UINT8 dims: [2, 6, 7] }}
output [
  {{ name: "policy" data_type: TYPE_FP32 dims: [7] }},
  {{ name: "value" data_type: TYPE_FP32 dims: [3] }}
]
# What waits goes together, without delay.
dynamic_batching {{ }}
instance_group {{ kind: KIND_CPU count: 1 }}
parameters {{ key: "path" value {{ string_value: "{path}" }} }}
"""

MODEL = """
import sys

sys.path[:] = {path!r} + sys.path

from benchmarks.serving.servers.triton_model import TritonPythonModel
"""


def main() -> None:
    """Become tritonserver."""
    port, path = sys.argv[1:3]
    http_port, metrics_port = free_ports(2)
    triton = Path(pytriton.__file__).parent / "tritonserver"
    folder = Path(tempfile.mkdtemp(prefix="triton-", dir=Path.cwd()))
    version = folder / "repository" / "connect4" / "1"
    version.mkdir(parents=True)
    (version.parent / "config.pbtxt").write_text(CONFIG.format(path=path))
    # Triton's stub passes over PYTHONPATH and virtual environments.
    (version / "model.py").write_text(MODEL.format(path=sys.path))
    # The backend looks for the stub of this Python beside itself.
    backend = folder / "backends" / "python"
    backend.mkdir(parents=True)
    stubs = triton / "python_backend_stubs" / f"3.{sys.version_info.minor}"
    for file in (*(triton / "backends" / "python").iterdir(), *stubs.iterdir()):
        (backend / file.name).symlink_to(file)
    # The stub must find the library of this very Python.
    os.environ["LD_LIBRARY_PATH"] = sysconfig.get_config_var("LIBDIR")
    program = triton / "bin" / "tritonserver"
    os.execv(
        program,
        [
            str(program),
            f"--model-repository={folder / 'repository'}",
            f"--backend-directory={folder / 'backends'}",
            "--grpc-address=127.0.0.1",
            f"--grpc-port={port}",
            "--http-address=127.0.0.1",
            f"--http-port={http_port}",
            f"--metrics-port={metrics_port}",
        ],
    )


if __name__ == "__main__":
    main()
