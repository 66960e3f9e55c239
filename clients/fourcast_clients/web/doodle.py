"""Doodles for the pages: a picture named, and a canvas watched over a WebSocket.

A browser sends each change of its canvas as one JSON object: {"stroke": [[x, y], ...]} begins a
stroke, {"points": [[x, y], ...]} draws it further, {"undo": true} takes the last one back and
{"clear": true} wipes the canvas. It gets `LiveGuesses`, or {"error": ...} before the end.
"""

from typing import Any

import anyio
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from fourcast_clients.api import FourcastError, Watching
from fourcast_clients.web.messages import (
    answer,
    error_fields,
    parse_fields,
    read_body,
    refusal,
)
from fourcast_clients.web.upstream import Upstream

MAX_IMAGE_BYTES = 3 << 20
"""The largest picture; the server takes 4 MiB in a message unless it is told otherwise."""

MAX_CANVASES = 200
"""How many canvases are watched at once; each waits for its answers in a thread."""


def routes(upstream: Upstream) -> list[BaseRoute]:
    """What the page asks for."""
    doodle = upstream.fourcast.doodle
    readers = CapacityLimiter(MAX_CANVASES)

    async def categories(request: Request) -> Response:
        names = await upstream.ask(
            request,
            "doodle.categories",
            lambda cancellation: doodle.categories(cancellation=cancellation),
        )
        return answer(names)

    async def classify(request: Request) -> Response:
        image = await read_body(request, MAX_IMAGE_BYTES)
        guesses = await upstream.ask(
            request,
            "doodle.classify",
            lambda cancellation: doodle.classify(image=image, cancellation=cancellation),
        )
        return answer(guesses)

    async def watch(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            if readers.available_tokens < 1:
                raise FourcastError(
                    "RESOURCE_EXHAUSTED", "too many people are drawing", retry_after=5.0
                )
            with doodle.watch() as watching:
                await _converse(websocket, watching, readers)
        except FourcastError as error:
            if error.code == "UNAVAILABLE":
                await upstream.revive()
            await _end(websocket, error)

    return [
        Route("/api/doodle/categories", categories),
        Route("/api/doodle/classify", classify, methods=["POST"]),
        WebSocketRoute("/api/doodle/watch", watch),
    ]


async def _converse(websocket: WebSocket, watching: Watching, readers: CapacityLimiter) -> None:
    """Pass changes one way and guesses the other until the browser leaves.

    Raises:
        FourcastError: If the server fails, or does not take a change.
    """
    errors: list[FourcastError] = []
    async with anyio.create_task_group() as tasks:

        async def send_guesses() -> None:
            try:
                while guesses := await to_thread.run_sync(next, watching, None, limiter=readers):
                    await websocket.send_text(bytes(answer(guesses).body).decode())
            except FourcastError as error:
                errors.append(error)
                tasks.cancel_scope.cancel()
            except (WebSocketDisconnect, RuntimeError):
                # The browser left while a guess was on its way; `receive_changes` sees it, too.
                pass

        async def receive_changes() -> None:
            try:
                async for text in websocket.iter_text():
                    _change(watching, parse_fields(text))
            except FourcastError as error:
                errors.append(error)
            finally:
                # Ends the reader's thread.
                watching.close()
            tasks.cancel_scope.cancel()

        tasks.start_soon(send_guesses)
        tasks.start_soon(receive_changes)
    if errors:
        raise errors[0]


def _change(watching: Watching, fields: dict[str, Any]) -> None:
    """Do on the server's canvas what was done on the browser's."""
    try:
        match fields:
            case {"stroke": [*points]}:
                watching.stroke(points)
            case {"points": [*points]}:
                watching.extend(points)
            case {"undo": True}:
                watching.undo()
            case {"clear": True}:
                watching.clear()
            case _:
                raise refusal("change", "must be stroke, points, undo or clear")
    except ValueError as error:
        raise refusal("points", str(error)) from None


async def _end(websocket: WebSocket, error: FourcastError) -> None:
    """Say what went wrong and hang up, if anybody is still there."""
    try:
        await websocket.send_json(error_fields(error))
        await websocket.close()
    except (WebSocketDisconnect, RuntimeError):
        pass
