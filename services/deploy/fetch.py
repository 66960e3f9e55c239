"""What the checks need and pip does not install: fetched once, then kept in build/deploy.

Everything is pinned, or comes from the distribution of this machine. Without a network, or on
another system, there is a reason instead (`UnavailableError`), and the check says it is skipped.
"""

import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / "build" / "deploy"
"""Outside version control; may be deleted at any time."""

FETCH_SECONDS = 180
"""How long one download may take."""


class UnavailableError(Exception):
    """A tool or schema cannot be had here; the text is the reason."""


def program(name: str) -> str:
    """The path of a program: of this environment, or else of this machine.

    Raises:
        UnavailableError: If there is none.
    """
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if found is None:
        raise UnavailableError(f"{name} is not installed; the extra 'dev' brings it (make setup)")
    return found


def debian_program(name: str, *packages: str, cache: Path = CACHE) -> str:
    """The path of a program: of this machine, or else out of a Debian package.

    The package is unpacked, not installed: it would start a service.

    Args:
        name: The program's name, in ``usr/bin``.
        packages: Packages that have it in one release of Debian or another.
        cache: Where the unpacked package is kept.

    Raises:
        UnavailableError: If neither is to be had.
    """
    if found := shutil.which(name):
        return found
    why = ""
    for package in packages:
        try:
            unpacked = _debian_package(package, cache) / "usr" / "bin" / name
        except UnavailableError as reason:
            why = f": {reason}"
            continue
        if unpacked.exists():
            return str(unpacked)
    raise UnavailableError(f"{name} is not installed, and not to be had from Debian{why}")


def wheel(name: str, version: str, cache: Path = CACHE) -> Path:
    """A wheel from the package index, without what it depends on.

    Args:
        name: The distribution's name.
        version: Its version.
        cache: Where the wheel is kept.

    Raises:
        UnavailableError: If it cannot be fetched.
    """
    kept = cache / f"{name}-{version}.whl"
    if not kept.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--retries", "0"]
            only = ["--no-deps", "--only-binary", ":all:", f"{name}=={version}"]
            _fetch([*pip, *only], Path(folder))
            (fetched,) = Path(folder).glob("*.whl")
            _move(fetched, kept)
    return kept


def _debian_package(package: str, cache: Path) -> Path:
    """The folder that a Debian package is unpacked in."""
    unpacked = cache / package
    if not unpacked.is_dir():
        for needed in ("apt-get", "dpkg"):
            if shutil.which(needed) is None:
                raise UnavailableError(f"this machine has no {needed}")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            _fetch(["apt-get", "-o", "Acquire::Retries=0", "download", package], Path(folder))
            (archive,) = Path(folder).glob("*.deb")
            contents = Path(folder) / "contents"
            subprocess.run(["dpkg", "--extract", archive, contents], check=True)
            _move(contents, unpacked)
    return unpacked


def _fetch(command: list[str], folder: Path) -> None:
    """Run a download in a folder.

    Raises:
        UnavailableError: If it fails; the text ends with its last words.
    """
    try:
        result = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{command[-1]} was not fetched in {FETCH_SECONDS} s") from None
    if result.returncode != 0:
        last = (result.stderr.strip() or "no reason given").splitlines()[-1]
        raise UnavailableError(f"{command[-1]} cannot be fetched: {last}")


def _move(source: Path, target: Path) -> None:
    """Give what was fetched its place, unless another process was faster."""
    try:
        source.rename(target)
    except OSError:
        if not target.exists():
            raise
