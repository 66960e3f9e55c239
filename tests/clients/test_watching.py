"""A canvas that the server looks at while it is drawn on, through the typed client."""

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fourcast_clients.api import Fourcast, FourcastError, LiveGuesses, Watching
from tests.clients.drawings import DOT, HOOK, LINE, Points
from tests.services.fronts import unused_port
from tests.services.running import run_server
from tests.services.waiting import until


def check(answer: LiveGuesses, changes: int, fourcast: Fourcast, *strokes: Points) -> None:
    """The answer is about these strokes and takes so many changes into account."""
    whole = fourcast.doodle.classify(drawing=strokes)
    assert answer == LiveGuesses(changes, whole.guesses, whole.model, whole.model_version)


def failure(call: Callable[[], object]) -> FourcastError:
    with pytest.raises(FourcastError) as caught:
        call()
    return caught.value


def test_answers_follow_every_change(doodles: Fourcast) -> None:
    with doodles.doodle.watch() as watching:
        watching.stroke(LINE)
        check(next(watching), 1, doodles, LINE)
        watching.stroke(HOOK[:1])
        check(next(watching), 2, doodles, LINE, HOOK[:1])
        watching.extend(HOOK[1:])
        check(next(watching), 3, doodles, LINE, HOOK)
        watching.undo()
        check(next(watching), 4, doodles, LINE)
        watching.clear()
        assert next(watching) == LiveGuesses(5, (), None, None)
        watching.stroke(DOT)
        check(next(watching), 6, doodles, DOT)
        watching.finish()
        assert list(watching) == []


def test_the_last_answer_is_about_the_whole_drawing(doodles: Fourcast) -> None:
    strokes: list[Points] = [[(x, 0), (x * x % 91, 90)] for x in range(40)]
    with doodles.doodle.watch(top_k=2) as watching:
        for points in strokes:
            watching.stroke(points)
        watching.finish()
        answers = list(watching)
    counts = [answer.changes for answer in answers]
    assert counts == sorted(set(counts))
    assert answers[-1].guesses == doodles.doodle.classify(drawing=strokes, top_k=2).guesses


def test_one_thread_draws_while_another_reads(doodles: Fourcast) -> None:
    answers: list[LiveGuesses] = []
    with doodles.doodle.watch(model="doodle", model_version="1") as watching:
        reading = threading.Thread(target=lambda: answers.extend(watching))
        reading.start()
        for count in range(1, 6):
            watching.stroke([(20 * count, 0), (0, 90 - count)])
            until(lambda: len(answers) == count, "an answer")  # noqa: B023  # at once
        watching.finish()
        reading.join()
    assert [answer.changes for answer in answers] == [1, 2, 3, 4, 5]
    assert {answer.model for answer in answers} == {"doodle"}


def test_nothing_drawn_nothing_said(doodles: Fourcast) -> None:
    with doodles.doodle.watch() as watching:
        watching.finish()
        watching.finish()
        assert list(watching) == []


def test_a_finished_drawing_takes_no_change(doodles: Fourcast) -> None:
    with doodles.doodle.watch() as watching:
        watching.stroke(LINE)
        watching.finish()
        with pytest.raises(ValueError, match="finished"):
            watching.undo()
        check(next(watching), 1, doodles, LINE)
        with pytest.raises(StopIteration):
            next(watching)
        with pytest.raises(ValueError, match="finished"):
            watching.stroke(LINE)


@pytest.mark.parametrize("points", [[], [(1,)], ["x"], [(1, "2")], [None]])
def test_points_that_are_none_change_nothing(doodles: Fourcast, points: Any) -> None:
    with doodles.doodle.watch() as watching:
        watching.stroke(LINE)
        for change in (watching.stroke, watching.extend):
            with pytest.raises(ValueError, match="point"):
                change(points)
        watching.finish()
        check(next(watching), 1, doodles, LINE)


def test_no_top_k_below_1(doodles: Fourcast) -> None:
    with pytest.raises(ValueError, match="top_k is 0"):
        doodles.doodle.watch(top_k=0)


