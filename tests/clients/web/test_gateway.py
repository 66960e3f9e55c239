"""What the gateway answers, and what it refuses, without a browser."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from fourcast_clients.api import Fourcast, Level
from fourcast_clients.web.models import card_html, latencies
from fourcast_clients.web.pages import FOLDER, LANGUAGES, PAGES, texts
from fourcast_clients.web.upstream import Call
from fourcast_models.doodle.codec import CATEGORIES
from tests.clients.drawings import HOOK, LINE, picture
from tests.clients.positions import LATE_WIN, LATE_WIN_SCORES, WON
from tests.clients.web.gateway import run_gateway, send
from tests.services.fronts import unused_port


def plain(record: Any) -> Any:
    """A record as JSON has it."""
    return json.loads(json.dumps(asdict(record), default=lambda value: value.value))


def watch_address(gateway: str) -> str:
    return gateway.replace("http", "ws") + "/api/doodle/watch"


def test_positions_are_described_as_the_service_does(gateway: str, fourcast: Fourcast) -> None:
    reply = send(gateway, "/api/connect4/describe", {"moves": WON})
    assert reply.status == 200
    assert reply.fields == plain(fourcast.connect4.describe(WON))


@pytest.mark.parametrize("level", Level)
def test_moves_are_those_of_the_level(gateway: str, fourcast: Fourcast, level: Level) -> None:
    reply = send(gateway, "/api/connect4/move", {"moves": LATE_WIN, "level": level.value})
    assert reply.fields == plain(fourcast.connect4.choose_move(LATE_WIN, level=level))


def test_scores_are_exact(gateway: str) -> None:
    reply = send(gateway, "/api/connect4/analyze", {"moves": LATE_WIN})
    assert tuple(reply.fields["scores"]) == LATE_WIN_SCORES
    assert reply.fields["best_columns"] == [4]


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "words"),
    [
        ("/api/connect4/describe", {"moves": "8"}, 400, "INVALID_ARGUMENT", "column"),
        ("/api/connect4/describe", {}, 400, "INVALID_ARGUMENT", "must be a text"),
        ("/api/connect4/describe", [], 400, "INVALID_ARGUMENT", "not a JSON object"),
        ("/api/connect4/describe", b"{", 400, "INVALID_ARGUMENT", "not JSON"),
        ("/api/connect4/describe", b"[" * 60_000, 400, "INVALID_ARGUMENT", "not JSON"),
        ("/api/connect4/describe", b" " * 70_000, 400, "INVALID_ARGUMENT", "65,536 bytes"),
        ("/api/connect4/move", {"moves": WON, "level": "network"}, 400, "INVALID_ARGUMENT", "over"),
        ("/api/connect4/move", {"moves": "", "level": "best"}, 400, "INVALID_ARGUMENT", "perfect"),
        ("/api/connect4/describe", None, 405, "INVALID_ARGUMENT", "Method"),
        ("/api/doodle/classify", b"no picture", 400, "INVALID_ARGUMENT", "image"),
        ("/api/doodle/classify", bytes(4 << 20), 400, "INVALID_ARGUMENT", "3,145,728 bytes"),
        ("/api/models/nonesuch/card", None, 404, "NOT_FOUND", "nonesuch"),
        ("/api/nonesuch", None, 404, "NOT_FOUND", "Not Found"),
        ("/static/../pages.py", None, 404, "NOT_FOUND", "Not Found"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    gateway: str, path: str, body: object, status: int, code: str, words: str
) -> None:
    reply = send(gateway, path, body)
    assert (reply.status, reply.fields["error"]["code"]) == (status, code)
    assert words in reply.fields["error"]["message"]


def test_a_service_that_is_away_is_said_to_be() -> None:
    with Fourcast(f"127.0.0.1:{unused_port()}") as nobody, run_gateway(nobody) as address:
        reply = send(address, "/api/connect4/describe", {"moves": ""})
        assert (reply.status, reply.fields["error"]["code"]) == (503, "UNAVAILABLE")
        assert send(address, "/api/health").fields["ready"] is False
        with connect(watch_address(address)) as socket:
            assert json.loads(socket.recv())["error"]["code"] == "UNAVAILABLE"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
    ],
)
def test_other_web_sites_are_refused(gateway: str, headers: dict[str, str]) -> None:
    reply = send(gateway, "/api/connect4/describe", {"moves": ""}, headers)
    assert (reply.status, reply.fields["error"]["code"]) == (403, "PERMISSION_DENIED")
    if "Host" not in headers:
        with (
            pytest.raises(InvalidStatus, match="403"),
            connect(watch_address(gateway), additional_headers=headers),
        ):
            pass


def test_the_pages_own_requests_are_not(gateway: str) -> None:
    headers = {"Origin": gateway, "Sec-Fetch-Site": "same-origin"}
    assert send(gateway, "/api/connect4/describe", {"moves": ""}, headers).status == 200


@pytest.mark.parametrize("path", ["/", "/connect4", "/static/page.js", "/api/health", "/nonesuch"])
def test_every_answer_says_what_a_page_may_do(gateway: str, path: str) -> None:
    headers = send(gateway, path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_a_canvas_is_watched(gateway: str, fourcast: Fourcast) -> None:
    with connect(watch_address(gateway)) as socket:
        socket.send(json.dumps({"stroke": LINE}))
        assert json.loads(socket.recv())["changes"] == 1
        socket.send(json.dumps({"stroke": HOOK[:1]}))
        json.loads(socket.recv())
        socket.send(json.dumps({"points": HOOK[1:]}))
        answer = json.loads(socket.recv())
        assert answer["guesses"] == plain(fourcast.doodle.classify(drawing=[LINE, HOOK]))["guesses"]
        socket.send(json.dumps({"undo": True}))
        assert json.loads(socket.recv())["changes"] == 4
        socket.send(json.dumps({"clear": True}))
        assert json.loads(socket.recv())["guesses"] == []


@pytest.mark.parametrize(
    "change", ["nonsense", '{"stroke": []}', '{"stroke": [[1]]}', '{"erase": true}', '{"undo": 1}']
)
def test_a_change_that_is_none_ends_the_watching(gateway: str, change: str) -> None:
    with connect(watch_address(gateway)) as socket:
        socket.send(change)
        assert json.loads(socket.recv())["error"]["code"] == "INVALID_ARGUMENT"
        with pytest.raises(ConnectionClosed):
            socket.recv()


def test_pictures_are_named(gateway: str, fourcast: Fourcast) -> None:
    image = picture(LINE, HOOK)
    reply = send(gateway, "/api/doodle/classify", image)
    assert reply.fields == plain(fourcast.doodle.classify(image=image))
    assert tuple(send(gateway, "/api/doodle/categories").fields) == CATEGORIES


def test_times_are_those_of_calls_that_were_answered() -> None:
    calls = [Call("b", 5.0, "OK"), Call("a", 9.0, "UNAVAILABLE"), Call("b", 1.0, "OK")]
    calls += [Call("b", 2.0, "OK"), Call("b", 99.0, "NOT_FOUND")]
    assert latencies(calls) == [
        {"name": "a", "count": 1, "failed": 1, "median": None, "slowest": None, "last": None},
        {"name": "b", "count": 4, "failed": 1, "median": 2.0, "slowest": 5.0, "last": 2.0},
    ]


def test_nothing_in_a_card_is_run_or_fetched() -> None:
    html = card_html(
        "# One\n\n<script>alert(1)</script>\n\n[here](x.md) ![curve](c.png) [there](https://a.b)\n\n"
        "[bad](javascript:alert(1))\n\n| a | |\n| ---: | --- |\n| 1 | 2 |\n"
    )
    assert "<script" not in html
    assert "javascript:alert(1)</a>" not in html
    assert "style=" not in html
    assert "<img" not in html
    assert "<h3>One</h3>" in html
    assert 'here curve <a href="https://a.b">there</a>' in html
    assert '<th class="number">a</th>\n<td></td>' in html
    assert '<td class="number">1</td>' in html


@pytest.mark.parametrize(
    ("accepted", "cookie", "language"),
    [
        ("", "", "en"),
        ("es", "", "es"),
        ("fr, es;q=0.8, en;q=0.5", "", "es"),
        ("en;q=0.2,es-MX;q=0.9", "", "es"),
        ("de, eu", "", "en"),
        ("es;q=0, en", "", "en"),
        ("es;q=x", "", "en"),
        ("es", "language=en", "en"),
        ("en", "language=xx", "en"),
    ],
)
def test_the_language_is_the_browsers_or_the_persons(
    gateway: str, accepted: str, cookie: str, language: str
) -> None:
    reply = send(gateway, "/", headers={"Accept-Language": accepted, "Cookie": cookie})
    assert f'<html lang="{language}" data-theme="system">' in reply.body.decode()
    assert reply.headers["vary"].startswith("Accept-Language, Cookie")


def test_every_text_is_there_in_both_languages_and_used() -> None:
    one, other = (texts(language) for language in LANGUAGES)
    assert list(one) == list(other)
    for name in one:
        assert set(re.findall(r"\{\w+\}", one[name])) == set(re.findall(r"\{\w+\}", other[name]))
    sources = [*FOLDER.glob("static/*.js"), *FOLDER.glob("pages/*.html")]
    everything = "\n".join(source.read_text() for source in sources)
    # Names made of a part that varies, such as `error.${error.code}`, end before it.
    prefixes = re.findall(r"`([a-z0-9.]+\.)\$\{", everything)
    titles = {f"{page}.title" for page in PAGES}
    unused = {
        name
        for name in one.keys() - titles
        if not re.search(rf"[\"{{]{re.escape(name)}[\"}}]", everything)
        and not name.startswith(tuple(prefixes))
    }
    assert unused == set()


def test_every_category_has_a_name_in_spanish() -> None:
    names = json.loads((FOLDER / "texts" / "categories.es.json").read_text())
    assert tuple(names) == CATEGORIES
    assert len(set(names.values())) == len(CATEGORIES)


def test_nothing_comes_from_elsewhere() -> None:
    files = [path for path in FOLDER.rglob("*") if path.suffix in {".js", ".css", ".html", ".svg"}]
    assert len(files) > 10
    for file in files:
        addresses: set[str] = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\"'\s]*", _code(file)))
        assert addresses <= {"http://www.w3.org/2000/svg"}, file


def _code(file: Path) -> str:
    """A file's text without comments."""
    return re.sub(r"^\s*//.*$", "", file.read_text(), flags=re.MULTILINE)
