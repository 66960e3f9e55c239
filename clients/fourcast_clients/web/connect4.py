"""Connect-4 for the pages: translate, ask, translate back."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fourcast_clients.api import Level
from fourcast_clients.web.messages import answer, read_fields, refusal, text_field
from fourcast_clients.web.upstream import Upstream


def routes(upstream: Upstream) -> list[Route]:
    """What the page asks for: all with {"moves": "4453"}, the columns played so far."""
    connect4 = upstream.fourcast.connect4

    async def describe(request: Request) -> Response:
        moves = text_field(await read_fields(request), "moves")
        board = await upstream.ask(
            request,
            "connect4.describe",
            lambda cancellation: connect4.describe(moves, cancellation=cancellation),
        )
        return answer(board)

    async def move(request: Request) -> Response:
        fields = await read_fields(request)
        moves, name = text_field(fields, "moves"), text_field(fields, "level")
        try:
            level = Level(name)
        except ValueError:
            raise refusal(
                "level", f"must be one of {', '.join(one.value for one in Level)}"
            ) from None
        chosen = await upstream.ask(
            request,
            f"connect4.move.{level.value}",
            lambda cancellation: connect4.choose_move(
                moves, level=level, cancellation=cancellation
            ),
            slow=level is Level.PERFECT,
        )
        return answer(chosen)

    async def analyze(request: Request) -> Response:
        moves = text_field(await read_fields(request), "moves")
        analysis = await upstream.ask(
            request,
            "connect4.analyze",
            lambda cancellation: connect4.analyze(moves, cancellation=cancellation),
            slow=True,
        )
        return answer(analysis)

    return [
        Route("/api/connect4/describe", describe, methods=["POST"]),
        Route("/api/connect4/move", move, methods=["POST"]),
        Route("/api/connect4/analyze", analyze, methods=["POST"]),
    ]
