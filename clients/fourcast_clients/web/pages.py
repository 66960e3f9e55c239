"""The pages: HTML in the browser's language and the person's colours, and the files beside it."""

import html
import json
import re
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).resolve().parent
PAGES = ("home", "connect4", "doodle", "hide", "forecast", "models")
LANGUAGES = ("en", "es")
"""The first is for those whose language is not there."""

THEMES = ("system", "light", "dark")
"""The first is for those who have chosen none."""

_PLACEHOLDER = re.compile(r"\{\{([a-z0-9_.]+)\}\}")


class _Files(StaticFiles):
    """Files that a browser keeps, but asks about: they change with the program."""

    def file_response(self, *arguments: object, **options: object) -> Response:
        response = super().file_response(*arguments, **options)  # type: ignore[arg-type]  # passed on
        response.headers["Cache-Control"] = "no-cache"
        return response


def routes() -> list[BaseRoute]:
    """The pages and their files."""

    def page_route(name: str) -> Route:
        async def show(request: Request) -> Response:
            return _respond(request, name)

        return Route("/" if name == "home" else f"/{name}", show, name=name)

    return [
        *map(page_route, PAGES),
        Mount("/static", _Files(directory=FOLDER / "static")),
        Mount("/texts", _Files(directory=FOLDER / "texts")),
    ]


@cache
def texts(language: str) -> dict[str, str]:
    """Every text of the pages, by name."""
    loaded: dict[str, str] = json.loads((FOLDER / "texts" / f"{language}.json").read_text("utf-8"))
    return loaded


@cache
def render(name: str, language: str, theme: str) -> str:
    """A page's HTML.

    Args:
        name: One of `PAGES`.
        language: One of `LANGUAGES`.
        theme: One of `THEMES`.

    Raises:
        KeyError: If the page names a text that there is not.
    """
    words = {key: html.escape(text) for key, text in texts(language).items()}
    words |= {"page": name, "language": language, "theme": theme}
    words["title"] = words[f"{name}.title"]
    for page in PAGES:
        words[f"current.{page}"] = "page" if page == name else "false"

    def fill(file: str) -> str:
        source = (FOLDER / "pages" / f"{file}.html").read_text("utf-8")
        return _PLACEHOLDER.sub(lambda match: words[match[1]], source)

    words["main"] = fill(name)
    return fill("layout")


def chosen_language(request: Request) -> str:
    """The person's choice, or else the browser's first that there is."""
    cookie = request.cookies.get("language")
    if cookie in LANGUAGES:
        return cookie
    weighted: list[tuple[float, str]] = []
    for part in request.headers.get("accept-language", "")[:500].split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weighted.append((-float(quality or 1), tag[:2].lower()))
        except ValueError:
            continue
    # Stable: among equals, the first named.
    for negative, language in sorted(weighted, key=lambda pair: pair[0]):
        if language in LANGUAGES and negative < 0:
            return language
    return LANGUAGES[0]


def _respond(request: Request, name: str) -> Response:
    theme = request.cookies.get("theme", THEMES[0])
    page = render(name, chosen_language(request), theme if theme in THEMES else THEMES[0])
    return HTMLResponse(
        page, headers={"Vary": "Accept-Language, Cookie", "Cache-Control": "no-cache"}
    )
