"""Forecasts for the pages: translate, ask, translate back; a backtest tells how far it is."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from fourcast_clients.api import Cancellation, FourcastError
from fourcast_clients.web.messages import (
    answer,
    as_json,
    error_fields,
    number_field,
    parse_fields,
    read_body,
    text_field,
)
from fourcast_clients.web.upstream import Upstream

MAX_REQUEST_BYTES = 2 << 20
"""Prices of 20,000 days with five columns more than are needed."""

MAX_BACKTESTS = 8
"""How many run at once; each waits in a thread."""

LEVELS = (50, 80, 95)


def routes(upstream: Upstream) -> list[Route]:
    """What the page asks for: all with {"csv": ..., "horizon": ..., "model": ...}."""
    forecast = upstream.fourcast.forecast
    backtests = CapacityLimiter(MAX_BACKTESTS)

    async def predict(request: Request) -> Response:
        fields = parse_fields(await read_body(request, MAX_REQUEST_BYTES))
        csv, model = text_field(fields, "csv").encode(), text_field(fields, "model")
        horizon = number_field(fields, "horizon")
        found = await upstream.ask(
            request,
            "forecast.predict",
            lambda cancellation: forecast.predict(
                csv=csv, horizon=horizon, levels=LEVELS, model=model, cancellation=cancellation
            ),
            slow=True,
        )
        return answer(found)

    async def backtest(request: Request) -> Response:
        fields = parse_fields(await read_body(request, MAX_REQUEST_BYTES))
        csv, model = text_field(fields, "csv").encode(), text_field(fields, "model")
        horizon, days = number_field(fields, "horizon"), number_field(fields, "days")
        cancellation = Cancellation()
        events: asyncio.Queue[object] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def tell(done: int, total: int) -> None:
            loop.call_soon_threadsafe(events.put_nowait, {"done": done, "total": total})

        run = partial(
            forecast.backtest,
            csv=csv,
            horizon=horizon,
            test_days=days,
            model=model,
            progress=tell,
            cancellation=cancellation,
        )

        async def finish() -> None:
            try:
                events.put_nowait({"result": await to_thread.run_sync(run, limiter=backtests)})
            except FourcastError as error:
                events.put_nowait(error_fields(error))
            events.put_nowait(None)

        async def stream() -> AsyncIterator[str]:
            task = asyncio.create_task(finish())
            try:
                while (event := await events.get()) is not None:
                    yield f"data: {as_json(event)}\n\n"
            finally:
                # The browser may have left.
                cancellation.cancel()
                await task

        return StreamingResponse(stream(), media_type="text/event-stream")

    return [
        Route("/api/forecast/predict", predict, methods=["POST"]),
        Route("/api/forecast/backtest", backtest, methods=["POST"]),
    ]
