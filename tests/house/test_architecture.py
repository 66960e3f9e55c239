"""The contracts of pyproject.toml hold the dependency rule, and each of them can fail."""

import os
import shutil
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SHELVES = ("protos", "models", "training", "services", "clients")
TOOLS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]
CONTRACTS = TOOLS["importlinter"]["contracts"]

# Contract, file that is added to a copy of the tree, what it says.
VIOLATIONS = [
    ("shelves", "training/fourcast_training/bad.py", "import fourcast_services"),
    ("shelves", "services/fourcast_services/bad.py", "import fourcast_training"),
    ("shelves", "clients/fourcast_clients/bad.py", "import fourcast_services"),
    ("shelves", "models/fourcast_models/bad.py", "import fourcast_training"),
    ("shelves", "models/fourcast_models/bad.py", "import fourcast.connect4.v1"),
    ("shelves", "protos/fourcast/bad.py", "import fourcast_models"),
    ("training-without-protos", "training/fourcast_training/bad.py", "import fourcast"),
    ("clients-without-models", "clients/fourcast_clients/bad.py", "import fourcast_models"),
    ("torch", "models/fourcast_models/bad.py", "import torch"),
    ("torch", "services/fourcast_services/bad.py", "def late():\n    import torch"),
    ("torch", "clients/fourcast_clients/bad.py", "import onnxscript"),
    ("onnxruntime", "services/fourcast_services/bad.py", "import onnxruntime"),
    ("onnxruntime", "training/fourcast_training/bad.py", "import onnxruntime"),
    ("onnxruntime", "models/fourcast_models/bad.py", "from onnxruntime import InferenceSession"),
    ("grpc", "models/fourcast_models/bad.py", "import grpc"),
    ("grpc", "training/fourcast_training/bad.py", "import grpc_health.v1.health"),
    ("clients-api", "clients/fourcast_clients/bad.py", "import grpc"),
    (
        "clients-api",
        "clients/fourcast_clients/bad.py",
        "from fourcast.connect4.v1 import connect4_pb2_grpc",
    ),
]


def lint(tree: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the shelves of a tree, whatever is installed."""
    command = Path(sysconfig.get_path("scripts")) / "lint-imports"
    chosen = [f"--contract={contract}" for contract in contracts]
    # PYTHONPATH comes before an editable install of another tree.
    path = os.pathsep.join(str(tree / shelf) for shelf in SHELVES)
    return subprocess.run(
        [command, "--no-cache", "--no-logo", *chosen],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def copied_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python files of the shelves, and the contracts."""
    tree = tmp_path_factory.mktemp("checkout")
    shutil.copy(CHECKOUT / "pyproject.toml", tree)
    for shelf in SHELVES:
        for file in (CHECKOUT / shelf).rglob("*.py"):
            target = tree / file.relative_to(CHECKOUT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    return tree


def test_the_tree_keeps_every_contract() -> None:
    result = lint(CHECKOUT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in result.stdout


@pytest.mark.parametrize(
    ("contract", "file", "statement"),
    VIOLATIONS,
    ids=[f"{contract}: {file.split('/')[0]}: {text[:24]}" for contract, file, text in VIOLATIONS],
)
def test_a_violation_breaks_its_contract(
    copied_tree: Path, contract: str, file: str, statement: str
) -> None:
    violation = copied_tree / file
    violation.write_text(statement + "\n")
    try:
        result = lint(copied_tree, contract)
    finally:
        violation.unlink()
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Contracts: 0 kept, 1 broken." in result.stdout


def test_every_contract_is_broken_once() -> None:
    assert {contract["id"] for contract in CONTRACTS} == {contract for contract, *_ in VIOLATIONS}
