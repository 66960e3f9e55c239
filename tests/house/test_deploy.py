"""The checks of what deploys fourcast find each kind of mistake, and none in the checkout."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from deploy.check import CHECKOUT, CHECKS
from deploy.fetch import UnavailableError, debian_program, program, wheel

MISTAKES = [
    # check, what stands in its file, what stands there instead, a word of the complaint
    pytest.param("compose", "read_only:", "readonly:", "readonly", id="compose-field"),
    pytest.param("compose", "\nvolumes:\n  prometheus:", "", "prometheus", id="compose-volume"),
    pytest.param(
        "compose", "start_period: 10s", "start_period: 10", "start_period", id="compose-time"
    ),
    pytest.param("compose", "      triton:\n", "      tritons:\n", "tritons", id="compose-depends"),
    pytest.param("dockerfile", "USER 10001:10001", "USER root", "DL3002", id="dockerfile-root"),
    pytest.param("dockerfile", ":3.12.13-slim-trixie AS", " AS", "DL3006", id="dockerfile-tag"),
    pytest.param("dockerfile", "EXPOSE", "EXPOSES", "missing whitespace", id="dockerfile-keyword"),
    pytest.param("models", "max_batch_size", "max_batch", "max_batch", id="models-field"),
    pytest.param("kubernetes", "minAvailable", "minimum", "minimum", id="kubernetes-field"),
    pytest.param("kubernetes", "port: 50051", "port: grpc", "grpc", id="kubernetes-type"),
    pytest.param(
        "kubernetes", "kind: Service\n", "kind: Services\n", "services", id="kubernetes-kind"
    ),
    pytest.param("kserve", "minReplicas", "minReplica", "minReplica", id="kserve-own-field"),
    pytest.param("kserve", "maxReplicas: 3", "maxReplicas: many", "many", id="kserve-own-type"),
    pytest.param("kserve", "predictor:", "predictors:", "predictor", id="kserve-required"),
    pytest.param("kserve", "containerPort", "port", "containerPort", id="kserve-container"),
    pytest.param("kserve", "v1beta1", "v1beta2", "v1beta1", id="kserve-version"),
    pytest.param("envoy", "lb_policy", "policy", "policy", id="envoy-field"),
    pytest.param("envoy", "cluster: replicas", "cluster: replica", "replica", id="envoy-cluster"),
    pytest.param(
        "envoy",
        "connect_timeout: 2s",
        "connect_timeout: 2s\n      dns_refresh_rate: 2s",
        "deprecated",
        id="envoy-deprecated",
    ),
    pytest.param("prometheus", "interval: 5s", "interval: 5 s", "5 s", id="prometheus-time"),
    pytest.param("prometheus", "job_name", "name", "name", id="prometheus-field"),
    pytest.param("grafana", '"gridPos"', '"grid"', "grid: not a field", id="grafana-field"),
    pytest.param("grafana", "sum by (le,", "sum of (le,", "Time to answer", id="grafana-query"),
]


def problems_of(name: str, root: Path = CHECKOUT) -> list[str]:
    """What a check says about a checkout; skips the test where its program cannot be had."""
    check = CHECKS[name]
    try:
        return check.problems(root / check.path)
    except UnavailableError as reason:
        pytest.skip(str(reason))


def checked_file(root: Path, name: str) -> Path:
    """The file of a check: its own, or the first model's configuration."""
    path = root / CHECKS[name].path
    return sorted(path.glob("*/config.pbtxt"))[0] if path.is_dir() else path


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the checks read."""
    for check in CHECKS.values():
        source, target = CHECKOUT / check.path, tmp_path / check.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    return tmp_path


@pytest.mark.parametrize("name", CHECKS)
def test_the_checkout_is_right(name: str) -> None:
    assert problems_of(name) == []


@pytest.mark.parametrize(("name", "right", "wrong", "complaint"), MISTAKES)
def test_a_mistake_is_found(copy: Path, name: str, right: str, wrong: str, complaint: str) -> None:
    path = checked_file(copy, name)
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong, 1))
    assert complaint in "\n".join(problems_of(name, copy))


def test_every_check_is_broken_once() -> None:
    assert {mistake.values[0] for mistake in MISTAKES} == CHECKS.keys()


def test_every_file_of_the_folder_has_its_check() -> None:
    folder = CHECKOUT / "services" / "deploy"
    checked = {CHECKOUT / check.path for check in CHECKS.values()}
    # Grafana's two files of where to look are read by no program that is to be had;
    # test_observe.py compares them with what they name.
    elsewhere = {folder / "grafana" / "datasource.yaml", folder / "grafana" / "dashboards.yaml"}
    found = {path for kind in ("yaml", "json") for path in folder.rglob(f"*.{kind}")}
    assert found - checked == elsewhere


def check_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_names_the_file_and_fails(copy: Path) -> None:
    arguments = ["--root", str(copy), "models"]
    right = check_command(*arguments)
    assert (right.returncode, right.stdout) == (0, "models/repository: ok\n")
    checked_file(copy, "models").write_text("name: 1\n")
    wrong = check_command(*arguments)
    assert wrong.returncode == 1
    assert wrong.stdout.startswith("models/repository: wrong\n")
    assert "config.pbtxt" in wrong.stdout


def test_the_command_knows_its_checks() -> None:
    result = check_command("helm")
    assert result.returncode == 2
    assert "no check 'helm'; there are compose, " in result.stderr


def test_a_program_that_is_not_there_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="no-such-program is not installed"):
        program("no-such-program")
    with pytest.raises(UnavailableError, match=r"promtool is not installed.*has no apt-get"):
        debian_program("promtool", "prometheus", cache=tmp_path / "cache")


def test_what_cannot_be_fetched_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(UnavailableError, match=r"kserve==0\.0\.0 cannot be fetched: "):
        wheel("kserve", "0.0.0", tmp_path)
    assert list(tmp_path.iterdir()) == []
