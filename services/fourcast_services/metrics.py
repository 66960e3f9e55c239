"""What Prometheus is told. Every metric of the server stands here.

With several workers, `prometheus_client` keeps the values in files that `PROMETHEUS_MULTIPROC_DIR`
names, so that one endpoint sums them up; that variable must be set before this file is imported.
"""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# One more number for every other one, and no dashboard uses them.
disable_created_metrics()  # type: ignore[no-untyped-call]  # has no hints

# From a small model's own time to a queue that is far too long, in seconds.
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

REQUESTS = Counter(
    "fourcast_requests",
    "Calls that have ended, by status code; model is empty where none served.",
    ("model", "method", "code"),
)
REQUEST_SECONDS = Histogram(
    "fourcast_request_seconds",
    "From a call's arrival to its answer.",
    ("model", "method"),
    buckets=_SECONDS,
)
QUEUE_SECONDS = Histogram(
    "fourcast_queue_seconds",
    "How long a request waited for its batch.",
    ("model",),
    buckets=_SECONDS,
)
BATCH_ROWS = Histogram("fourcast_batch_rows", "Rows that ran together.", ("model",), buckets=_ROWS)
DROPPED = Counter(
    "fourcast_dropped",
    "Requests that never ran: expired, cancelled, or refused because the queue was full.",
    ("model", "reason"),
)
VERSIONS = Gauge(
    "fourcast_model_version_info",
    "1 for the present state of each version of each model, and the provider that runs it.",
    ("model", "version", "state", "provider"),
    multiprocess_mode="livemax",
)
REFUSALS = Counter(
    "fourcast_model_refusals", "Versions that failed their checks and do not serve.", ("model",)
)
