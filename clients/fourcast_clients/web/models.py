"""What the server offers, for the pages: models with their cards, health, and how quick it is."""

import statistics
from collections import defaultdict
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fourcast_clients.web.messages import answer
from fourcast_clients.web.upstream import Call, Upstream

HEADINGS_BELOW = 2
"""A card's first heading stands under the page's own and the model's."""

# Without html, so that nothing in a card is ever run.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def routes(upstream: Upstream) -> list[Route]:
    """What the page asks for."""
    models = upstream.fourcast.models

    async def all_models(request: Request) -> Response:
        return answer(await upstream.ask(request, "models.all", lambda _: models.all()))

    async def card(request: Request) -> Response:
        name = request.path_params["name"]
        language = request.query_params.get("language", "")
        found = await upstream.ask(request, "models.card", lambda _: models.card(name, language))
        return answer({"html": card_html(found.text), "language": found.language})

    async def health(_: Request) -> Response:
        return answer({"ready": await upstream.is_ready(), "server": upstream.fourcast.server})

    async def calls(_: Request) -> Response:
        return answer(latencies(list(upstream.calls)))

    return [
        Route("/api/models", all_models),
        Route("/api/models/{name}/card", card),
        Route("/api/health", health),
        Route("/api/calls", calls),
    ]


def latencies(calls: list[Call]) -> list[dict[str, Any]]:
    """For each kind of call: how many, how many failed, and milliseconds of the others.

    Args:
        calls: In any order.

    Returns:
        A dictionary for each kind, by name: "name", "count", "failed", and "median", "slowest" and
        "last", which are None if all failed.
    """
    kinds: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        kinds[call.name].append(call)
    rows = []
    for name, kind in sorted(kinds.items()):
        times = [call.milliseconds for call in kind if call.code == "OK"]
        rows.append(
            {
                "name": name,
                "count": len(kind),
                "failed": len(kind) - len(times),
                "median": statistics.median(times) if times else None,
                "slowest": max(times, default=None),
                "last": times[-1] if times else None,
            }
        )
    return rows


def card_html(text: str) -> str:
    """A card as HTML that fits into the page and its Content-Security-Policy.

    Args:
        text: Markdown.

    Returns:
        HTML without scripts, style attributes, pictures, or links within the repository.
    """
    tokens = _MARKDOWN.parse(text)
    for index, token in enumerate(tokens):
        if token.type == "th_open" and not tokens[index + 1].content:
            # A heading that says nothing is none; its content stands between its two ends.
            token.tag = tokens[index + 2].tag = "td"
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1:]) + HEADINGS_BELOW, 6)}"
        if token.attrs.pop("style", None) == "text-align:right":
            token.attrSet("class", "number")
        if token.children:
            token.children = _without_local_links(token.children)
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def _without_local_links(tokens: list[Token]) -> list[Token]:
    """A line's tokens, where links to files and pictures are their text alone."""
    kept: list[Token] = []
    open_links: list[bool] = []
    for token in tokens:
        if token.type == "link_open":
            open_links.append(str(token.attrGet("href")).startswith(("http://", "https://")))
            if not open_links[-1]:
                continue
        if token.type == "link_close" and not open_links.pop():
            continue
        is_picture = token.type == "image"
        kept.append(Token("text", "", 0, content=token.content) if is_picture else token)
    return kept
