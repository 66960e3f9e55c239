"""The other workers of a server, for the few calls that concern them all.

Every worker also listens on a socket of its own in a folder that only this user can open. A call
that comes by it is for that worker alone.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from tritonclient.grpc import service_pb2 as wire
from tritonclient.grpc import service_pb2_grpc

from fourcast_services import calls
from fourcast_services.engine import UNLOADED, ModelRefusedError

_SECONDS = 60.0
"""The longest that another worker may take, if the caller does not say."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Peers:
    """This worker's place among the others.

    Attributes:
        folder: The folder of the workers' sockets; None if this worker is alone.
        number: This worker's number, from 0.
    """

    folder: Path | None = None
    number: int = 0

    @property
    def among_others(self) -> bool:
        """Whether there are other workers."""
        return self.folder is not None

    @property
    def address(self) -> str | None:
        """Where this worker listens for the others; None if it is alone."""
        return None if self.folder is None else f"unix:{self.folder / str(self.number)}"

    async def load(self, request: wire.RepositoryModelLoadRequest) -> None:
        """Have the others load a model, too."""
        await self._ask(lambda stub: stub.RepositoryModelLoad, request)

    async def unload(self, request: wire.RepositoryModelUnloadRequest) -> None:
        """Have the others unload a model, too."""
        await self._ask(lambda stub: stub.RepositoryModelUnload, request)

    async def add_statistics(
        self, request: wire.ModelStatisticsRequest, response: wire.ModelStatisticsResponse
    ) -> None:
        """Add the others' statistics to this worker's."""
        for other in await self._ask(lambda stub: stub.ModelStatistics, request):
            _add_statistics(response, other)

    async def unloaded_models(self) -> list[str]:
        """The models that the others were asked to unload; a new worker must follow them."""
        for index in await self._ask(
            lambda stub: stub.RepositoryIndex, wire.RepositoryIndexRequest()
        ):
            return [entry.name for entry in index.models if entry.reason == UNLOADED]
        return []

    async def _ask(
        self, method: Callable[[Any], Callable[..., Awaitable[Any]]], request: Any
    ) -> list[Any]:
        """The answers of the other workers that are there."""
        if self.folder is None:
            return []
        remaining = calls.current().remaining()
        timeout = _SECONDS if remaining is None else min(remaining, _SECONDS)
        others = [path for path in self.folder.iterdir() if path.name != str(self.number)]

        async def ask(path: Path) -> Any:
            async with grpc.aio.insecure_channel(f"unix:{path}") as channel:
                stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
                return await method(stub)(request, timeout=timeout)

        answers = await asyncio.gather(*map(ask, others), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, grpc.aio.AioRpcError):
                _check_error(answer)
            elif isinstance(answer, BaseException):
                raise answer
        return [answer for answer in answers if not isinstance(answer, grpc.aio.AioRpcError)]


def _check_error(error: grpc.aio.AioRpcError) -> None:
    match error.code():
        case grpc.StatusCode.UNAVAILABLE:
            # Its worker has died, and the next one reads the repository anew.
            _log.warning("a worker does not answer; it is left out: %s", error.details())
        case grpc.StatusCode.FAILED_PRECONDITION:
            raise ModelRefusedError(f"another worker refuses: {error.details()}")
        case _:
            raise error


def _add_statistics(
    total: wire.ModelStatisticsResponse, other: wire.ModelStatisticsResponse
) -> None:
    by_version = {(stats.name, stats.version): stats for stats in total.model_stats}
    for stats in other.model_stats:
        mine = by_version.get((stats.name, stats.version))
        if mine is None:
            total.model_stats.add().CopyFrom(stats)
            continue
        mine.last_inference = max(mine.last_inference, stats.last_inference)
        mine.inference_count += stats.inference_count
        mine.execution_count += stats.execution_count
        _add_durations(mine.inference_stats, stats.inference_stats)
        by_size = {batch.batch_size: batch for batch in mine.batch_stats}
        for batch in stats.batch_stats:
            if batch.batch_size in by_size:
                _add_durations(by_size[batch.batch_size], batch)
            else:
                mine.batch_stats.add().CopyFrom(batch)


def _add_durations(total: Message, other: Message) -> None:
    """Add every duration in a message to the one of the same name in another."""
    for descriptor, duration in other.ListFields():
        if isinstance(duration, wire.StatisticDuration):
            mine = getattr(total, descriptor.name)
            mine.count += duration.count
            mine.ns += duration.ns
