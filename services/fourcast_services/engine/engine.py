"""The models of a repository: served, replaced, taken away."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from fourcast_models.model_config import Arrays, ModelConfig
from fourcast_models.repository import (
    Card,
    Fingerprint,
    Model,
    RepositoryError,
    fingerprint,
    model_names,
    read_card,
    read_model,
)
from fourcast_services import calls
from fourcast_services.device import Device
from fourcast_services.engine.errors import (
    ModelRefusedError,
    UnknownModelError,
    UnknownVersionError,
    shown,
)
from fourcast_services.engine.served import ServedVersion, check_inputs, open_version
from fourcast_services.engine.session import SessionError
from fourcast_services.engine.statistics import Statistics
from fourcast_services.engine.version_state import UNLOADED, State, VersionState
from fourcast_services.inference_backend import Inference
from fourcast_services.memory import trim_heap
from fourcast_services.metrics import REFUSALS, VERSIONS

_THREADS = 64
"""The most batches that run at the same time; threads are made as they are needed."""

_Result = TypeVar("_Result")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A version that failed its checks, and the files that it failed with."""

    mark: Fingerprint
    reason: str


@dataclass(slots=True)
class _Entry:
    """What the engine knows of one model.

    Attributes:
        serving: The versions that answer, the default one first.
        retiring: Those that only finish what they have begun.
        refused: Those that failed their checks, by number.
        malformed: Why the model's folder cannot be read; "" if it can.
        unloaded: Whether it was taken away on request.
    """

    serving: tuple[ServedVersion, ...] = ()
    retiring: tuple[ServedVersion, ...] = ()
    refused: dict[int, _Refusal] = field(default_factory=dict)
    malformed: str = ""
    unloaded: bool = False


