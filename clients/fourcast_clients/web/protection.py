"""What keeps other web sites out: headers on every answer, and a look at where requests come from.

A browser sends with each request where it comes from (Sec-Fetch-Site, Origin). Programs send
neither, and need not be protected from themselves.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from fourcast_clients.api import FourcastError
from fourcast_clients.web.messages import error_fields

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
"""What a gateway for this computer alone is called. Any other name in a request is that of a web
site which had its name point here (DNS rebinding)."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content-Security-Policy: everything comes from the gateway itself, and no script from a page."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Protection:
    """Wraps an app: refuses requests of other web sites, and adds the headers."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None) -> None:
        """Wrap an app.

        Args:
            app: The app.
            hosts: The names that it may be asked for by; None for any.
        """
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or one WebSocket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        reason = self._objection(scope, Headers(scope=scope))
        if reason and scope["type"] == "websocket":
            await WebSocketClose(1008, reason)(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if reason:
            error = FourcastError("PERMISSION_DENIED", reason)
            await JSONResponse(error_fields(error), 403)(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)

    def _objection(self, scope: Scope, headers: Headers) -> str:
        """Why a request is refused; "" if it is not."""
        host = headers.get("host", "")
        if self._hosts is not None and urlsplit(f"//{host}").hostname not in self._hosts:
            return f"this gateway is for this computer alone, and not called {host[:80]!r}"
        if not scope["path"].startswith("/api/"):
            return ""
        origin = headers.get("origin")
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return "the request comes from another web site"
        if origin is not None and urlsplit(origin).netloc != host:
            return f"the request comes from another web site, {origin[:80]}"
        return ""
