"""The servers of `peers.toml`, and the virtual environments that they run in."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

PEERS_FILE = Path(__file__).with_name("peers.toml")

ENVIRONMENTS = CHECKOUT / ".peers"

FOURCAST = "fourcast"
MINIMAL = "minimal"
CONTROL = "minimal-again"
"""The second copy of the minimal server: the A/A control."""

_STAMP = ".installed"
"""In an environment: what it was made from. Written last, so that a broken one is made again."""


class InstallError(Exception):
    """A peer's packages cannot be installed here; the text is pip's reason."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment.

    Attributes:
        name: The name of its folder.
        requirements: What pip installs; nothing for the benchmark's own environment.
        variables: Environment variables of the servers in it.
    """

    name: str
    requirements: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def python(self) -> Path:
        """Its interpreter."""
        if not self.requirements:
            return Path(sys.executable)
        return ENVIRONMENTS / self.name / "bin" / "python"

    @property
    def is_installed(self) -> bool:
        """Whether it is there, as it should be."""
        stamp = ENVIRONMENTS / self.name / _STAMP
        return not self.requirements or (stamp.exists() and stamp.read_text() == self._stamp)

    def install(self) -> None:
        """Make the environment, anew if it is there but not as it should be.

        Raises:
            InstallError: If pip fails.
        """
        if self.is_installed:
            return
        folder = ENVIRONMENTS / self.name
        shutil.rmtree(folder, ignore_errors=True)
        ENVIRONMENTS.mkdir(exist_ok=True)
        (ENVIRONMENTS / ".gitignore").write_text("*\n")
        venv.create(folder, with_pip=True)
        command = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        result = subprocess.run(
            [*map(str, command), *self.requirements], capture_output=True, text=True, check=False
        )
        if result.returncode:
            errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR:")]
            raise InstallError(" ".join(errors[-1:]) or result.stderr.strip()[-300:])
        (folder / _STAMP).write_text(self._stamp)

    def versions(self) -> dict[str, str]:
        """Every package in it, by name."""
        command = [str(self.python), "-m", "pip", "list", "--format=json"]
        command.append("--disable-pip-version-check")
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        return {package["name"]: package["version"] for package in json.loads(result.stdout)}

    @property
    def _stamp(self) -> str:
        python = f"Python {sys.version.split()[0]}"
        return "\n".join([python, *self.requirements, ""])


@dataclass(frozen=True, slots=True)
class Peer:
    """A server that can be measured.

    Attributes:
        name: What `--peers` calls it.
        title: What the table calls it.
        environment: Where it runs.
        arguments: What follows the interpreter, with `{port}`, `{weights}` and `{models}`.
        http_path: Where it takes JSON; empty if it speaks the Open Inference Protocol over gRPC.
        streams: Whether it has ModelStreamInfer.
    """

    name: str
    title: str
    environment: Environment
    arguments: tuple[str, ...]
    http_path: str = ""
    streams: bool = False

    def command(self, *, port: int, weights: Path, models: Path) -> list[str]:
        """The command that serves a model.

        Args:
            port: Where to listen.
            weights: The ONNX file.
            models: The repository that holds it.
        """
        places = {"port": port, "weights": weights, "models": models}
        words = [argument.format(**places) for argument in self.arguments]
        return [str(self.environment.python), *words]

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables that it needs; `benchmarks` is found through the first."""
        path = [str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {"PYTHONPATH": os.pathsep.join(path), **self.environment.variables}


def read_peers() -> dict[str, Peer]:
    """The servers by name: the minimal one first, its control last."""
    table = tomllib.loads(PEERS_FILE.read_text())
    environments = {
        name: Environment(name, tuple(entry["requirements"]), entry.get("variables", {}))
        for name, entry in table["environments"].items()
    }
    peers = {}
    for name, entry in table["servers"].items():
        entry["environment"] = environments[entry["environment"]]
        entry["arguments"] = tuple(entry["arguments"])
        peers[name] = Peer(name=name, **entry)
    minimal = peers[MINIMAL]
    peers[CONTROL] = Peer(
        CONTROL,
        "the same again (control)",
        minimal.environment,
        minimal.arguments,
        streams=minimal.streams,
    )
    return peers


def peers_hash() -> str:
    """A hash of `peers.toml`."""
    return hashlib.sha256(PEERS_FILE.read_bytes()).hexdigest()
