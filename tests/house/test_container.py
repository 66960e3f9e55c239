"""docker-compose.yml and services/Dockerfile fit together and start the real service.

No container engine is needed: the commands of the images are run here, with their ports replaced.
"""

import json
import re
import shlex
import signal
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from fourcast_services.server import ANSWER_SECONDS, GRACE_SECONDS
from tests.services.running import LISTENING

CHECKOUT = Path(__file__).resolve().parents[2]
DOCKERFILE = CHECKOUT / "services" / "Dockerfile"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())[
    "services"
]
OWN = [name for name, service in SERVICES.items() if "build" in service]
SERVING = [name for name in OWN if "entrypoint" not in SERVICES[name]]
EXTRAS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions: keyword, and the rest with continued lines joined."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", "")
    pairs = [line.split(maxsplit=1) for line in joined.splitlines() if line]
    return [(keyword, rest) for keyword, rest in pairs]


def instruction(keyword: str) -> str:
    """The last instruction with a keyword: the one that counts."""
    return [rest for name, rest in instructions() if name == keyword][-1]


def ports() -> list[str]:
    """The ports that the image exposes: gRPC, and metrics."""
    return instruction("EXPOSE").split()


def entrypoint() -> list[str]:
    """The image's command line, to which a service of the compose file adds its own."""
    loaded: list[str] = json.loads(instruction("ENTRYPOINT"))
    return loaded


def health_check(address: str) -> list[str]:
    """The image's health check, asking another address with this Python."""
    _, command, arguments = instruction("HEALTHCHECK").partition("CMD ")
    assert command
    program, *rest = json.loads(arguments)
    assert program == "python"
    asked = f"127.0.0.1:{ports()[0]}"
    assert any(asked in argument for argument in rest)
    return [sys.executable, *(argument.replace(asked, address) for argument in rest)]


def flag(command: list[str], name: str) -> str:
    """The value that a command line gives a flag."""
    return command[command.index(name) + 1]


def profiles(name: str) -> set[str]:
    """The profiles of a service."""
    return set(SERVICES[name].get("profiles", []))


def started_by(command: str) -> set[str]:
    """The services that a command of Docker Compose is for."""
    chosen = set(re.findall(r"--profile (\w+)", command))
    named = {word for word in command.split() if word in SERVICES}
    return named or {name for name in SERVICES if not profiles(name) or profiles(name) & chosen}


def test_every_profile_is_there() -> None:
    there = set().union(*map(profiles, SERVICES))
    assert there == {"play", "gpu", "triton", "scale", "observe"}
    assert [name for name in SERVICES if not profiles(name)] == ["fourcast", "web"]


def test_the_page_on_deployment_has_every_profile_and_port() -> None:
    page = (CHECKOUT / "services" / "deploy" / "README.md").read_text()
    rows = re.findall(r"^\| `docker compose (.+?)` \|.*\| ([\d, ]*)\|$", page, re.MULTILINE)
    shown: set[str] = set()
    for command, ports in rows:
        if not command.endswith(" down"):
            started = started_by(command)
            published = [port for name in started for port in SERVICES[name].get("ports", [])]
            assert {port.split(":")[1] for port in published} == set(re.findall(r"\d+", ports))
            shown.update(*map(profiles, started))
    assert shown == set().union(*map(profiles, SERVICES))


@pytest.mark.parametrize("name", OWN)
def test_compose_builds_this_dockerfile_and_fetches_no_namesake(name: str) -> None:
    build = SERVICES[name]["build"]
    assert CHECKOUT / build["context"] / build["dockerfile"] == DOCKERFILE
    assert SERVICES[name]["pull_policy"] == "build"


def test_one_image_is_built_in_one_way() -> None:
    ways: dict[str, list[Any]] = {}
    for name in OWN:
        ways.setdefault(SERVICES[name]["image"], []).append(SERVICES[name]["build"])
    assert sorted(ways) == ["fourcast", "fourcast:gpu"]
    assert [
        image for image, builds in ways.items() if any(way != builds[0] for way in builds)
    ] == []


def test_both_images_install_an_extra_that_there_is() -> None:
    arguments = dict(rest.split("=") for name, rest in instructions() if name == "ARG")
    assert arguments["EXTRA"] == "serve"
    assert SERVICES["gpu"]["build"]["args"] == {"EXTRA": "serve-gpu"}
    assert {"serve", "serve-gpu"} < EXTRAS.keys()


