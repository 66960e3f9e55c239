"""The Kubernetes and KServe manifests agree with the image, the server and each other."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from fourcast_services.server import ANSWER_SECONDS, GRACE_SECONDS

CHECKOUT = Path(__file__).resolve().parents[2]
DEPLOY = CHECKOUT / "services" / "deploy"
DOCKERFILE = (CHECKOUT / "services" / "Dockerfile").read_text()
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def objects(file: str) -> dict[str, Any]:
    """The objects of a manifest by their kind."""
    return {item["kind"]: item for item in yaml.safe_load_all((DEPLOY / file).read_text())}


OBJECTS = objects("kubernetes.yaml")
PODS: dict[str, Any] = {
    "kubernetes": OBJECTS["Deployment"]["spec"]["template"]["spec"],
    "kserve": objects("kserve.yaml")["InferenceService"]["spec"]["predictor"],
}


def container(pod: str) -> dict[str, Any]:
    """The one container of a pod."""
    (only,) = PODS[pod]["containers"]
    loaded: dict[str, Any] = only
    return loaded


def exposed() -> tuple[int, int]:
    """The ports that the image exposes: gRPC, and metrics."""
    found = re.search(r"^EXPOSE (\d+) (\d+)$", DOCKERFILE, re.MULTILINE)
    assert found
    return int(found[1]), int(found[2])


@pytest.mark.parametrize("pod", PODS)
def test_health_is_asked_for_where_the_image_serves(pod: str) -> None:
    grpc = exposed()[0]
    assert container(pod)["ports"][0]["containerPort"] == grpc
    assert [container(pod)[probe]["grpc"]["port"] for probe in PROBES] == [grpc] * len(PROBES)


@pytest.mark.parametrize("pod", PODS)
def test_open_calls_may_end_before_the_kill(pod: str) -> None:
    arguments = container(pod)["args"]
    delay = float(arguments[arguments.index("--shutdown-delay") + 1])
    # The server gives searches of two kinds their time to stop, after the calls had theirs.
    needed = delay + GRACE_SECONDS + 3 * ANSWER_SECONDS
    assert needed < PODS[pod]["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("pod", PODS)
def test_a_replica_is_not_ready_before_it_stops_taking_calls(pod: str) -> None:
    arguments = container(pod)["args"]
    probe = container(pod)["readinessProbe"]
    assert probe["failureThreshold"] == 1
    assert probe["periodSeconds"] <= float(arguments[arguments.index("--shutdown-delay") + 1])


@pytest.mark.parametrize("pod", PODS)
def test_pods_are_hardened(pod: str) -> None:
    assert PODS[pod]["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(pod)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("pod", PODS)
def test_numba_has_a_writable_cache_on_the_read_only_root(pod: str) -> None:
    cache = re.search(r"NUMBA_CACHE_DIR=(\S+)", DOCKERFILE)
    (mount,) = container(pod)["volumeMounts"]
    (volume,) = PODS[pod]["volumes"]
    assert cache
    assert Path(cache[1]).is_relative_to(mount["mountPath"])
    assert volume["name"] == mount["name"]
    assert "emptyDir" in volume


@pytest.mark.parametrize("pod", PODS)
def test_arguments_come_after_the_images_own(pod: str) -> None:
    # `command` would replace the ENTRYPOINT, and the host and port with it.
    assert "command" not in container(pod)
    own = json.loads(re.findall(r"^ENTRYPOINT (.+)$", DOCKERFILE, re.MULTILINE)[-1])
    assert not set(own) & {word for word in container(pod)["args"] if word.startswith("--")}


def test_metrics_are_where_the_annotations_say() -> None:
    metrics = str(exposed()[1])
    annotations = OBJECTS["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    arguments = container("kubernetes")["args"]
    assert annotations["prometheus.io/port"] == metrics
    assert arguments[arguments.index("--metrics-port") + 1] == metrics


def test_service_and_disruption_budget_mean_the_pods_of_the_deployment() -> None:
    deployment = OBJECTS["Deployment"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == labels
    assert OBJECTS["Service"]["spec"]["selector"] == labels
    assert OBJECTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert OBJECTS["PodDisruptionBudget"]["spec"]["minAvailable"] < deployment["replicas"]


def test_the_service_gives_out_the_addresses_of_the_replicas() -> None:
    service = OBJECTS["Service"]["spec"]
    (port,) = service["ports"]
    names = {entry["name"]: entry["containerPort"] for entry in container("kubernetes")["ports"]}
    assert service["clusterIP"] == "None"
    assert names[port["targetPort"]] == port["port"]


def test_kserve_takes_the_port_for_grpc() -> None:
    (port,) = container("kserve")["ports"]
    assert port["name"] == "h2c"
