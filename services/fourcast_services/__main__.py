"""The command `fourcast-serve`: flags, logging and exit codes."""

import logging
import os
import sys

import tyro

from fourcast_services import exposure, logs
from fourcast_services.address import BindError
from fourcast_services.logs import PROGRAM
from fourcast_services.settings import Settings

_log = logging.getLogger(__name__)

DESCRIPTION = f"""Serve the models of a repository over gRPC until SIGTERM or Ctrl-C.

Says "{PROGRAM}: listening on HOST:PORT" on standard output once it answers; logs go to standard
error.

Examples:

{PROGRAM}  (for this computer only, on port 50051)

{PROGRAM} --host 0.0.0.0 --port 8080  (for every computer that reaches this one)

{PROGRAM} --models ./repository --watch --device cuda  (other models, as they come, on a GPU only)

{PROGRAM} --workers 4 --metrics-port 9090  (four processes on one port, with Prometheus metrics)

{PROGRAM} --host 0.0.0.0 --tls-certificate c.pem --tls-key k.pem --token-file t  (known callers)
"""


def main() -> int:
    """Run the server until it is asked to stop.

    Returns:
        0 after an orderly end, 1 if it cannot start, 130 for Ctrl-C before it has started. Wrong
        flags exit with 2.
    """
    settings = tyro.cli(Settings, prog=PROGRAM, description=DESCRIPTION)
    logs.configure(settings.observability.log_format)
    for warning in exposure.warnings(settings):
        _log.warning("%s", warning)
    # Imported here: a supervisor does without onnxruntime, and no metric may be made before it has
    # said where the workers' values go.
    if settings.workers == 1:
        from fourcast_services.run import run_alone

        return run_alone(settings, _announce)
    from fourcast_services.workers import supervise

    try:
        return supervise(settings, _announce)
    except BindError as error:
        _log.error("cannot start: %s", error)
        return 1


def _announce(address: str) -> None:
    """Say on standard output that the server answers; programs that start one wait for this."""
    try:
        print(f"{PROGRAM}: listening on {address}", flush=True)
    except BrokenPipeError:
        # Whoever waited for the line has gone. Keep the interpreter from trying again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
