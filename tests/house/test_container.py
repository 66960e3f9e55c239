"""docker-compose.yml and services/Dockerfile fit together and start the real service.

No container engine is needed: the commands of the image are run here, with its port replaced.
"""

import json
import re
import shlex
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
DOCKERFILE = CHECKOUT / "services" / "Dockerfile"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions: keyword, and the rest with continued lines joined."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", "")
    pairs = [line.split(maxsplit=1) for line in joined.splitlines() if line]
    return [(keyword, rest) for keyword, rest in pairs]


def instruction(keyword: str) -> str:
    """The last instruction with a keyword: the one that counts."""
    return [rest for name, rest in instructions() if name == keyword][-1]


def port() -> str:
    """The port that the image exposes."""
    return instruction("EXPOSE")


def health_check(address: str) -> list[str]:
    """The image's health check, asking another address with this Python."""
    _, command, arguments = instruction("HEALTHCHECK").partition("CMD ")
    assert command
    program, *rest = json.loads(arguments)
    assert program == "python"
    asked = f"127.0.0.1:{port()}"
    assert any(asked in argument for argument in rest)
    return [sys.executable, *(argument.replace(asked, address) for argument in rest)]


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    """The one service of the compose file."""
    services = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]
    assert list(services) == ["fourcast"]
    loaded: dict[str, Any] = services["fourcast"]
    return loaded


def test_compose_builds_this_dockerfile(service: dict[str, Any]) -> None:
    context = CHECKOUT / service["build"]["context"]
    assert context / service["build"]["dockerfile"] == DOCKERFILE
    assert DOCKERFILE.is_file()


def test_compose_publishes_the_exposed_port_on_loopback_only(service: dict[str, Any]) -> None:
    assert service["ports"] == [f"127.0.0.1:{port()}:{port()}"]


def test_numba_has_a_writable_cache_on_the_read_only_root(service: dict[str, Any]) -> None:
    cache = dict(pair.split("=") for pair in shlex.split(instruction("ENV")))["NUMBA_CACHE_DIR"]
    (mount,) = service["tmpfs"]
    assert service["read_only"] is True
    assert Path(cache).is_relative_to(mount.partition(":")[0])


def test_the_image_does_not_run_as_root() -> None:
    user = instruction("USER")
    assert user != "root"
    assert any(name == "RUN" and rest.endswith(f" {user}") for name, rest in instructions())


def test_build_context_holds_what_the_wheel_is_built_from() -> None:
    ignore = (CHECKOUT / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignore if line.startswith("!")}
    assert "*" in ignore
    assert {"pyproject.toml", "README.md", "LICENSE"} < allowed
    assert [name for name in sorted(allowed) if not (CHECKOUT / name).exists()] == []


def test_health_check_fails_without_a_service() -> None:
    # Nothing listens on port 1: it belongs to a service that no machine runs today.
    result = subprocess.run(health_check("127.0.0.1:1"), capture_output=True, check=False)
    assert result.returncode != 0


def test_command_and_health_check_work_together(tmp_path: Path) -> None:
    program, *options = json.loads(instruction("CMD"))
    assert options[options.index("--port") + 1] == port()
    options[options.index("--port") + 1] = "0"
    command = [str(Path(sysconfig.get_path("scripts")) / program), *options]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as server,
    ):
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            listening = re.fullmatch(r"fourcast-serve: listening on 0\.0\.0\.0:(\d+)\n", line)
            assert listening, line + (tmp_path / "log").read_text()
            check = health_check(f"127.0.0.1:{listening[1]}")
            assert subprocess.run(check, check=False).returncode == 0
            server.send_signal(signal.SIGTERM)
            assert server.wait() == 0
            assert subprocess.run(check, capture_output=True, check=False).returncode != 0
        finally:
            server.kill()
