"""Doodles as a caller sees them: calls with strokes or a picture, frozen records coming back."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

from fourcast.doodle.v1 import doodle_pb2, doodle_pb2_grpc
from fourcast_clients.calls import Calls, Stream
from fourcast_clients.cancellation import Cancellation

DEFAULT_TOP_K = 5
"""How many categories are named unless a call says otherwise."""

Stroke: TypeAlias = Iterable[Sequence[float]]
"""The way of a pen that is not lifted: its points (x, y) in the order drawn, x rightwards and y
downwards, in any unit. One point is a dot. An array [P, 2] will do, too."""

Drawing: TypeAlias = Iterable[Stroke]
"""Strokes in the order drawn."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a drawing may show.

    Attributes:
        category: One of the names that `Doodle.categories` gives.
        probability: How probable it is, 0 to 1.
    """

    category: str
    probability: float


@dataclass(frozen=True, slots=True)
class Guesses:
    """What a drawing shows.

    Attributes:
        guesses: The most probable category first.
        model: The model that answered.
        model_version: Its version, a whole number as text.
    """

    guesses: tuple[Guess, ...]
    model: str
    model_version: str


@dataclass(frozen=True, slots=True)
class LiveGuesses:
    """What a drawing that is being watched shows so far.

    Attributes:
        changes: How many changes of the canvas are taken into account: calls of `Watching.stroke`,
            `Watching.extend`, `Watching.undo` and `Watching.clear`.
        guesses: The most probable category first; empty if the canvas is.
        model: The model that answered; None if the canvas is empty.
        model_version: Its version, a whole number as text; None if the canvas is empty.
    """

    changes: int
    guesses: tuple[Guess, ...]
    model: str | None
    model_version: str | None


class Doodle:
    """The calls of a server that name what is drawn; reached as ``Fourcast.doodle``.

    They raise `FourcastError`: code ``"INVALID_ARGUMENT"`` with the ``field`` for a drawing that is
    empty or impossible, a picture that cannot be read and a ``top_k`` beyond the number of
    categories; ``"NOT_FOUND"`` for an unknown model or version; ``"UNAVAILABLE"`` if no server
    answers or one of the two does not trust the other's certificate; ``"UNAUTHENTICATED"`` if the
    server wants another token. ``timeout`` is in seconds, None the client's own; after it the code
    is ``"DEADLINE_EXCEEDED"``. After a cancellation it is ``"CANCELLED"``.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = doodle_pb2_grpc.DoodleServiceStub(calls.channel)

    def classify(
        self,
        *,
        drawing: Drawing | None = None,
        image: bytes | None = None,
        top_k: int = DEFAULT_TOP_K,
        model: str = "",
        model_version: str = "",
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Guesses:
        """The most probable categories of a drawing, given as its strokes or as a picture.

        Strokes are better where they are known: a picture has to be traced first.

        Args:
            drawing: The strokes, at most 20,000 points together.
            image: A PNG, JPEG, WebP, GIF or BMP file; the drawing on a background of one colour.
            top_k: How many categories to name, from 1 to as many as there are.
            model: The model in the server's repository; ``""`` is the best that the input allows.
            model_version: A whole-number version; ``""`` is the one that serves by default. Needs
                a model.
            timeout: See the class.
            cancellation: See the class.

        Raises:
            FourcastError: See the class.
            ValueError: If not exactly one of ``drawing`` and ``image`` is given, a point is not a
                pair of numbers, or ``top_k`` is less than 1.
        """
        request = doodle_pb2.ClassifyRequest(
            top_k=_checked(top_k), model=model, model_version=model_version
        )
        if drawing is not None and image is None:
            strokes = [_stroke_message(points, number) for number, points in enumerate(drawing, 1)]
            request.drawing.CopyFrom(doodle_pb2.Drawing(strokes=strokes))
        elif image is not None and drawing is None:
            request.image = image
        else:
            raise ValueError("classify takes either drawing= or image=, and exactly one of them")
        reply = self._calls.call(self._stub.Classify, request, timeout, cancellation)
        return Guesses(_read_guesses(reply.guesses), reply.model, reply.model_version)

    def categories(
        self, *, timeout: float | None = None, cancellation: Cancellation | None = None
    ) -> tuple[str, ...]:
        """The names of all categories, in alphabetical order."""
        request = doodle_pb2.ListCategoriesRequest()
        reply = self._calls.call(self._stub.ListCategories, request, timeout, cancellation)
        return tuple(reply.categories)

    def watch(
        self, *, top_k: int = DEFAULT_TOP_K, model: str = "", model_version: str = ""
    ) -> "Watching":
        """Open an empty canvas that the server looks at while it is being drawn on.

            with fourcast.doodle.watch(top_k=3) as watching:
                watching.stroke([(0, 0), (40, 5)])
                watching.finish()
                for answer in watching:
                    print(answer.guesses[0].category)

        Args:
            top_k: How many categories to name, from 1 to as many as there are.
            model: As in `classify`.
            model_version: As in `classify`.

        Raises:
            FourcastError: With the code ``"CANCELLED"`` if the client is closed. Anything else that
                is wrong comes when the canvas is used; see `Watching`.
            ValueError: If ``top_k`` is less than 1.
        """
        options = doodle_pb2.WatchRequest(
            top_k=_checked(top_k), model=model, model_version=model_version
        )
        # Ahead of the first change, so that options that cannot be are told at once.
        return Watching(self._calls.stream(self._stub.Watch, options))


class Watching:
    """A canvas that the server looks at; a context manager, made by `Doodle.watch`.

    One thread may draw while another iterates over the answers. An answer comes when the guesses
    have changed, and is about the newest drawing: what is drawn faster than the server guesses is
    taken together.

    The timeout of the client does not apply: a canvas stays open, however long nothing is drawn,
    until the block is left, which ends it at once; until the server has answered everything after
    `finish`, which ends the iteration; or until it fails. A failure is raised as `FourcastError` by
    the iteration and by every later change: with the codes of `Doodle`, and
    ``"RESOURCE_EXHAUSTED"`` if the server has too many canvases open. A server that stops is
    ``"UNAVAILABLE"``, and so is one that can no longer be reached, which is noticed within
    two minutes. Whoever still iterates when the block is left gets the code ``"CANCELLED"``.
    """

    def __init__(self, stream: Stream[doodle_pb2.WatchRequest, doodle_pb2.WatchResponse]) -> None:
        self._stream = stream

    def stroke(self, points: Stroke) -> None:
        """Begin a new stroke with at least one point.

        Raises:
            FourcastError: See the class.
            ValueError: If there is no point, a point is not a pair of numbers, or the drawing was
                finished.
        """
        self._stream.send(doodle_pb2.WatchRequest(stroke=_points_message(points)))

    def extend(self, points: Stroke) -> None:
        """Draw the last stroke further, by at least one point.

        Raises:
            FourcastError: See the class.
            ValueError: As with `stroke`.
        """
        self._stream.send(doodle_pb2.WatchRequest(points=_points_message(points)))

    def undo(self) -> None:
        """Take the last stroke back.

        Raises:
            FourcastError: See the class.
            ValueError: If the drawing was finished.
        """
        self._stream.send(doodle_pb2.WatchRequest(undo=doodle_pb2.Undo()))

    def clear(self) -> None:
        """Wipe the canvas.

        Raises:
            FourcastError: See the class.
            ValueError: If the drawing was finished.
        """
        self._stream.send(doodle_pb2.WatchRequest(clear=doodle_pb2.Clear()))

    def finish(self) -> None:
        """Say that nothing more will be drawn; the answers then come to an end."""
        self._stream.finish()

    def close(self) -> None:
        """End it at once, as leaving the block does; from any thread."""
        self._stream.close()

    def __iter__(self) -> Iterator[LiveGuesses]:
        """The answers still to come."""
        return self

    def __next__(self) -> LiveGuesses:
        """Wait for the next answer.

        Raises:
            FourcastError: See the class.
            StopIteration: If the drawing was finished and everything is answered.
        """
        message = next(self._stream)
        return LiveGuesses(
            # The first request has the options and changes nothing.
            changes=message.requests - 1,
            guesses=_read_guesses(message.guesses),
            model=message.model or None,
            model_version=message.model_version or None,
        )

    def __enter__(self) -> Self:
        """The canvas itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it at once."""
        self.close()


def _checked(top_k: int) -> int:
    """The number, if it is one of categories; the wire takes 0 for the default."""
    if top_k < 1:
        raise ValueError(f"top_k is {top_k}, but must be at least 1")
    return top_k


def _points_message(points: Stroke) -> doodle_pb2.Stroke:
    """The wire form of points that are being drawn; ValueError if there is none."""
    message = _stroke_message(points)
    if not message.x:
        raise ValueError("there is no point to draw: give at least one (x, y)")
    return message


def _stroke_message(points: Stroke, number: int | None = None) -> doodle_pb2.Stroke:
    """The wire form of a stroke; ValueError if a point is not a pair of numbers."""
    message = doodle_pb2.Stroke()
    for place, point in enumerate(points, 1):
        try:
            x, y = point
            message.x.append(x)
            message.y.append(y)
        except (TypeError, ValueError, OverflowError):
            stroke = f"stroke {number}, " if number is not None else ""
            raise ValueError(
                f"{stroke}point {place} is {point!r}: expected a pair of numbers (x, y)"
            ) from None
    return message


def _read_guesses(messages: Iterable[doodle_pb2.Guess]) -> tuple[Guess, ...]:
    return tuple(Guess(message.category, message.probability) for message in messages)
