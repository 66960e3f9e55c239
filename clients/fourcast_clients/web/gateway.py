"""The gateway: what it is made of."""

from collections.abc import Collection

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from fourcast_clients.api import FourcastError
from fourcast_clients.web import connect4, doodle, forecast, models, pages, stego
from fourcast_clients.web.messages import on_fourcast_error, on_http_error
from fourcast_clients.web.protection import Protection
from fourcast_clients.web.upstream import Upstream


def make_app(upstream: Upstream, hosts: Collection[str] | None = None) -> Starlette:
    """The pages, and what they ask for.

    Args:
        upstream: The fourcast server behind them.
        hosts: The names that the gateway may be asked for by; None for any.
    """
    return Starlette(
        routes=[
            *pages.routes(),
            # One line a product.
            *connect4.routes(upstream),
            *doodle.routes(upstream),
            *stego.routes(upstream),
            *forecast.routes(upstream),
            *models.routes(upstream),
        ],
        middleware=[
            Middleware(Protection, hosts=hosts),
            Middleware(GZipMiddleware, minimum_size=500),
        ],
        exception_handlers={FourcastError: on_fourcast_error, HTTPException: on_http_error},
    )
