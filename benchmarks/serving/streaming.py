"""A Python client that keeps some requests in flight, on one stream or as unary calls.

h2load cannot write and read a stream at once. This client costs more than the server, so only the
server's own CPU says something here; it sends the same requests at the same depth either way.

    python -m benchmarks.serving.streaming --workload DIR --address HOST:PORT --mode stream

prints how many were answered.
"""

import asyncio
import sys
import time
from enum import Enum
from pathlib import Path
from typing import Annotated

import grpc
import tyro
from tritonclient.grpc import service_pb2

from benchmarks.serving.workload import STREAM_PATH, UNARY_PATH, Kind, Workload


class Mode(Enum):
    """How requests travel."""

    UNARY = "unary"
    """Each as a call of its own."""
    STREAM = "stream"
    """All on one ModelStreamInfer call."""


class StreamError(Exception):
    """An answer on a stream is an error."""


async def unary(channel: grpc.aio.Channel, request: bytes, in_flight: int, seconds: float) -> int:
    """Send requests as calls of their own.

    Args:
        channel: The connection.
        request: A serialized ModelInferRequest.
        in_flight: How many calls are open at a time.
        seconds: How long to go on.

    Returns:
        How many were answered.
    """
    # Without serializers: bytes go out as they are.
    method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(UNARY_PATH)
    end = time.monotonic() + seconds

    async def client() -> int:
        answered = 0
        while time.monotonic() < end:
            await method(request)
            answered += 1
        return answered

    return sum(await asyncio.gather(*(client() for _ in range(in_flight))))


async def stream(channel: grpc.aio.Channel, request: bytes, in_flight: int, seconds: float) -> int:
    """Send requests on one stream; a new one for each answer.

    Args:
        channel: The connection.
        request: A serialized ModelInferRequest.
        in_flight: How many requests wait for their answers at a time.
        seconds: How long to go on.

    Returns:
        How many were answered.

    Raises:
        StreamError: If an answer is an error.
    """
    method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(STREAM_PATH)
    call = method()
    for _ in range(in_flight):
        await call.write(request)
    sent, answered = in_flight, 0
    end = time.monotonic() + seconds
    while answered < sent:
        reply = service_pb2.ModelStreamInferResponse.FromString(await call.read())
        if reply.error_message:
            raise StreamError(reply.error_message)
        answered += 1
        if time.monotonic() < end:
            await call.write(request)
            sent += 1
    await call.done_writing()
    return answered


async def run(workload: Workload, address: str, mode: Mode, in_flight: int, seconds: float) -> int:
    """Send one position again and again; `unary` and `stream` say the rest."""
    request = workload.message(Kind.SINGLE)
    send = stream if mode is Mode.STREAM else unary
    async with grpc.aio.insecure_channel(address) as channel:
        return await send(channel, request, in_flight, seconds)


def main(
    workload: Annotated[Path, tyro.conf.arg(metavar="DIR")],
    address: Annotated[str, tyro.conf.arg(metavar="HOST:PORT")],
    mode: Mode,
    in_flight: Annotated[int, tyro.conf.arg(metavar="N")] = 16,
    seconds: Annotated[float, tyro.conf.arg(metavar="S")] = 3.0,
) -> int:
    """Put load on a server's ModelInfer or ModelStreamInfer.

    Args:
        workload: The folder that `make_workload` wrote.
        address: Where the server listens.
        mode: Calls of their own, or one stream.
        in_flight: Requests that wait for their answers at a time.
        seconds: How long.

    Returns:
        The exit code: 0, or 1 if a request failed.
    """
    try:
        print(asyncio.run(run(Workload.load(workload), address, mode, in_flight, seconds)))
    except grpc.RpcError as error:
        print(f"{error.code().name}: {error.details()}", file=sys.stderr)
        return 1
    except StreamError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main, config=(tyro.conf.EnumChoicesFromValues,)))
