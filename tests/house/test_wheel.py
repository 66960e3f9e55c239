"""The wheel holds every shelf and the model repository, and works without the checkout."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
NAME = f"fourcast-{PYPROJECT['project']['version']}"
FOLDERS = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
PACKAGES = {Path(folder).name: CHECKOUT / folder for folder in FOLDERS}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=CHECKOUT, check=True)
    (wheel,) = folder.glob("*.whl")
    assert wheel.name == f"{NAME}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def relative_files(root: Path) -> set[str]:
    """Every file under a folder but Python's caches, relative to it."""
    return {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_packages_whole(unpacked: Path) -> None:
    assert {name: relative_files(unpacked / name) for name in PACKAGES} == {
        name: relative_files(folder) for name, folder in PACKAGES.items()
    }


def test_the_wheel_holds_nothing_else(unpacked: Path) -> None:
    top = {path.name for path in unpacked.iterdir()}
    assert top == {*PACKAGES, f"{NAME}.data", f"{NAME}.dist-info"}


def test_the_wheel_holds_the_model_repository(unpacked: Path) -> None:
    repository = CHECKOUT / "models" / "repository"
    shared = unpacked / f"{NAME}.data" / "data" / "share" / "fourcast" / "models"
    assert relative_files(repository)
    assert relative_files(shared / "repository") == relative_files(repository)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_typed(unpacked: Path, package: str) -> None:
    assert (unpacked / package / "py.typed").is_file()


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_imported_from_the_wheel(unpacked: Path, package: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", f"import {package}; print({package}.__file__)"],
        cwd=unpacked.parent,
        # Before an editable install on Python's path.
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(result.stdout.strip()).is_relative_to(unpacked)
