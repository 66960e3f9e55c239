"""Watch over gRPC: guesses follow the drawing, changes merge, and nothing stays behind."""

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import grpc
import pytest

from fourcast.doodle.v1 import doodle_pb2 as wire
from fourcast.doodle.v1 import doodle_pb2_grpc
from fourcast_models.doodle.strokes import MAX_POINTS, Stroke
from fourcast_services.doodle_watch import answer_changes
from tests.services.running import RunningServer, run_server
from tests.services.small_doodle import publish_small_doodle
from tests.services.status import failure
from tests.services.waiting import until

Doodle = doodle_pb2_grpc.DoodleServiceStub

CLEAR = wire.WatchRequest(clear=wire.Clear())
UNDO = wire.WatchRequest(undo=wire.Undo())


def stroke(*points: tuple[float, float]) -> wire.Stroke:
    return wire.Stroke(x=[x for x, _ in points], y=[y for _, y in points])


LINE = wire.WatchRequest(stroke=stroke((0, 0), (90, 10)))
MORE = wire.WatchRequest(points=stroke((10, 80), (50, 70)))
HOOK = wire.WatchRequest(stroke=stroke((30, 90), (80, 20), (85, 90)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("doodles")
    publish_small_doodle(folder, "doodle", "bitmap", seed=1)
    publish_small_doodle(folder, "doodle_strokes", "raster", seed=2)
    with run_server(folder, "--max-streams", "3") as running:
        yield running
        assert "Traceback" not in running.log()


@pytest.fixture
def doodle(server: RunningServer) -> Iterator[Doodle]:
    with grpc.insecure_channel(server.address) as channel:
        yield Doodle(channel)


class Drawer:
    """Sends one change after another, and reads the answers."""

    def __init__(self, doodle: Doodle) -> None:
        self._requests: queue.SimpleQueue[wire.WatchRequest | None] = queue.SimpleQueue()
        self.call = doodle.Watch(iter(self._requests.get, None))

    def send(self, request: wire.WatchRequest) -> None:
        self._requests.put(request)

    def ask(self, request: wire.WatchRequest) -> wire.WatchResponse:
        """The answer to a change that makes a difference."""
        self.send(request)
        return next(self.call)

    def finish(self) -> list[wire.WatchResponse]:
        """The answers that are still to come."""
        self._requests.put(None)
        return list(self.call)


def classified(doodle: Doodle, *strokes: wire.Stroke) -> list[wire.Guess]:
    request = wire.ClassifyRequest(drawing=wire.Drawing(strokes=strokes))
    return list(doodle.Classify(request).guesses)


def test_guesses_follow_the_drawing(doodle: Doodle) -> None:
    drawer = Drawer(doodle)
    longer = stroke((0, 0), (90, 10), (10, 80), (50, 70))
    steps = [
        (LINE, (LINE.stroke,)),
        (MORE, (longer,)),
        (HOOK, (longer, HOOK.stroke)),
        (UNDO, (longer,)),
    ]
    for number, (request, strokes) in enumerate(steps, start=1):
        answer = drawer.ask(request)
        assert answer.requests == number
        assert (answer.model, answer.model_version) == ("doodle_strokes", "1")
        assert list(answer.guesses) == classified(doodle, *strokes)
    empty = drawer.ask(CLEAR)
    assert (len(empty.guesses), empty.requests, empty.model) == (0, 5, "")
    assert list(drawer.ask(LINE).guesses) == classified(doodle, LINE.stroke)
    assert drawer.finish() == []


def test_options_of_the_first_request(doodle: Doodle) -> None:
    drawer = Drawer(doodle)
    # Options without a change: there is nothing to say as yet.
    drawer.send(wire.WatchRequest(top_k=2, model="doodle", model_version="1"))
    answer = drawer.ask(LINE)
    assert len(answer.guesses) == 2
    assert (answer.model, answer.requests) == ("doodle", 2)
    assert drawer.finish() == []


def test_no_answer_while_nothing_changes(doodle: Doodle) -> None:
    drawer = Drawer(doodle)
    drawer.ask(LINE)
    # The same point once more: the drawing is the same one.
    for _ in range(20):
        drawer.send(wire.WatchRequest(points=stroke((90, 10))))
    assert drawer.finish() == []
    assert Drawer(doodle).finish() == []


def test_a_hundred_strokes_at_once_end_with_the_whole_drawing(doodle: Doodle) -> None:
    drawer = Drawer(doodle)
    strokes = [stroke((x, 0), (x / 2, x)) for x in range(1, 101)]
    for points in strokes:
        drawer.send(wire.WatchRequest(stroke=points))
    last = drawer.finish()[-1].guesses
    whole = classified(doodle, *strokes)
    # No further answer came, so what changed since the last one is less than a person sees.
    assert [guess.category for guess in last] == [guess.category for guess in whole]
    for guess, right in zip(last, whole, strict=True):
        assert abs(guess.probability - right.probability) < 0.01


async def test_changes_that_wait_are_taken_together() -> None:
    """While one guess is made, three strokes come: the next guess is about all of them."""
    waiting: asyncio.Queue[wire.WatchRequest] = asyncio.Queue()
    seen: list[int] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def requests() -> AsyncIterator[wire.WatchRequest]:
        while (request := await waiting.get()) != CLEAR:
            waiting.task_done()
            yield request

    async def guess(strokes: Sequence[Stroke]) -> wire.WatchResponse:
        seen.append(len(strokes))
        begun.set()
        await go_on.wait()
        return wire.WatchResponse(guesses=[wire.Guess(category=str(len(strokes)))])

    async def collect() -> list[tuple[str, int]]:
        answers = answer_changes(requests(), guess)
        return [(answer.guesses[0].category, answer.requests) async for answer in answers]

    collecting = asyncio.create_task(collect())
    await waiting.put(LINE)
    await begun.wait()
    for _ in range(3):
        await waiting.put(HOOK)
    await waiting.join()
    go_on.set()
    await waiting.put(CLEAR)
    assert await collecting == [("1", 1), ("4", 4)]
    assert seen == [1, 4]


@pytest.mark.parametrize(
    ("requests", "field", "reason"),
    [
        ([UNDO], "undo", "the canvas is empty"),
        ([LINE, CLEAR, UNDO], "undo", "the canvas is empty"),
        ([MORE], "points", "no stroke to go on with"),
        ([wire.WatchRequest(stroke=wire.Stroke())], "stroke", "no points"),
        ([LINE, wire.WatchRequest(points=wire.Stroke(x=[1]))], "points", "1 x, but 0 y"),
        ([wire.WatchRequest(stroke=stroke((float("nan"), 1)))], "stroke", "stroke 1, point 1"),
        ([wire.WatchRequest(top_k=346)], "top_k", "346"),
        ([wire.WatchRequest(model_version="1")], "model_version", "needs a model"),
        ([LINE, wire.WatchRequest(top_k=3)], "top_k", "first request"),
        ([LINE, wire.WatchRequest(model="doodle")], "model", "first request"),
    ],
)
def test_wrong_changes_end_the_stream(
    doodle: Doodle, requests: list[wire.WatchRequest], field: str, reason: str
) -> None:
    error = failure(lambda: list(doodle.Watch(iter(requests))))
    named, description = error.field_violation()
    assert named == field
    assert reason in description


def test_a_drawing_cannot_grow_for_ever(doodle: Doodle) -> None:
    requests = [LINE, *[wire.WatchRequest(points=stroke(*[(1, 2)] * 1000))] * 20]
    field, reason = failure(lambda: list(doodle.Watch(iter(requests)))).field_violation()
    assert field == "points"
    assert f"{MAX_POINTS + 2} points" in reason


def test_unknown_model(doodle: Doodle) -> None:
    requests = [wire.WatchRequest(stroke=LINE.stroke, model="painter")]
    error = failure(lambda: list(doodle.Watch(iter(requests))))
    assert error.code is grpc.StatusCode.NOT_FOUND


def test_streams_are_bounded_and_come_back(doodle: Doodle) -> None:
    drawers = [Drawer(doodle) for _ in range(3)]
    for drawer in drawers:
        drawer.ask(LINE)
    error = failure(lambda: Drawer(doodle).ask(LINE))
    assert error.retry_seconds() > 0
    assert "3 streams are open" in error.message
    drawers[0].call.cancel()

    def one_more() -> bool:
        try:
            return bool(Drawer(doodle).ask(LINE).guesses)
        except grpc.RpcError:
            return False

    until(one_more, "the place of the stream that was cancelled")
    for drawer in drawers[1:]:
        assert drawer.finish() == []


def test_a_stopping_server_ends_the_stream(tmp_path: Path) -> None:
    publish_small_doodle(tmp_path, "doodle", "bitmap")
    with run_server(tmp_path) as server, grpc.insecure_channel(server.address) as channel:
        drawer = Drawer(Doodle(channel))
        drawer.ask(LINE)
        stopping = threading.Thread(target=server.process.terminate)
        stopping.start()
        # What has begun goes on until the grace is over.
        assert drawer.ask(HOOK).guesses
        error = failure(lambda: next(drawer.call))
        assert error.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
        assert server.wait() == 0
        assert "Traceback" not in server.log()
