"""How soon guesses follow when many people draw at once.

Each person has a connection and a stream of their own and draws real drawings at the speed of a
hand, one after another; what the pen has covered since is sent twenty times a second, as a page in
a browser would do. The people and the service share this machine.

    python -m benchmarks.doodle_watch
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeAlias

import grpc
import numpy as np
import tyro
from tqdm import tqdm

from benchmarks.own_service import ServiceError, own_service
from fourcast.doodle.v1 import doodle_pb2 as wire
from fourcast.doodle.v1 import doodle_pb2_grpc
from fourcast_models.doodle.strokes import Stroke
from fourcast_models.repository import RepositoryError, default_repository
from fourcast_training.doodle.data import DataConfig, load

Drawing: TypeAlias = tuple[Stroke, ...]

TICK_SECONDS = 0.05
"""How often a page sends what was drawn."""

PEN_SPEED = 300.0
"""Of a quick hand, in units of the data set a second: the longest side of a drawing is 255."""

POINT_SPACING = 5.0
"""Between the points that a mouse reports, in the same units."""

LIFT_SECONDS = 0.2
"""Between two strokes."""

PERCENTILES = (50, 90, 99)


class StreamError(Exception):
    """The service ended a stream; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Let many people draw at once, and print how long their guesses take.

    Two times are printed in milliseconds, each from the moment that a change was sent to the moment
    that an answer came which takes it into account. An answer is about all changes that came since
    the one before: `newest` counts from the last of them, `oldest` from the first. Changes that
    alter nothing that a person sees get no answer, so the true figure lies between the two.

    Example: python -m benchmarks.doodle_watch --people 5 --seconds 10
    """

    people: Annotated[int, tyro.conf.arg(metavar="N")] = 20
    """How many draw."""

    seconds: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 30.0
    """How long."""

    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """Who draws what follows from this number."""

    models: Annotated[
        Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: of this checkout)")
    ] = None
    """The model repository that is served."""

    data: DataConfig = field(default_factory=DataConfig)
    """Where the drawings come from; those of the test split are drawn."""

    def __post_init__(self) -> None:
        """Refuse what cannot be measured.

        Raises:
            ValueError: If a flag's value is wrong; the text names the flag.
        """
        if self.people < 1:
            raise ValueError(f"--people is {self.people}, but must be at least 1")
        if not self.seconds > 0:
            raise ValueError(f"--seconds is {self.seconds}, but must be more than 0")

    def run(self) -> str:
        """Draw.

        Returns:
            The report: what was drawn, and a table.

        Raises:
            ValueError: If there are no drawings.
            RepositoryError: If there are no models to serve.
            ServiceError: If the benchmark's own service does not start.
            StreamError: If a stream fails.
        """
        test = load(self.data)["test"]
        rng = np.random.default_rng(self.seed)
        with ExitStack() as stack:
            server = stack.enter_context(own_service(self.models or default_repository()))
            people = [
                Person([test.strokes(int(index)) for index in rng.permutation(len(test))[:100]])
                for _ in range(self.people)
            ]
            try:
                asyncio.run(_draw(people, server, self.seconds))
            except ExceptionGroup as group:
                raise StreamError(f"a stream failed: {group.exceptions[0]}") from group
        answered = np.concatenate([person.waits for person in people if person.waits])
        changes = sum(len(person.sent) for person in people)
        return "\n".join(
            [
                f"{people[0].model}, {self.people} people for {self.seconds:g} s, "
                f"seed {self.seed}, drawings sha256 {test.sha256}: {changes} changes, "
                f"{len(answered)} answers",
                "",
                "| time since the change | median ms | 90 % | 99 % |",
                "| --- | ---: | ---: | ---: |",
                *(
                    f"| {name} | {' | '.join(f'{ms:.1f}' for ms in percentiles)} |"
                    for name, percentiles in zip(
                        ("newest", "oldest"),
                        (1e3 * np.percentile(answered, PERCENTILES, axis=0)).T,
                        strict=True,
                    )
                ),
            ]
        )


@dataclass
class Person:
    """Somebody who draws.

    Attributes:
        drawings: What, in this order.
        sent: When each change was sent, in `time.perf_counter` seconds.
        waits: For each answer, the seconds since its newest and since its oldest change.
        model: Who guessed.
    """

    drawings: Sequence[Drawing]
    sent: list[float] = field(default_factory=list)
    waits: list[tuple[float, float]] = field(default_factory=list)
    model: str = ""

    async def draw(self, server: str, until: float) -> None:
        """Draw on a stream of one's own until a time of `time.perf_counter`."""
        # A channel to an address in use would share its connection.
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(server, options) as channel:
            call = doodle_pb2_grpc.DoodleServiceStub(channel).Watch(self._changes(until))
            covered = 0
            async for answer in call:
                now = time.perf_counter()
                oldest, newest = self.sent[covered], self.sent[answer.requests - 1]
                covered = answer.requests
                self.waits.append((now - newest, now - oldest))
                self.model = f"{answer.model} version {answer.model_version}"

    async def _changes(self, until: float) -> AsyncIterator[wire.WatchRequest]:
        for drawing in self.drawings:
            for seconds, change in changes(drawing):
                await asyncio.sleep(seconds)
                if time.perf_counter() > until:
                    return
                self.sent.append(time.perf_counter())
                yield change


def changes(drawing: Drawing) -> Iterator[tuple[float, wire.WatchRequest]]:
    """The changes of a canvas as a drawing is drawn on it, each with the seconds before it."""
    for stroke in drawing:
        points = traced(stroke)
        each = round(PEN_SPEED * TICK_SECONDS / POINT_SPACING)
        pause = LIFT_SECONDS
        for start in range(0, len(points), each):
            covered = points[start : start + each].T.tolist()
            part = wire.Stroke(x=covered[0], y=covered[1])
            kind = wire.WatchRequest(points=part) if start else wire.WatchRequest(stroke=part)
            yield pause, kind
            pause = TICK_SECONDS
    yield LIFT_SECONDS, wire.WatchRequest(clear=wire.Clear())


def traced(stroke: Stroke) -> Stroke:
    """The points that a mouse would report along a stroke: float64 [P, 2]."""
    lengths = np.hypot(*np.diff(stroke, axis=0, prepend=stroke[:1]).T).cumsum()
    count = max(1, round(lengths[-1] / POINT_SPACING)) + 1
    places = np.linspace(0, lengths[-1], count)
    return np.stack([np.interp(places, lengths, stroke[:, axis]) for axis in (0, 1)], axis=1)


async def _draw(people: Sequence[Person], server: str, seconds: float) -> None:
    until = time.perf_counter() + seconds
    async with asyncio.TaskGroup() as tasks:
        for person in people:
            tasks.create_task(person.draw(server, until))
        for _ in tqdm(range(round(seconds)), desc="drawing", unit="s"):
            await asyncio.sleep(1)


def main() -> int:
    """Run the benchmark from the command line.

    Returns:
        The exit code: 0, or 1 if something needed failed. Wrong flags exit with 2.
    """
    benchmark = tyro.cli(Benchmark)
    try:
        print(benchmark.run())
    except (StreamError, RepositoryError, ServiceError, ValueError) as error:
        print(f"doodle_watch: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
