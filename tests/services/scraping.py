"""Reads the metrics of a running server, as Prometheus does."""

import re
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from tests.services.running import RunningServer
from tests.services.waiting import until


class Metrics:
    """What one scrape gave."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def total(self, name: str, **labels: str) -> float:
        """The sum of all samples of a name that have these labels; 0 without any."""
        return sum(
            sample.value
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def labels(self, name: str, label: str) -> set[str]:
        """The values of a label."""
        return {sample.labels[label] for sample in self._samples if sample.name == name}


def metrics_url(server: RunningServer) -> str:
    found = until(lambda: re.search(r"metrics on (http://\S+)", server.log()), "the metrics")
    return str(found[1])


def scrape(server: RunningServer) -> Metrics:
    with urllib.request.urlopen(metrics_url(server), timeout=60) as response:
        return Metrics(response.read().decode())
