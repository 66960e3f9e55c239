"""Callers who call again as soon as they are answered, until nobody listens any more.

    python -m benchmarks.serving.faults.callers --workload DIR --address HOST:PORT

says "ready" when it is connected, and prints a line of JSON (`Outcome`) at the end.
"""

import asyncio
import dataclasses
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import grpc
import tyro

from benchmarks.serving.workload import UNARY_PATH, Kind, Workload

NOT_ACCEPTED = "failed to connect to all addresses"
"""What gRPC says about a call for which there was no connection; the server never saw it."""


@dataclass(slots=True)
class Outcome:
    """What became of the calls.

    Attributes:
        answered: How many ended well.
        lost: The errors of those that did not, apart from the ones that found nobody listening.
    """

    answered: int = 0
    lost: list[str] = field(default_factory=list)


async def call_until_gone(address: str, request: bytes, callers: int) -> Outcome:
    """Call a server until it is gone.

    Args:
        address: "host:port".
        request: A serialized ModelInferRequest.
        callers: How many callers there are, each with a call of its own under way.
    """
    outcome = Outcome()
    async with grpc.aio.insecure_channel(address) as channel:
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(UNARY_PATH)

        await channel.channel_ready()
        print("ready", flush=True)

        async def caller() -> None:
            while True:
                try:
                    await method(request)
                except grpc.aio.AioRpcError as error:
                    if NOT_ACCEPTED not in str(error.details()):
                        outcome.lost.append(f"{error.code().name}: {error.details()}")
                    return
                outcome.answered += 1

        await asyncio.gather(*(caller() for _ in range(callers)))
    return outcome


def main(
    workload: Annotated[Path, tyro.conf.arg(metavar="DIR")],
    address: Annotated[str, tyro.conf.arg(metavar="HOST:PORT")],
    callers: Annotated[int, tyro.conf.arg(metavar="N")] = 16,
) -> int:
    """Call a server until it is gone, and print what became of the calls.

    Args:
        workload: The folder that `make_workload` wrote.
        address: Where the server listens.
        callers: How many callers there are.
    """
    request = Workload.load(workload).message(Kind.SINGLE)
    outcome = asyncio.run(call_until_gone(address, request, callers))
    print(json.dumps(dataclasses.asdict(outcome)))
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
