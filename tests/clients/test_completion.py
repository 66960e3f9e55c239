"""What shells offer when Tab is pressed, asked of the shells themselves."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "fourcast_clients.terminal"]


@pytest.fixture(scope="module")
def completed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scripts of the shells, a file, and the command's name."""
    made = tmp_path_factory.mktemp("completion")
    for shell in ("bash", "zsh", "fish"):
        done = subprocess.run(
            [*COMMAND, "completion", shell], capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        (made / shell).write_text(done.stdout)
    (made / "cat.png").touch()
    return made


LINES = {
    "fourcast an": ["analyze"],
    "fourcast f": ["forecast"],
    "fourcast analyze 44 --js": ["--json"],
    "fourcast play --level ": ["network", "search", "perfect"],
    "fourcast hide a.png text b.png --profile ": ["capacity", "robust"],
    "fourcast doodle ca": ["cat.png"],
}
"""What is typed, and what it may become."""


@pytest.mark.parametrize("line", LINES)
def test_bash_completes(completed: Path, line: str) -> None:
    # As bash itself does it when Tab is pressed, but for a terminal.
    script = """
    source ./bash
    read -ra COMP_WORDS <<< "$1"
    [[ $1 == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$1 COMP_POINT=${#1}
    read -r _ _ fallback _ registered _ <<< "$(complete -p fourcast)"
    $registered
    last=${COMP_WORDS[-1]}
    [[ ${#COMPREPLY[@]} -eq 0 && $fallback == default ]] && COMPREPLY=($(compgen -f -- "$last"))
    printf '%s\\n' "${COMPREPLY[@]}"
    """
    bash = shutil.which("bash")
    assert bash is not None  # .ci/run is one of its scripts
    done = subprocess.run(
        [bash, "-c", script, "bash", line],
        cwd=completed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert set(LINES[line]) <= set(done.stdout.split())
    assert not line.endswith(tuple("anfs")) or done.stdout.split() == LINES[line]


def test_fish_completes(completed: Path) -> None:
    fish = shutil.which("fish")
    if fish is None:
        pytest.skip("no fish: install Debian's package")
    asked = "; ".join(f"complete -C '{line}'; echo =" for line in LINES)
    done = subprocess.run(
        [fish, "--no-config", "-c", f"source ./fish; {asked}"],
        cwd=completed,
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [
        {words.split("\t")[0] for words in answer.splitlines()}
        for answer in done.stdout.split("=\n")
    ]
    for expected, answer in zip(LINES.values(), answers, strict=False):
        assert set(expected) <= answer


def test_zsh_reads_its_script(completed: Path) -> None:
    zsh = shutil.which("zsh")
    if zsh is None:
        pytest.skip("no zsh: install Debian's package")
    subprocess.run([zsh, "-n", "./zsh"], cwd=completed, check=True)
    assert (completed / "zsh").read_text().startswith("#compdef fourcast\n")
