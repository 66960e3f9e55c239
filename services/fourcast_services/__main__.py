"""The command `fourcast-serve`: flags, logging and exit codes."""

import asyncio
import logging
import os
import sys

import tyro

from fourcast_models.repository import RepositoryError
from fourcast_services.engine import DeviceError, ModelRefusedError
from fourcast_services.server import BindError, serve
from fourcast_services.settings import Settings

PROGRAM = "fourcast-serve"

DESCRIPTION = f"""Serve the models of a repository over gRPC until SIGTERM or Ctrl-C.

Says "{PROGRAM}: listening on HOST:PORT" on standard output once it answers; logs go to standard
error.

Examples:

{PROGRAM}  (for this computer only, on port 50051)

{PROGRAM} --host 0.0.0.0 --port 8080  (for every computer that reaches this one)

{PROGRAM} --models ./repository --device cuda  (other models, on a GPU or not at all)
"""


def main() -> int:
    """Run the server until it is asked to stop.

    Returns:
        0 after an orderly end, 1 if it cannot start, 130 for Ctrl-C before it has started. Wrong
        flags exit with 2.
    """
    settings = tyro.cli(Settings, prog=PROGRAM, description=DESCRIPTION)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format=f"{PROGRAM}: %(levelname)s: %(message)s"
    )
    try:
        ended = asyncio.run(serve(settings, _announce))
    except (RepositoryError, ModelRefusedError, DeviceError, BindError, FileNotFoundError) as error:
        print(f"{PROGRAM}: cannot start: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if not ended:
        # The interpreter would wait for the thread that compiles the solver, a minute perhaps.
        sys.stderr.flush()
        os._exit(0)
    return 0


def _announce(address: str) -> None:
    """Say on standard output that the server answers; programs that start one wait for this."""
    try:
        print(f"{PROGRAM}: listening on {address}", flush=True)
    except BrokenPipeError:
        # Whoever waited for the line has gone. Keep the interpreter from trying again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
