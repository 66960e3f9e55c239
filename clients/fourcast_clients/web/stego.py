"""Texts in pictures for the pages: translate, ask, translate back. Pictures travel as base64."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fourcast_clients.api import Profile
from fourcast_clients.web.messages import (
    answer,
    number_field,
    parse_fields,
    read_body,
    read_fields,
    refusal,
    text_field,
)
from fourcast_clients.web.upstream import Upstream

MAX_REQUEST_BYTES = 5 << 20
"""A picture of 3 MiB as base64, and a text."""


def routes(upstream: Upstream) -> list[Route]:
    """What the page asks for; "passphrase" is a text, "" for none."""
    stego = upstream.fourcast.stego

    async def capacity(request: Request) -> Response:
        fields = await read_fields(request)
        size = (number_field(fields, "width"), number_field(fields, "height"))
        profile = _profile(fields)
        is_encrypted = fields.get("encrypted") is True
        found = await upstream.ask(
            request,
            "stego.capacity",
            lambda cancellation: stego.capacity(
                size=size, profile=profile, encrypted=is_encrypted, cancellation=cancellation
            ),
        )
        return answer(found)

    async def hide(request: Request) -> Response:
        fields = parse_fields(await read_body(request, MAX_REQUEST_BYTES))
        image, text, profile = _image(fields), text_field(fields, "text"), _profile(fields)
        passphrase = text_field(fields, "passphrase") or None
        hidden = await upstream.ask(
            request,
            "stego.hide",
            lambda cancellation: stego.hide(
                image,
                text,
                profile=profile,
                passphrase=passphrase,
                cancellation=cancellation,
            ),
            slow=True,
        )
        return answer(hidden)

    async def reveal(request: Request) -> Response:
        fields = parse_fields(await read_body(request, MAX_REQUEST_BYTES))
        image, passphrase = _image(fields), text_field(fields, "passphrase") or None
        revealed = await upstream.ask(
            request,
            "stego.reveal",
            lambda cancellation: stego.reveal(
                image, passphrase=passphrase, cancellation=cancellation
            ),
            slow=True,
        )
        return answer(revealed)

    return [
        Route("/api/stego/capacity", capacity, methods=["POST"]),
        Route("/api/stego/hide", hide, methods=["POST"]),
        Route("/api/stego/reveal", reveal, methods=["POST"]),
    ]


def _image(fields: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(text_field(fields, "image"), validate=True)
    except (binascii.Error, ValueError):
        raise refusal("image", "must be a file's content as base64") from None


def _profile(fields: Mapping[str, Any]) -> Profile:
    try:
        return Profile(fields.get("profile"))
    except ValueError:
        names = ", ".join(profile.value for profile in Profile)
        raise refusal("profile", f"must be one of {names}") from None
