"""What the README files say is true: examples run, commands and links exist."""

import os
import re
import shlex
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from tritonclient.grpc import service_pb2

from fourcast.connect4.v1 import connect4_pb2
from fourcast.doodle.v1 import doodle_pb2
from fourcast_clients.api import DEFAULT_SERVER
from fourcast_models.model_config import ModelConfig, TensorSpec
from fourcast_models.repository import read_repository
from tests.services.running import run_server

CHECKOUT = Path(__file__).resolve().parents[2]
REPOSITORY = CHECKOUT / "models" / "repository"
README = (CHECKOUT / "README.md").read_text()
PAGES = {
    page: (CHECKOUT / page).read_text()
    for page in (
        "README.md",
        "services/README.md",
        "models/README.md",
        "clients/README.md",
        "benchmarks/README.md",
    )
}


def blocks(language: str, text: str) -> list[str]:
    """The code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def unique(commands: list[list[str]]) -> list[list[str]]:
    """Each command once: two pages may show the same."""
    return list({shlex.join(command): command for command in commands}.values())


COMMANDS = unique(
    [
        shlex.split(line, comments=True)
        for text in PAGES.values()
        for block in blocks("sh", text)
        for line in block.splitlines()
    ]
)
TARGETS = [command[1] for command in COMMANDS if command[0] == "make"]
# What the targets run, with the ARGS that they are given.
RUN_BY_MAKE = {
    "play": ["fourcast", "play"],
    "serve": ["fourcast-serve"],
    "train": ["fourcast-train"],
}
OWN = unique(
    [command for command in COMMANDS if command[0].startswith("fourcast")]
    + [
        RUN_BY_MAKE[target] + shlex.split(argument.removeprefix("ARGS="))
        for program, target, *arguments in COMMANDS
        for argument in arguments
        if program == "make" and argument.startswith("ARGS=")
    ]
)
SCRIPTS = [command for command in COMMANDS if command[0] == "python"]
CURLS = [command for command in COMMANDS if "curl" in command]
LINKS = [
    (CHECKOUT / page).parent / link.partition("#")[0]
    for page, text in PAGES.items()
    for link in re.findall(r"\]\(([^)\s]+)\)", text)
    if "://" not in link
]
SERVICES = {
    service.full_name: service
    for file in (connect4_pb2.DESCRIPTOR, doodle_pb2.DESCRIPTOR, service_pb2.DESCRIPTOR)
    for service in file.services_by_name.values()
}


@cache
def help_of(*command: str) -> str:
    """What a command answers to --help; fails unless it exits with 0."""
    result = subprocess.run(
        [*command, "--help"],
        cwd=CHECKOUT,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def check_flags(arguments: list[str], text: str) -> None:
    """Every flag is in a help text."""
    flags = [argument for argument in arguments if argument.startswith("--")]
    assert [flag for flag in flags if not re.search(rf"{flag}\b", text)] == []


def test_readme_has_something_of_each_kind() -> None:
    kinds = {"targets": TARGETS, "own": OWN, "scripts": SCRIPTS, "curls": CURLS, "links": LINKS}
    assert [name for name, found in kinds.items() if not found] == []


def test_readme_is_short() -> None:
    assert len(README.splitlines()) < 130


@pytest.mark.parametrize("page", [page for page in PAGES if blocks("python", PAGES[page])])
def test_example_prints_what_the_page_shows(page: str) -> None:
    text = PAGES[page]
    (example,) = blocks("python", text)
    shown = text.partition(example)[2].partition("```text\n")[2].partition("```")[0]
    assert example.count(DEFAULT_SERVER) == 1
    with run_server(REPOSITORY) as server:
        result = subprocess.run(
            [sys.executable, "-c", example.replace(DEFAULT_SERVER, server.address)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 0, result.stderr
    assert result.stdout == shown


@pytest.mark.parametrize("command", OWN, ids=shlex.join)
def test_command_answers_help(command: list[str]) -> None:
    program, *arguments = command
    subcommand = [argument for argument in arguments[:1] if not argument.startswith("-")]
    executable = str(Path(sysconfig.get_path("scripts")) / program)
    assert subcommand == [] or subcommand[0] in help_of(executable)
    check_flags(arguments, help_of(executable, *subcommand))


@pytest.mark.parametrize("command", SCRIPTS, ids=shlex.join)
def test_script_answers_help(command: list[str]) -> None:
    _, _, module, *arguments = command
    check_flags(arguments, help_of(sys.executable, "-m", module))


@pytest.mark.parametrize("target", sorted(set(TARGETS)))
def test_make_target_exists(target: str) -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    assert re.search(rf"^{target}:.*##", makefile, re.MULTILINE)


@pytest.mark.parametrize("command", CURLS, ids=lambda command: command[-1])
def test_call_from_the_shell_fits_the_wire(command: list[str]) -> None:
    address, service, method = command[-1].removeprefix("http://").split("/")
    assert address == DEFAULT_SERVER
    request = GetMessageClass(SERVICES[service].methods_by_name[method].input_type)()
    json_format.Parse(command[command.index("--data") + 1], request)
    assert request.ListFields()


@pytest.mark.parametrize("link", sorted(set(LINKS)), ids=str)
def test_relative_link_exists(link: Path) -> None:
    assert link.exists()


def test_model_table_lists_the_repository() -> None:
    expected = {name: tensors(model.config) for name, model in read_repository(REPOSITORY).items()}
    rows = re.findall(
        r"^\| \[(.+?)\]\(repository/(.+?)/README\.md\) \| .+? \| (.+) \| (.+) \|$",
        PAGES["models/README.md"],
        re.MULTILINE,
    )
    assert {name: (inputs, outputs) for name, _, inputs, outputs in rows} == expected
    assert [name for name, folder, *_ in rows if name != folder] == []


def tensors(config: ModelConfig) -> tuple[str, str]:
    """A model's inputs and outputs as the table writes them."""

    def text(tensor: TensorSpec) -> str:
        sizes = ", ".join("N" if size < 0 else str(size) for size in config.shape(tensor))
        dtype = tensor.dtype.name.upper().replace("FLOAT", "FP")
        return f"`{tensor.name}` {dtype} [{sizes}]"

    return ", ".join(map(text, config.inputs)), ", ".join(map(text, config.outputs))