@pytest.mark.parametrize(
    ("options", "draw", "code", "field"),
    [
        ({}, Watching.undo, "INVALID_ARGUMENT", "undo"),
        ({}, lambda watching: watching.extend(LINE), "INVALID_ARGUMENT", "points"),
        ({}, lambda watching: watching.stroke([(float("inf"), 0)]), "INVALID_ARGUMENT", "stroke"),
        ({"top_k": 346}, Watching.clear, "INVALID_ARGUMENT", "top_k"),
        ({"model_version": "1"}, Watching.clear, "INVALID_ARGUMENT", "model_version"),
        ({"model": "nonesuch"}, lambda watching: watching.stroke(LINE), "NOT_FOUND", None),
    ],
)
def test_what_the_server_refuses_ends_the_stream(
    doodles: Fourcast,
    options: dict[str, Any],
    draw: Callable[[Watching], None],
    code: str,
    field: str | None,
) -> None:
    with doodles.doodle.watch(**options) as watching:

        def use() -> None:
            draw(watching)  # the failure may come as early as here
            next(watching)

        error = failure(use)
        assert (error.code, error.field) == (code, field)
        # From now on it is said whatever is done.
        for call in (watching.clear, lambda: watching.stroke(LINE), lambda: list(watching)):
            assert failure(call).code == code


def test_leaving_the_block_ends_a_reader(doodles: Fourcast) -> None:
    errors: list[FourcastError] = []

    def read() -> None:
        errors.append(failure(lambda: list(watching)))

    with doodles.doodle.watch() as watching:
        watching.stroke(LINE)
        next(watching)
        reading = threading.Thread(target=read)
        reading.start()
    reading.join()
    assert [error.code for error in errors] == ["CANCELLED"]
    assert failure(watching.clear).code == "CANCELLED"


def test_an_error_in_the_block_passes_through(doodles: Fourcast) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        doodles.doodle.watch() as watching,
    ):
        watching.stroke([(1 / 0, 0)])
    assert failure(watching.clear).code == "CANCELLED"


def test_closing_the_client_ends_its_streams(doodles: Fourcast) -> None:
    client = Fourcast(doodles.server)
    with client.doodle.watch() as watching:
        watching.stroke(LINE)
        next(watching)
        client.close()
        assert failure(lambda: next(watching)).code == "CANCELLED"
    assert "closed" in failure(client.doodle.watch).message


def test_left_streams_leave_nothing_behind(doodles: Fourcast) -> None:
    before = threading.active_count()

    def watch() -> bool:
        """Whether the server took one more stream: it may still be taking in that others ended."""
        with doodles.doodle.watch() as watching:
            try:
                watching.stroke(LINE)
                return bool(next(watching).guesses)
            except FourcastError as error:
                if error.code == "RESOURCE_EXHAUSTED":
                    return False
                raise

    # More than the server lets be open at once.
    for _ in range(10):
        until(watch, "a stream")
    until(lambda: threading.active_count() <= before, "the threads to end")


def test_too_many_streams_are_refused_for_now(doodles: Fourcast) -> None:
    def fill() -> FourcastError | None:
        """What one stream too many is told; None while none is, since others are just ending."""
        streams = [doodles.doodle.watch() for _ in range(4)]
        try:
            for watching in streams:
                try:
                    watching.stroke(LINE)
                    next(watching)
                except FourcastError as error:
                    return error
            return None
        finally:
            for watching in streams:
                watching.__exit__(None, None, None)

    error = until(fill, "a refusal")
    assert error.code == "RESOURCE_EXHAUSTED"
    assert error.is_passing
    assert error.retry_after is not None
    assert "busy" in error.message


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_stops_is_told(doodle_repository: Path, number: signal.Signals) -> None:
    with (
        run_server(doodle_repository) as server,
        Fourcast(server.address) as client,
        client.doodle.watch() as watching,
    ):
        watching.stroke(LINE)
        next(watching)
        server.process.send_signal(number)
        error = failure(lambda: next(watching))
        assert error.code == "UNAVAILABLE"
        assert error.is_passing
        assert failure(watching.clear).code == "UNAVAILABLE"


def test_nobody_there() -> None:
    with (
        Fourcast(f"127.0.0.1:{unused_port()}") as client,
        client.doodle.watch() as watching,
    ):

        def use() -> None:
            watching.stroke(LINE)
            next(watching)

        error = failure(use)
        assert error.code == "UNAVAILABLE"
        assert "fourcast-serve" in error.message