class Engine:
    """Runs any model of a repository on raw arrays. To be used from one event loop."""

    def __init__(self, repository: Path, device: Device, *, max_waiting: int) -> None:
        """Make an engine that serves nothing yet; see `start`.

        Args:
            repository: The folder of models.
            device: What runs them.
            max_waiting: How many requests may wait for each version, if its config does not say.
        """
        self._repository = repository
        self._device = device
        self._max_waiting = max_waiting
        self._models: dict[str, _Entry] = {}
        self._changing = asyncio.Lock()
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="engine")
        # One thread, and one part of the heap: what a version gives back the next one takes.
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="loader")
        self._drains: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open, check and warm up the versions that each model's config asks for.

        A version that fails is refused with a logged error, and the next one serves.

        Raises:
            RepositoryError: If the repository is missing or malformed.
            ModelRefusedError: If no version of some model passes.
            DeviceError: If the device cannot serve.
        """
        await self.refresh()
        for name, entry in self._models.items():
            if entry.malformed:
                raise RepositoryError(entry.malformed)
            if not entry.serving:
                reasons = (f"version {n}: {r.reason}" for n, r in entry.refused.items())
                raise ModelRefusedError(
                    f"no version of model {name!r} in {self._repository} can serve; "
                    + "; ".join(reasons)
                )

    async def refresh(self) -> None:
        """Take in what has changed in the repository.

        New and changed versions are opened and checked beside those that serve, which then finish
        what they have begun. A version that fails is refused, and the ones that serve go on.

        Raises:
            RepositoryError: If the repository itself is missing or empty.
            DeviceError: If the device cannot serve.
        """
        async with self._changing:
            names = await self._in_loader(model_names, self._repository)
            for name in names:
                await self._refresh_model(name)
            for name in self._models.keys() - set(names):
                self._serve(name, ())
                self._forget_refusals(name)
                del self._models[name]
                _log.info("model %r has left the repository", name)

    async def load(self, model: str) -> None:
        """Serve a model again, or take in what has changed in its folder.

        Raises:
            UnknownModelError: If the repository has no such model.
            ModelRefusedError: If its newest version fails its checks; an older one may serve.
            DeviceError: If the device cannot serve.
        """
        async with self._changing:
            # Known names only: one from a caller never becomes a path.
            names = await self._in_loader(model_names, self._repository)
            if model not in names:
                raise UnknownModelError(f"the repository has no model {shown(model)}")
            entry = self._models.setdefault(model, _Entry())
            entry.unloaded = False
            self._forget_refusals(model)
            await self._refresh_model(model)
            newest = max((version.number for version in entry.serving), default=0)
            reasons = [entry.malformed] if entry.malformed else []
            reasons += [f"version {n}: {r.reason}" for n, r in entry.refused.items() if n >= newest]
            if reasons:
                raise ModelRefusedError(f"model {model!r}: {'; '.join(reasons)}")

    async def unload(self, model: str) -> None:
        """Stop serving a model; what it has begun, it finishes.

        Raises:
            UnknownModelError: If there is no such model.
        """
        async with self._changing:
            entry = self._entry(model)
            entry.unloaded = True
            self._serve(model, ())
            _log.info("unloaded model %r", model)

    async def infer(self, model: str, inputs: Arrays, version: str = "") -> Inference:
        """Run a model; see `InferenceBackend`."""
        served = self._find(model, version)
        call = calls.current()
        call.model = model
        statistics = served.batcher.statistics
        start = time.perf_counter_ns()
        try:
            check_inputs(served.config, inputs)
            outputs = await served.batcher.submit(inputs, call.deadline)
        except BaseException:
            statistics.fail.add(time.perf_counter_ns() - start)
            raise
        statistics.success.add(time.perf_counter_ns() - start)
        return Inference(outputs=outputs, version=str(served.number))

    def config(self, model: str, version: str = "") -> ModelConfig:
        """What a model takes and gives.

        Raises:
            UnknownModelError: If there is no such model.
            UnknownVersionError: If the model does not serve that version.
        """
        return self._find(model, version).config

    def versions(self, model: str) -> dict[str, str]:
        """The providers of the versions that a model serves, the default version first.

        Raises:
            UnknownModelError: If there is no such model.
        """
        return {str(version.number): version.provider for version in self._entry(model).serving}

    def metadata(self, model: str, version: str) -> Mapping[str, str]:
        """What the file of a served version says about itself, as it was exported.

        Raises:
            UnknownModelError: If there is no such model.
            UnknownVersionError: If the model does not serve that version.
        """
        return self._find(model, version).metadata

    async def card(self, model: str, language: str) -> Card:
        """A model's card, in English if there is none in the language.

        Raises:
            UnknownModelError: If there is no such model, or it has no card.
            ValueError: If the language is not two lower-case letters.
        """
        self._entry(model)  # a name from a caller becomes a path only if it is known
        try:
            return await self._in_loader(read_card, self._repository, model, language)
        except RepositoryError as error:
            raise UnknownModelError(str(error)) from None

    def statistics(self, model: str = "", version: str = "") -> dict[tuple[str, str], Statistics]:
        """What served versions have done, by model and version.

        Args:
            model: One model's, or "" for all.
            version: One version's, or "" for all of the model's.

        Raises:
            UnknownModelError: If there is no such model.
            UnknownVersionError: If the model does not serve that version.
        """
        if version:
            return {(model, version): self._find(model, version).batcher.statistics}
        names = [model] if model else sorted(self._models)
        return {
            (name, str(served.number)): served.batcher.statistics
            for name in names
            for served in self._entry(name).serving
        }

    def index(self) -> Iterator[VersionState]:
        """Every version that the engine knows of, and why those that do not serve do not."""
        for name, entry in sorted(self._models.items()):
            if entry.malformed:
                yield VersionState(name, "", State.UNAVAILABLE, entry.malformed)
            for served in entry.serving:
                yield VersionState(name, str(served.number), State.READY)
            for served in entry.retiring:
                yield VersionState(name, str(served.number), State.UNLOADING, "finishing its calls")
            for number, refusal in entry.refused.items():
                yield VersionState(name, str(number), State.UNAVAILABLE, refusal.reason)
            if entry.unloaded:
                yield VersionState(name, "", State.UNAVAILABLE, UNLOADED)

    async def close(self) -> None:
        """Wait until every request that was submitted has been answered, and end the threads."""
        for entry in self._models.values():
            for served in (*entry.serving, *entry.retiring):
                await served.batcher.drain()
        await asyncio.gather(*self._drains)
        self._executor.shutdown()
        self._loader.shutdown()

    async def _refresh_model(self, name: str) -> None:
        entry = self._models.setdefault(name, _Entry())
        if entry.unloaded:
            return
        try:
            model = await self._in_loader(read_model, self._repository, name)
        except RepositoryError as error:
            if str(error) != entry.malformed:
                entry.malformed = str(error)
                REFUSALS.labels(name).inc()
                _log.error("model %r cannot be read; what serves goes on: %s", name, error)
            return
        entry.malformed = ""
        wanted = model.config.versions.candidates(model.versions)
        self._forget_refusals(name, but=wanted)
        present = {served.number: served for served in entry.serving}
        chosen: list[ServedVersion] = []
        for number in wanted:
            if len(chosen) == model.config.versions.newest:
                break
            served = await self._open(model, number, present.get(number), entry)
            if served is not None:
                chosen.append(served)
        if chosen:
            self._serve(name, tuple(chosen))

    def _forget_refusals(self, name: str, but: tuple[int, ...] = ()) -> None:
        refused = self._models[name].refused
        for number in refused.keys() - set(but):
            del refused[number]
            VERSIONS.labels(name, str(number), State.UNAVAILABLE.value, "").set(0)

    async def _open(
        self, model: Model, number: int, present: ServedVersion | None, entry: _Entry
    ) -> ServedVersion | None:
        """A version, opened anew if its files have changed; None if it cannot serve."""
        name = model.config.name
        mark = await self._in_loader(fingerprint, model, number)
        if present is not None and present.fingerprint == mark:
            return present
        refusal = entry.refused.get(number)
        if refusal is not None and refusal.mark == mark:
            return present
        try:
            served = await self._in_loader(
                open_version, model, number, self._device, self._executor, self._max_waiting
            )
        except (SessionError, RepositoryError) as error:
            entry.refused[number] = _Refusal(mark, str(error))
            REFUSALS.labels(name).inc()
            VERSIONS.labels(name, str(number), State.UNAVAILABLE.value, "").set(1)
            _log.error("refused version %d of model %r: %s", number, name, error)
            return present
        entry.refused.pop(number, None)
        VERSIONS.labels(name, str(number), State.UNAVAILABLE.value, "").set(0)
        return served

    def _serve(self, name: str, versions: tuple[ServedVersion, ...]) -> None:
        """Swap: from now on these versions answer, and the others finish what they have begun."""
        entry = self._models[name]
        before, entry.serving = entry.serving, versions
        for served in versions:
            if served not in before:
                VERSIONS.labels(name, str(served.number), State.READY.value, served.provider).set(1)
                _log.info("model %r: version %d serves on %s", name, served.number, served.provider)
        for served in before:
            if served not in versions:
                if served.number not in {other.number for other in versions}:
                    VERSIONS.labels(
                        name, str(served.number), State.READY.value, served.provider
                    ).set(0)
                entry.retiring = (*entry.retiring, served)
                drain = asyncio.create_task(self._retire(entry, served))
                self._drains.add(drain)
                drain.add_done_callback(self._drains.discard)

    async def _retire(self, entry: _Entry, served: ServedVersion) -> None:
        await served.batcher.drain()
        entry.retiring = tuple(other for other in entry.retiring if other is not served)
        # The last reference: what the version held goes back to the system, not just to the heap.
        del served
        await self._in_loader(trim_heap)

    async def _in_loader(self, work: Callable[..., _Result], *arguments: object) -> _Result:
        """The result of some work on files or memory, in a thread of its own."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._loader, work, *arguments)

    def _find(self, model: str, version: str) -> ServedVersion:
        serving = self._entry(model).serving
        for served in serving:
            if not version or str(served.number) == version:
                return served
        if not serving:
            raise UnknownModelError(f"model {model!r} is not loaded")
        raise UnknownVersionError(
            f"model {model!r} has no version {shown(version)}; "
            f"it serves {', '.join(str(served.number) for served in serving)}"
        )

    def _entry(self, model: str) -> _Entry:
        if model not in self._models:
            raise UnknownModelError(
                f"no model {shown(model)}; this server has {', '.join(self._models)}"
            )
        return self._models[model]
