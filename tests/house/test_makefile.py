"""The Makefile installs what a target needs, once, and says what is wrong in words."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

# Stands in for Python, pip and the commands they install: notes each call, installs nothing.
RECORDER = """#!/bin/sh
[ "$1" = -c ] && exit 0
[ "$1" = --version ] && { echo "Python 3.11.0"; exit 0; }
echo "$(basename "$0") $*" >> calls.txt
if [ "$2" = venv ]; then
    mkdir -p "$3/bin"
    for name in python pip fourcast fourcast-serve fourcast-train; do cp "$0" "$3/bin/$name"; done
fi
"""
SOLVER = "python -m fourcast_models.connect4.solver"


def install(extra: str) -> str:
    return f"python -m pip install --quiet --disable-pip-version-check --editable .[{extra}]"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the Makefile, what its rules look at, and a Python that notes its calls."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(CHECKOUT / name, tmp_path)
    write_executable(tmp_path / "recorder", RECORDER)
    return tmp_path


def write_executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # The tests themselves run under make, whose variables are not meant for this one.
    hidden = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "ARGS", "PIP_ARGS", "PYTHON")
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in hidden},
        capture_output=True,
        text=True,
        check=False,
    )


def calls(folder: Path, *arguments: str) -> list[str]:
    """What one successful run of make with the recorder for a Python called."""
    log = folder / "calls.txt"
    log.write_text("")
    result = make(folder, "PYTHON=./recorder", *arguments)
    assert result.returncode == 0, result.stderr
    return [line.strip() for line in log.read_text().splitlines()]


def outdate(folder: Path) -> None:
    """Make every installation older than pyproject.toml."""
    for stamp in (folder / ".venv").glob(".installed-*"):
        os.utime(stamp, (0, 0))


def test_help_is_the_default_and_names_every_target(folder: Path) -> None:
    declared = re.search(r"^\.PHONY: (.+)$", (folder / "Makefile").read_text(), re.MULTILINE)
    assert declared
    result = make(folder)
    assert result.returncode == 0
    listed = re.findall(r"^  ([a-z]+) +\S", result.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(declared[1].split())


def test_play_installs_the_service_alone_and_only_once(folder: Path) -> None:
    first = calls(folder, "play")
    assert first == ["recorder -m venv .venv", install("serve,web"), SOLVER, "fourcast arcade"]
    assert calls(folder, "play", "ARGS=--side second") == ["fourcast play --side second"]


def test_a_changed_pyproject_is_installed_again(folder: Path) -> None:
    calls(folder, "setup")
    outdate(folder)
    assert calls(folder, "serve") == [install("serve,web"), "fourcast-serve"]
    assert calls(folder, "serve") == ["fourcast-serve"]
    assert calls(folder, "setup") == [install("dev")]
    assert calls(folder, "setup") == []


def test_developers_installation_serves_every_target(folder: Path) -> None:
    assert calls(folder, "setup") == ["recorder -m venv .venv", install("dev")]
    assert calls(folder, "serve", "ARGS=--port 0") == ["fourcast-serve --port 0"]
    assert calls(folder, "train") == ["fourcast-train connect4 --preset default"]
    assert calls(folder, "train", "ARGS=connect4 --preset smoke") == [
        "fourcast-train connect4 --preset smoke"
    ]


def test_pip_arguments_reach_pip(folder: Path) -> None:
    assert "--no-cache-dir" in calls(folder, "train", "PIP_ARGS=--no-cache-dir")[1]


def test_a_failed_installation_is_tried_again(folder: Path) -> None:
    calls(folder, "serve")
    outdate(folder)
    write_executable(folder / ".venv" / "bin" / "python", "#!/bin/sh\nexit 1\n")
    assert make(folder, "serve").returncode != 0
    write_executable(folder / ".venv" / "bin" / "python", RECORDER)
    assert calls(folder, "serve") == [install("serve,web"), "fourcast-serve"]


@pytest.mark.parametrize(("status", "passes"), [(0, True), (130, True), (1, False)])
def test_leaving_the_game_is_no_failure(folder: Path, status: int, passes: bool) -> None:
    calls(folder, "play")
    write_executable(folder / ".venv" / "bin" / "fourcast", f"#!/bin/sh\nexit {status}\n")
    assert (make(folder, "play").returncode == 0) == passes


def test_an_old_python_is_refused_in_words(folder: Path) -> None:
    write_executable(folder / "old", '#!/bin/sh\n[ "$1" = -c ] && exit 1\necho "Python 3.10.13"\n')
    result = make(folder, "PYTHON=./old", "play")
    assert result.returncode != 0
    assert result.stderr.splitlines()[0] == (
        "fourcast needs Python 3.11 or newer; './old' says: Python 3.10.13. "
        "Name another one: make PYTHON=python3.12 play"
    )
    assert not (folder / ".venv").exists()


def test_a_missing_python_is_refused_in_words(folder: Path) -> None:
    result = make(folder, "PYTHON=./missing", "test")
    assert result.returncode != 0
    assert result.stderr.startswith("fourcast needs Python 3.11 or newer; './missing' says: ")