def test_the_gpu_image_brings_the_libraries_of_cuda() -> None:
    # The base image has none, and a wheel of onnxruntime-gpu without these extras neither.
    (requirement,) = [line for line in EXTRAS["serve-gpu"] if line.startswith("onnxruntime-gpu")]
    assert requirement.startswith("onnxruntime-gpu[cuda,cudnn]")


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert {"privileged", "cap_add", "network_mode", "pid", "ipc"}.isdisjoint(service)
    mounts = [volume for volume in service.get("volumes", []) if volume.startswith(".")]
    assert [mount for mount in mounts if not mount.endswith(":ro")] == []
    assert [mount for mount in mounts if not (CHECKOUT / mount.split(":")[0]).exists()] == []


def test_ports_are_open_to_this_computer_only_and_never_twice() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []
    assert len({port.split(":")[1] for port in published}) == len(published)


@pytest.mark.parametrize("name", SERVING)
def test_a_serving_container_publishes_what_the_image_exposes(name: str) -> None:
    grpc, metrics = ports()
    assert flag(entrypoint(), "--port") == grpc
    assert flag(SERVICES[name]["command"], "--metrics-port") == metrics
    assert {port.split(":")[2] for port in SERVICES[name].get("ports", [])} <= {grpc}


@pytest.mark.parametrize("name", SERVICES)
def test_images_of_others_have_their_version(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].partition(":")
    assert name in OWN or re.fullmatch(r"v?\d+\.\d+(\.\d+|-py3)", tag), image


def test_every_stage_begins_with_a_full_version() -> None:
    bases = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    assert bases
    assert [base for base in bases if not re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base)] == []


@pytest.mark.parametrize("name", SERVICES)
def test_health_is_asked_for(name: str) -> None:
    # fourcast's own servers have the health check of the image; a game is over when it is over.
    if name == "play":
        assert SERVICES[name]["healthcheck"] == {"disable": True}
    elif name in SERVING:
        assert "healthcheck" not in SERVICES[name]
    else:
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", OWN)
def test_numba_has_a_writable_cache_on_the_read_only_root(name: str) -> None:
    cache = dict(pair.split("=") for pair in shlex.split(instruction("ENV")))["NUMBA_CACHE_DIR"]
    (mount,) = SERVICES[name]["tmpfs"]
    assert Path(cache).is_relative_to(mount.partition(":")[0])


@pytest.mark.parametrize("name", SERVING)
def test_open_calls_may_end_before_the_kill(name: str) -> None:
    command = SERVICES[name]["command"]
    delay = float(flag(command, "--shutdown-delay")) if "--shutdown-delay" in command else 0
    # The server gives searches of two kinds their time to stop, after the calls had theirs.
    needed = delay + GRACE_SECONDS + 3 * ANSWER_SECONDS
    assert needed < float(SERVICES[name]["stop_grace_period"].removesuffix("s"))


@pytest.mark.parametrize("name", OWN)
def test_commands_have_flags_that_there_are(name: str) -> None:
    command = [*SERVICES[name].get("entrypoint", entrypoint()), *SERVICES[name].get("command", [])]
    end = next(index for index, word in enumerate(command) if word.startswith("--"))
    program = Path(sysconfig.get_path("scripts")) / command[0]
    shown = subprocess.run(
        [program, *command[1:end], "--help"], capture_output=True, text=True, check=True
    ).stdout
    flags = [word for word in command[end:] if word.startswith("--")]
    assert flags
    assert [word for word in flags if not re.search(rf"{word}\b", shown)] == []


def test_the_image_does_not_run_as_root() -> None:
    # In figures: Kubernetes refuses a name where it has to know that it is not root's.
    user, _, group = instruction("USER").partition(":")
    assert int(user) >= 10000
    assert int(group) >= 10000


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
    command = [*entrypoint(), *SERVICES["fourcast"]["command"]]
    command[0] = str(Path(sysconfig.get_path("scripts")) / command[0])
    for name in ("--port", "--metrics-port"):
        command[command.index(name) + 1] = "0"
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as server,
    ):
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            listening = re.fullmatch(rf"{LISTENING}0\.0\.0\.0:(\d+)\n", line)
            assert listening, line + (tmp_path / "log").read_text()
            check = health_check(f"127.0.0.1:{listening[1]}")
            assert subprocess.run(check, check=False).returncode == 0
            server.send_signal(signal.SIGTERM)
            assert server.wait() == 0
            assert subprocess.run(check, capture_output=True, check=False).returncode != 0
        finally:
            server.kill()
