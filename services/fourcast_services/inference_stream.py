"""A stream of requests and the stream of their answers, in the same order."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from google.protobuf.message import Message
from grpc.aio import EOF, ServicerContext

WINDOW_REQUESTS = 16
"""How many requests of one stream wait for their answers to be taken; then no more are read. A
sixteenth of the default queue, so that a few busy streams do not fill it."""

WINDOW_BYTES = 16 << 20
"""How large they may be together; a larger request waits until it is alone."""


async def answer_in_order(
    context: ServicerContext[Any, Any], answer: Callable[[Any], Coroutine[Any, Any, Message]]
) -> None:
    """Answer every request of a call that streams both ways, until its caller sends no more.

    Requests are read ahead of the answers, so that those that wait together can share a batch. A
    caller that does not take its answers is soon not read from either, and holds up nobody else.

    Args:
        context: The call's.
        answer: Gives the answer to one request.
    """
    answers: asyncio.Queue[tuple[asyncio.Task[Message], int] | None] = asyncio.Queue(
        WINDOW_REQUESTS
    )
    waiting_bytes = 0
    taken = asyncio.Event()

    async def write() -> None:
        nonlocal waiting_bytes
        while (waiting := await answers.get()) is not None:
            task, size = waiting
            await _whole(context.write(await task))
            waiting_bytes -= size
            taken.set()

    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(write())
            while (request := await context.read()) is not EOF:
                size = request.ByteSize()
                while waiting_bytes and waiting_bytes + size > WINDOW_BYTES:
                    taken.clear()
                    await taken.wait()
                waiting_bytes += size
                await answers.put((tasks.create_task(answer(request)), size))
            await answers.put(None)
    except ExceptionGroup as group:
        # What cannot be read or written is one error, not a group that has no status.
        raise group.exceptions[0] from None


async def _whole(write: Coroutine[Any, Any, None]) -> None:
    """Finish a write even if its task is cancelled meanwhile, and only then be cancelled.

    gRPC refuses to end a call with a status while a message is on its way, and the caller would
    wait for ever. A write ends when its caller goes, so nobody waits for one that cannot.
    """
    writing = asyncio.ensure_future(write)
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        await asyncio.wait([writing])
        raise
