"""Ray Serve: one deployment behind its gRPC proxy, with the protocol's own service registered."""

import signal
import sys

import ray
from ray import serve
from ray.serve.config import HTTPOptions, gRPCOptions

from benchmarks.serving.servers import ray_deployment
from benchmarks.serving.servers.network import free_ports


def main() -> None:
    """Serve until the process is ended."""
    port, path = int(sys.argv[1]), sys.argv[2]
    [http_port] = free_ports(1)
    ray.init(include_dashboard=False, log_to_driver=False)
    register = f"{ray_deployment.__name__}.add_servicer"
    serve.start(
        http_options=HTTPOptions(host="127.0.0.1", port=http_port),
        grpc_options=gRPCOptions(port=port, grpc_servicer_functions=[register]),
    )
    # As many as the most clients; the default of 5 would queue them in the proxy.
    deployment = serve.deployment(max_ongoing_requests=64)(ray_deployment.Connect4)
    serve.run(deployment.bind(path))
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main()
