"""Checks the files that deploy fourcast, as far as that goes without a container engine or cluster.

    python -m deploy.check                  all of them (`make check`)
    python -m deploy.check envoy grafana    some of them

Every file is given to the program that will read it, or else to the schema that its readers
publish. A check whose program or schema cannot be had here is skipped, and says why.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import yaml
from deploy import kserve_schema
from deploy.fetch import UnavailableError, debian_program, program, wheel
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from jsonschema import Draft202012Validator

from fourcast_models.repository import RepositoryError, read_repository

CHECKOUT = Path(__file__).resolve().parents[2]
KUBERNETES_VERSIONS = ("1.30", "1.37")
"""The oldest and the newest that the manifests are checked against."""

KSERVE_VERSION = "0.21.0"

GRAFANA_VARIABLES = {"$__rate_interval": "1m", "$model": ".*"}
"""What stands in the board's queries for Grafana to replace, and something it could become."""


def compose(path: Path) -> list[str]:
    """Docker Compose reads the file, with every profile: the schema, and what refers to what."""
    with tempfile.TemporaryDirectory() as home:
        command = ["--file", str(path), "--profile", "*", "config", "--quiet"]
        # So that nobody's own settings, COMPOSE_FILE for one, have a say.
        environment = {"PATH": os.defpath, "HOME": home}
        return _complaints([program("docker-compose"), *command], environment)


def dockerfile(path: Path) -> list[str]:
    """Hadolint finds nothing, not even a matter of style."""
    return _complaints([program("hadolint"), "--no-color", str(path)])


def models(path: Path) -> list[str]:
    """Every config.pbtxt of the repository that the containers serve is well-formed."""
    try:
        found = read_repository(path)
    except RepositoryError as error:
        return [str(error)]
    return [] if found else [f"{path} holds no model"]


def kubernetes(path: Path) -> list[str]:
    """Every object has the schema of its kind, and no unknown field."""
    problems = []
    for version in KUBERNETES_VERSIONS:
        command = [program("kubernetes-validate"), "--strict", "--kubernetes-version", version]
        output = _run([*command, str(path)]).stdout
        # An unknown kind is only a warning to it; a word for every object that is right, too.
        lines = [line for line in output.splitlines() if not line.startswith("INFO ")]
        objects = [item for item in yaml.safe_load_all(path.read_text()) if item]
        if not lines and output.count("INFO ") != len(objects):
            lines = [f"{output.count('INFO ')} of {len(objects)} objects were checked: {output}"]
        problems += [f"Kubernetes {version}: {line}" for line in lines]
    return problems


def kserve(path: Path) -> list[str]:
    """The InferenceService has the fields of KServe's own types, and no other."""
    definitions = kserve_schema.kubernetes_definitions(KUBERNETES_VERSIONS[-1])
    schema = kserve_schema.inference_service_schema(wheel("kserve", KSERVE_VERSION), definitions)
    validator = Draft202012Validator(schema, registry=kserve_schema.registry(definitions))
    return [
        f"{'.'.join(map(str, error.absolute_path)) or 'the object'}: {error.message}"
        for item in yaml.safe_load_all(path.read_text())
        for error in validator.iter_errors(item)
    ]


def envoy(path: Path) -> list[str]:
    """Envoy could start with this configuration, and finds nothing deprecated in it."""
    command = [program("envoy"), "--mode", "validate", "--log-level", "warning"]
    result = _run([*command, "--config-path", str(path)])
    return result.stderr.splitlines() or _failure(result)


def prometheus(path: Path) -> list[str]:
    """Prometheus could start with this configuration."""
    return _complaints([promtool(), "check", "config", str(path)])


def promtool() -> str:
    """The path of Prometheus's own checker; raises `UnavailableError` where there is none."""
    return debian_program("promtool", "promtool", "prometheus")


def grafana(path: Path) -> list[str]:
    """Grafana's own types know every field of the board, and every query is PromQL."""
    board = json.loads(path.read_text())
    register_default_plugins()
    known = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
    problems = [f"{field}: not a field that Grafana knows" for field in _lost(board, known)]
    for title, query in board_queries(board):
        try:
            promql_parser.parse(query)
        except ValueError as error:
            problems.append(f"panel {title!r}: {query}: {error}")
    return problems


def board_queries(board: dict[str, Any]) -> list[tuple[str, str]]:
    """The queries of a Grafana board: title of the panel, and PromQL with the variables replaced.

    Args:
        board: The dashboard, as in its JSON file.
    """
    queries = []
    for panel in board["panels"]:
        for target in panel["targets"]:
            query = target["expr"]
            for variable, value in GRAFANA_VARIABLES.items():
                query = query.replace(variable, value)
            queries.append((panel["title"], query))
    return queries


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        path: What it reads, relative to the checkout.
        problems: What is wrong with that, one line or block each; raises `UnavailableError` where
            its program or schema is not to be had.
    """

    path: str
    problems: Callable[[Path], list[str]]


CHECKS = {
    "compose": Check("docker-compose.yml", compose),
    "dockerfile": Check("services/Dockerfile", dockerfile),
    "models": Check("models/repository", models),
    "kubernetes": Check("services/deploy/kubernetes.yaml", kubernetes),
    "kserve": Check("services/deploy/kserve.yaml", kserve),
    "envoy": Check("services/deploy/envoy.yaml", envoy),
    "prometheus": Check("services/deploy/prometheus.yaml", prometheus),
    "grafana": Check("services/deploy/grafana/fourcast.json", grafana),
}


def main() -> int:
    """Run the command line; returns 0, or 1 if a file is wrong."""
    parser = argparse.ArgumentParser(
        prog="deploy.check", description="Check what deploys fourcast."
    )
    parser.add_argument("names", nargs="*", metavar="CHECK", help=f"of {', '.join(CHECKS)}")
    parser.add_argument("--root", type=Path, default=CHECKOUT, help="another checkout's folder")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - CHECKS.keys()):
        parser.error(f"no check {unknown[0]!r}; there are {', '.join(CHECKS)}")
    failed = False
    for name in options.names or CHECKS:
        check = CHECKS[name]
        try:
            problems = check.problems(options.root / check.path)
        except UnavailableError as reason:
            print(f"{check.path}: skipped: {reason}")
            continue
        failed = failed or bool(problems)
        print("\n".join([f"{check.path}: {'wrong' if problems else 'ok'}", *problems]))
    return 1 if failed else 0


def _run(
    command: list[str], environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _complaints(command: list[str], environment: dict[str, str] | None = None) -> list[str]:
    """What a program that is silent about what is right, or ends with 0, has to say."""
    result = _run(command, environment)
    return _failure(result) or result.stderr.splitlines()


def _failure(result: subprocess.CompletedProcess[str]) -> list[str]:
    """What a program said, if it failed."""
    if result.returncode == 0:
        return []
    return (result.stdout + result.stderr).splitlines() or [f"exit status {result.returncode}"]


def _lost(given: Any, kept: Any, where: str = "") -> Iterator[str]:
    """The fields of a JSON value that are missing from another one, or differ there."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            if key in kept:
                yield from _lost(value, kept[key], f"{where}.{key}".lstrip("."))
            else:
                yield f"{where}.{key}".lstrip(".")
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for index, (value, same) in enumerate(zip(given, kept, strict=True)):
            yield from _lost(value, same, f"{where}[{index}]")
    elif given != kept:
        yield where


if __name__ == "__main__":
    sys.exit(main())
