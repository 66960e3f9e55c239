"""Generates the Python modules and type stubs beside each ``.proto`` file, or checks them.

    python protos/generate.py           write them (`make protos`)
    python protos/generate.py --check   compare them with a fresh generation (`make check`)

They are committed, so that installing fourcast needs no protobuf compiler. The compiler
(grpcio-tools) and the runtimes (grpcio, protobuf) are bounded together in pyproject.toml: generated
code refuses to be imported by a runtime that is older than its compiler.
"""

import argparse
import sys
import sysconfig
import tempfile
from pathlib import Path

from grpc_tools import protoc

SHELF = Path(__file__).resolve().parent
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi")


def proto_files(shelf: Path) -> list[str]:
    """The ``.proto`` files under a shelf, relative to it and sorted.

    Raises:
        FileNotFoundError: If there are none.
    """
    found = sorted(path.relative_to(shelf).as_posix() for path in shelf.rglob("*.proto"))
    if not found:
        raise FileNotFoundError(f"no .proto file under {shelf}")
    return found


def generate(shelf: Path, target: Path) -> None:
    """Compiles every ``.proto`` file under ``shelf`` into an existing folder.

    Args:
        shelf: The folder that proto imports are relative to.
        target: Where the generated tree goes; the shelf itself puts it beside the sources.

    Raises:
        RuntimeError: If protoc refuses a file (it has printed why) or a plugin is not installed.
    """
    scripts = Path(sysconfig.get_path("scripts"))
    outputs = ("python", "grpc_python", "mypy", "mypy_grpc")
    arguments = ["protoc", f"--proto_path={shelf}"]
    arguments += [f"--{output}_out={target}" for output in outputs]
    for plugin in ("mypy", "mypy_grpc"):
        executable = scripts / f"protoc-gen-{plugin}"
        if not executable.exists():
            raise RuntimeError(f"{executable} is not there: install the extra 'dev' (make setup)")
        arguments += [f"--plugin=protoc-gen-{plugin}={executable}", f"--{plugin}_opt=quiet"]
    if protoc.main(arguments + proto_files(shelf)) != 0:
        raise RuntimeError("protoc failed; its own words stand above")


def differences(shelf: Path) -> list[str]:
    """What is wrong with the generated files under a shelf, one line each; empty when current.

    Raises:
        RuntimeError: If generation fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        fresh_root = Path(folder)
        generate(shelf, fresh_root)
        fresh = _generated_files(fresh_root)
        present = _generated_files(shelf)
    lines = [f"{name}: missing" for name in sorted(fresh.keys() - present.keys())]
    lines += [f"{name}: has no .proto file" for name in sorted(present.keys() - fresh.keys())]
    lines += [
        f"{name}: differs from what its .proto file generates"
        for name in sorted(fresh.keys() & present.keys())
        if fresh[name] != present[name]
    ]
    return lines


def _generated_files(root: Path) -> dict[str, bytes]:
    """Generated files under a folder: relative path -> content."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for pattern in GENERATED
        for path in root.rglob(pattern)
    }


def main() -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Generate the Python stubs of the protos.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    try:
        if not options.check:
            generate(SHELF, SHELF)
            return 0
        found = differences(SHELF)
    except (FileNotFoundError, RuntimeError) as error:
        print(f"generate.py: {error}", file=sys.stderr)
        return 1
    for line in found:
        print(f"protos/{line}; run `make protos`", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
