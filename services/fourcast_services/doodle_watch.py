"""A drawing that grows while it is guessed: changes are taken together, never queued."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence

import numpy as np

from fourcast.doodle.v1 import doodle_pb2 as wire
from fourcast_models.doodle.strokes import MAX_POINTS, Stroke
from fourcast_services.doodle_wire import read_stroke
from fourcast_services.errors import FieldError


class Canvas:
    """What has been drawn so far.

    Attributes:
        requests: How many requests it has seen.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self.requests = 0
        self._strokes: list[Stroke] = []

    @property
    def strokes(self) -> tuple[Stroke, ...]:
        """The strokes in the order drawn, each float64 [P, 2]; later changes leave these alone."""
        return tuple(self._strokes)

    def change(self, request: wire.WatchRequest) -> None:
        """Take in what happened.

        Raises:
            FieldError: If it cannot have happened, or the drawing becomes too long.
        """
        self.requests += 1
        match request.WhichOneof("change"):
            case "stroke":
                self._strokes.append(self._points(request.stroke, "stroke"))
            case "points":
                self._expect_a_stroke("points", "to go on with")
                points = self._points(request.points, "points")
                self._strokes[-1] = np.concatenate([self._strokes[-1], points])
            case "undo":
                self._expect_a_stroke("undo", "to take back")
                self._strokes.pop()
            case "clear":
                self._strokes.clear()

    def _points(self, stroke: wire.Stroke, field: str) -> Stroke:
        points = read_stroke(stroke, field)
        if not len(points):
            raise FieldError(field, "no points: one is a dot")
        total = sum(map(len, self._strokes)) + len(points)
        if total > MAX_POINTS:
            raise FieldError(field, f"the drawing has {total} points, but {MAX_POINTS} at most")
        return points

    def _expect_a_stroke(self, field: str, purpose: str) -> None:
        if not self._strokes:
            raise FieldError(field, f"the canvas is empty: there is no stroke {purpose}")


async def answer_changes(
    requests: AsyncIterator[wire.WatchRequest],
    guess: Callable[[Sequence[Stroke]], Awaitable[wire.WatchResponse]],
) -> AsyncGenerator[wire.WatchResponse]:
    """The answers to a stream of changes, until its caller sends no more.

    While a guess is made or an answer is on its way, changes gather on the canvas, and the next
    guess is about all of them.

    Args:
        requests: The changes.
        guess: Gives the answer to a drawing that is not empty.

    Raises:
        FieldError: If a change is not possible.
    """
    canvas = Canvas()
    changed = asyncio.Event()

    async def read() -> None:
        async for request in requests:
            canvas.change(request)
            changed.set()

    reading = asyncio.create_task(read())
    reading.add_done_callback(lambda _: changed.set())
    try:
        last = _shown(wire.WatchResponse())
        seen = 0
        is_last = False
        while not is_last:
            await changed.wait()
            changed.clear()
            if is_last := reading.done():
                reading.result()
            if canvas.requests == seen:
                continue
            # Before the guess: what comes meanwhile is for the next one.
            seen, strokes = canvas.requests, canvas.strokes
            response = await guess(strokes) if strokes else wire.WatchResponse()
            if _shown(response) != last:
                last = _shown(response)
                response.requests = seen
                yield response
    finally:
        reading.cancel()


def _shown(response: wire.WatchResponse) -> list[tuple[str, int]]:
    """What a person sees of an answer: names and whole per cent."""
    return [(guess.category, round(100 * guess.probability)) for guess in response.guesses]
