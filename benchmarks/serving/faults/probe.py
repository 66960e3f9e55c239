"""Calls at random moments, and what became of each.

Arrivals that do not wait for each other (a Poisson process) meet a server's queue as it is on
average, so a few calls a second tell what the many calls of h2load beside them meet.

    python -m benchmarks.serving.faults.probe --workload DIR --address HOST:PORT

says "ready" when it is connected, begins when it reads a line, and prints a line of JSON
(`Outcome`) at the end.
"""

import asyncio
import dataclasses
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Annotated

import grpc
import tyro
from google.rpc import error_details_pb2, status_pb2

from benchmarks.serving.workload import UNARY_PATH, Kind, Workload

READY = "ready"

CALL_SECONDS = 60.0

_DETAILS = "grpc-status-details-bin"


@dataclass(slots=True)
class Outcome:
    """What became of the calls.

    Attributes:
        codes: How many ended with each status code.
        latencies: Seconds that those took which ended well.
        without_retry_info: How many were refused without being told when to come back.
        refusals: The different messages of calls that did not end well, three at most.
    """

    codes: dict[str, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    without_retry_info: int = 0
    refusals: list[str] = field(default_factory=list)


async def probe(address: str, request: bytes, *, rate: float, seconds: float, seed: int) -> Outcome:
    """Call a server at random moments, from the moment that standard input gives a line.

    Args:
        address: "host:port".
        request: A serialized ModelInferRequest.
        rate: Calls per second on average.
        seconds: How long to go on.
        seed: The moments follow from it.
    """
    random, outcome = Random(seed), Outcome()
    async with grpc.aio.insecure_channel(address) as channel:
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(UNARY_PATH)

        def count(code: str) -> None:
            outcome.codes[code] = outcome.codes.get(code, 0) + 1

        async def call() -> None:
            start = time.perf_counter()
            try:
                await method(request, timeout=CALL_SECONDS)
            except grpc.aio.AioRpcError as error:
                count(error.code().name)
                outcome.without_retry_info += not has_retry_info(error)
                message = str(error.details())
                if message not in outcome.refusals and len(outcome.refusals) < 3:
                    outcome.refusals.append(message)
            else:
                count("OK")
                outcome.latencies.append(time.perf_counter() - start)

        await channel.channel_ready()
        print(READY, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        calls = []
        end = time.perf_counter() + seconds
        due = time.perf_counter()
        while (due := due + random.expovariate(rate)) < end:
            # By the clock, so that a late call does not delay those after it.
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            calls.append(asyncio.create_task(call()))
        await asyncio.gather(*calls)
    return outcome


def has_retry_info(error: grpc.aio.AioRpcError) -> bool:
    """Whether an error's details hold a google.rpc.RetryInfo with a delay above zero."""
    for key, value in error.trailing_metadata():
        if key == _DETAILS:
            assert isinstance(value, bytes)  # as always where a key ends in -bin
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.RetryInfo()
                if detail.Unpack(info):
                    return bool(info.retry_delay.ToNanoseconds() > 0)
    return False


def main(
    workload: Annotated[Path, tyro.conf.arg(metavar="DIR")],
    address: Annotated[str, tyro.conf.arg(metavar="HOST:PORT")],
    rate: Annotated[float, tyro.conf.arg(metavar="N")] = 50.0,
    seconds: Annotated[float, tyro.conf.arg(metavar="S")] = 10.0,
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 1,
) -> int:
    """Call a server at random moments and print what became of the calls.

    Args:
        workload: The folder that `make_workload` wrote.
        address: Where the server listens.
        rate: Calls per second on average.
        seconds: How long to go on.
        seed: The moments follow from it.
    """
    request = Workload.load(workload).message(Kind.SINGLE)
    outcome = asyncio.run(probe(address, request, rate=rate, seconds=seconds, seed=seed))
    print(json.dumps(dataclasses.asdict(outcome)))
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
