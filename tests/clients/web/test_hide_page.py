"""Texts in pictures in a real browser, against a real service with the classical lattice codes."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from fourcast_clients.api import Fourcast, Profile
from tests.clients.photographs import damaged, file_of, photograph
from tests.clients.test_stego import incompressible
from tests.clients.web.gateway import run_gateway, send
from tests.clients.web.test_pages import check_access
from tests.services.running import RunningServer

OpenPage = Callable[..., Page]

TEXT = "¡Nos vemos a las cinco! \U0001f388\n<b>"


@pytest.fixture(scope="module")
def gateway(stego_server: RunningServer) -> Iterator[str]:
    """The address of a gateway to a service that hides."""
    with Fourcast(stego_server.address) as client:
        client.wait_until_ready()
        with run_gateway(client) as address:
            yield address


CANVAS = """canvas => [...canvas.getContext("2d")
  .getImageData(0, 0, canvas.width, canvas.height).data]"""


def pixels(content: bytes) -> npt.NDArray[np.int64]:
    """A picture's colours, (height, width, 3)."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(np.int64)


def upload(page: Page, name: str, content: bytes) -> None:
    """Choose a picture."""
    file: Any = {"name": "picture.png", "mimeType": "image/png", "buffer": content}
    page.locator(f"#{name}").set_input_files(file)


@pytest.mark.parametrize(
    ("width", "locale", "used", "done", "found"),
    [
        (1280, "en-GB", "{used} of", "Hidden, and read back exactly.", "Found"),
        (360, "es-ES", "{used} de", "Escondido y leído de nuevo sin errores.", "Encontrado"),
    ],
)
def test_there_and_back(
    open_page: OpenPage, tmp_path: Path, width: int, locale: str, used: str, done: str, found: str
) -> None:
    page = open_page("/hide", width=width, locale=locale)
    expect(page.locator("#health")).to_have_attribute("data-state", "ready")
    upload(page, "cover", file_of(photograph()))
    page.locator("#text").fill(TEXT)
    expect(page.locator("#room-text")).to_contain_text(used.format(used=len(TEXT.encode())))
    page.locator("#passphrase").fill("correct horse")
    page.locator("#hide-button").click()
    expect(page.locator("#hide-status")).to_have_text(done)
    expect(page.locator("#psnr")).to_contain_text("dB")
    expect(page.locator("#figures")).to_contain_text("JPEG")
    check_access(page)
    with page.expect_download() as download:
        page.locator("#download").click()
    download.value.save_as(tmp_path / "hidden.png")
    hidden = (tmp_path / "hidden.png").read_bytes()
    # The three pictures: as given, with the text, and what the second has more than the first.
    changes = pixels(hidden) - pixels(file_of(photograph()))
    for name in ("given", "hidden"):
        natural = page.locator(f"#{name}").evaluate(
            "image => image.decode().then(() => image.naturalWidth)"
        )
        assert natural == changes.shape[1]
    shown = page.locator("#difference").evaluate(CANVAS)
    amplified = (128 + 20 * changes).clip(0, 255)
    assert np.array_equal(np.reshape(shown, (*changes.shape[:2], 4))[..., :3], amplified)
    psnr = (page.locator("#psnr").text_content() or "").replace(",", ".")
    assert psnr == f"PSNR {10 * np.log10(255**2 / np.mean(changes**2)):.1f} dB"
    assert page.evaluate("document.documentElement.scrollWidth") == width
    upload(page, "stego", hidden)
    page.locator("#reveal-passphrase").fill("correct horse")
    page.locator("#reveal-button").click()
    expect(page.locator("#reveal-status")).to_contain_text(found)
    # As text, whatever is in it.
    assert page.locator("#revealed").text_content() == TEXT


@pytest.mark.parametrize(
    ("kind", "words"),
    [("nothing", "holds no text"), ("damaged", "it is damaged"), ("passphrase", "not the right")],
)
def test_what_is_not_there_is_explained(
    open_page: OpenPage, stego_server: RunningServer, kind: str, words: str
) -> None:
    cover = file_of(photograph())
    with Fourcast(stego_server.address) as client:
        passphrase = "right" if kind == "passphrase" else None
        hidden = client.stego.hide(cover, "meow", passphrase=passphrase).image
        long = client.stego.hide(cover, incompressible(2000), profile=Profile.CAPACITY).image
    picture = {"nothing": cover, "damaged": damaged(long, slice(60, 80)), "passphrase": hidden}
    page = open_page("/hide", refused=True)
    upload(page, "stego", picture[kind])
    page.locator("#reveal-passphrase").fill("wrong" if kind == "passphrase" else "")
    page.locator("#reveal-button").click()
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.locator("#revealed")).to_be_hidden()


def test_a_phone_in_spanish(open_page: OpenPage) -> None:
    page = open_page("/hide", width=360, locale="es-ES", scheme="dark")
    page.locator("#hide-button").click()
    expect(page.locator("#hide-status")).to_have_text("Elija primero una imagen.")
    upload(page, "cover", file_of(photograph()))
    expect(page.locator("#room-text")).to_contain_text("bytes")
    page.locator("#hide-button").click()
    expect(page.locator("#hide-status")).to_have_text("Escriba primero un texto.")
    check_access(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize(
    ("path", "fields", "words"),
    [
        ("reveal", {"image": "no base64!", "passphrase": ""}, "base64"),
        ("reveal", {"passphrase": ""}, "image: must be a text"),
        ("hide", {"image": "", "text": "a", "passphrase": "", "profile": "best"}, "robust"),
        ("capacity", {"width": -1, "height": 9, "profile": "robust"}, "whole number"),
    ],
)
def test_requests_that_cannot_be_are_refused(
    gateway: str, path: str, fields: dict[str, object], words: str
) -> None:
    reply = send(gateway, f"/api/stego/{path}", fields)
    assert reply.status == 400
    error = reply.fields["error"]
    assert words in f"{error['field']}: {error['message']}"
