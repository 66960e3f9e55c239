"""http://HOST:PORT/metrics, for Prometheus to scrape."""

import os

import prometheus_client
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from fourcast_services.address import BindError

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where `prometheus_client` keeps the values of several workers."""


def serve_metrics(host: str, port: int) -> str:
    """Serve the metrics of this process, or of all workers, from a thread of its own.

    Returns:
        "host:port".

    Raises:
        BindError: If the address cannot be listened on.
    """
    registry = prometheus_client.REGISTRY
    if FOLDER_VARIABLE in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # has no hints
    try:
        server, _ = prometheus_client.start_http_server(port, host, registry)
    except OSError as error:
        raise BindError(host, port) from error
    return f"{host}:{server.server_port}"
