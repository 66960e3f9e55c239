"""The methods that are compared, each as a function to hide and one to reveal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.stego import qim
from benchmarks.stego.peer_process import PeerError, Peers
from fourcast_models.stego import hide
from fourcast_models.stego.codec import CAPACITY, ROBUST, Pixels, Profile
from fourcast_models.stego.errors import StegoError
from fourcast_models.stego.hide import Networks
from fourcast_training.stego.evaluate import full_text

SHORT_BYTES = 64
"""Of the text for which more damage is tried."""

WATERMARK_BYTES = (4, 128)
"""What invisible-watermark is usually given, and as much as 256x256 pixels hold once."""


class RefusedError(Exception):
    """A method did not hide the text; the text says why."""


class LostError(Exception):
    """A method says that it finds no text, or a damaged one."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to hide texts.

    Attributes:
        title: What the table calls it.
        text: A random text for a picture of some height and width, as long as the method is
            measured with.
        hide: The picture with a text in it; raises RefusedError.
        reveal: The text, given how many bytes it has, for those that must know; raises LostError.
        changes: Whether it is measured after changes that lose something.
    """

    title: str
    text: Callable[[np.random.Generator, int, int], str]
    hide: Callable[[Pixels, str], Pixels]
    reveal: Callable[[Pixels, int], str]
    changes: bool = True


def own_methods(networks: Mapping[Profile, Networks]) -> dict[str, Method]:
    """fourcast's, by name, and the textbook baseline."""

    def hiding(profile: Profile) -> Callable[[Pixels, str], Pixels]:
        def work(pixels: Pixels, text: str) -> Pixels:
            try:
                return hide.hide(networks[profile], profile, pixels, text).pixels
            except StegoError as error:
                raise RefusedError(str(error)) from None

        return work

    def reveal(pixels: Pixels, _: int) -> str:
        try:
            return hide.reveal(networks, pixels).text
        except StegoError as error:
            raise LostError(str(error)) from None

    def hide_qim(pixels: Pixels, text: str) -> Pixels:
        try:
            return qim.hide(pixels, text)
        except StegoError as error:
            raise RefusedError(str(error)) from None

    def reveal_qim(pixels: Pixels, _: int) -> str:
        try:
            return qim.reveal(pixels)
        except StegoError as error:
            raise LostError(str(error)) from None

    return {
        "capacity": Method(
            "fourcast capacity", _filling(CAPACITY), hiding(CAPACITY), reveal, changes=False
        ),
        "robust": Method("fourcast robust", _filling(ROBUST), hiding(ROBUST), reveal),
        "robust-short": Method(
            f"fourcast robust, {SHORT_BYTES} bytes", _short, hiding(ROBUST), reveal
        ),
        "qim": Method("DCT-QIM", _filling(ROBUST), hide_qim, reveal_qim),
    }


def other_methods(peers: Peers) -> dict[str, Method]:
    """Other people's, by name."""

    def reveal_lsb(pixels: Pixels, _: int) -> str:
        return _asked(peers, LostError, "reveal_lsb", pixels).decode(errors="replace")

    def hide_lsb(pixels: Pixels, text: str) -> Pixels:
        return np.asarray(_asked(peers, RefusedError, "hide_lsb", pixels, text.encode()))

    table = {
        f"lsb-{profile.name}": Method(
            f"LSB (stegano), as {profile.name}",
            _filling(profile),
            hide_lsb,
            reveal_lsb,
            changes=profile is ROBUST,
        )
        for profile in (CAPACITY, ROBUST)
    }
    for kind in ("dwtDct", "dwtDctSvd"):
        for size in WATERMARK_BYTES:
            table[f"{kind}-{size}"] = _watermark(peers, kind, size)
    return table


def _watermark(peers: Peers, kind: str, size: int) -> Method:
    def text(generator: np.random.Generator, *_: int) -> str:
        return _letters(generator, size)

    def hide_text(pixels: Pixels, text: str) -> Pixels:
        return np.asarray(
            _asked(peers, RefusedError, "hide_watermark", pixels, text.encode(), kind)
        )

    def reveal(pixels: Pixels, length: int) -> str:
        found: bytes = _asked(peers, LostError, "reveal_watermark", pixels, length, kind)
        return found.decode("latin-1")

    return Method(f"invisible-watermark {kind}, {size} bytes", text, hide_text, reveal)


def _asked(
    peers: Peers, error: type[RefusedError | LostError], function: str, *arguments: object
) -> bytes:
    try:
        answer: bytes = peers.ask(function, *arguments)
    except PeerError as reason:
        raise error(str(reason)) from None
    return answer


def _filling(profile: Profile) -> Callable[[np.random.Generator, int, int], str]:
    def text(generator: np.random.Generator, height: int, width: int) -> str:
        return full_text(generator, profile.layout(height, width).capacity)

    return text


def _short(generator: np.random.Generator, height: int, width: int) -> str:
    return _letters(generator, min(SHORT_BYTES, hide.capacity(ROBUST, height, width)))


def _letters(generator: np.random.Generator, count: int) -> str:
    """Random printable ASCII."""
    return generator.integers(32, 127, count, dtype=np.uint8).tobytes().decode()
