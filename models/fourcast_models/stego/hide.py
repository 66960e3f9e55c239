"""Hiding that verifies itself, and revealing.

`hide` gives out no picture that it has not read the text back from, for the profile `robust` also
after a JPEG of quality 50. If reading fails it tries again: once more over its own result, which
brings back what clipping at black and white has pushed away, then stronger, then with the darkest
and brightest pixels moved away from the ends of the range.
"""

import io
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from fourcast_models.stego import channel, payload
from fourcast_models.stego.channel import Layout
from fourcast_models.stego.codec import (
    ROBUST,
    DecodeTiles,
    EncodeTiles,
    Pixels,
    Profile,
    decode_picture,
    encode_picture,
)
from fourcast_models.stego.equaliser import promising_sizes, resized, surest_change
from fourcast_models.stego.errors import CannotHideError, DamagedError, NoMessageError
from fourcast_models.stego.metrics import psnr, ssim
from fourcast_models.stego.payload import Body

JPEG_QUALITY = 50
"""Of the JPEG that `robust` must survive."""

_TRIES = ((1.0, 0), (1.0, 2), (1.15, 2), (1.3, 4), (1.5, 8))
"""Strength, and how far pixels are kept from 0 and 255."""

_MOST_SIZES = 2
"""Other sizes than its own, the most promising, that reveal tries where nothing is found."""


@dataclass(frozen=True, slots=True)
class Networks:
    """The two networks of a profile."""

    encode: EncodeTiles
    decode: DecodeTiles


@dataclass(frozen=True, slots=True)
class Hidden:
    """A picture that gives its text back.

    Attributes:
        pixels: Uint8 [height, width, 3].
        psnr: Against the cover, in dB.
        ssim: Against the cover, at most 1.
        used: Bytes that the text takes, compressed where that helps, with check and salt.
        available: Bytes that there were for them.
        tries: How often the network was asked.
        survives_jpeg: Whether the text comes back after a JPEG of JPEG_QUALITY; never looked at in
            other profiles than `robust`, and False there.
    """

    pixels: Pixels
    psnr: float
    ssim: float
    used: int
    available: int
    tries: int
    survives_jpeg: bool


@dataclass(frozen=True, slots=True)
class Revealed:
    """A text that was hidden.

    Attributes:
        text: Just as it was.
        profile: In which it was hidden.
        corrected: Bits that were wrong.
    """

    text: str
    profile: str
    corrected: int


def capacity(profile: Profile, height: int, width: int, *, encrypted: bool = False) -> int:
    """Bytes of text that a picture holds; more if they can be compressed."""
    room = profile.layout(height, width).capacity
    return max(0, min(room - payload.overhead(encrypted=encrypted), payload.MAX_TEXT_BYTES))


def hide(
    networks: Networks,
    profile: Profile,
    pixels: Pixels,
    text: str,
    passphrase: str | None = None,
) -> Hidden:
    """Hide a text in a picture and verify that it comes back.

    Args:
        networks: Of the profile.
        profile: The way.
        pixels: Uint8 [height, width, 3].
        text: Any.
        passphrase: Encrypts; None does not.

    Raises:
        TextTooLongError: If it does not fit; nothing was tried.
        CannotHideError: If the text came back from no try.
        StegoError: If the picture is too small or too large.
        ValueError: If the text is not valid Unicode or the passphrase is empty.
    """
    layout = profile.layout(*pixels.shape[:2])
    body = payload.pack(text, passphrase, layout.capacity)
    message = channel.write(layout, body)
    exact: tuple[Pixels, int] | None = None
    tries = 0
    for strength, margin in _TRIES:
        stego = pixels.clip(margin, 255 - margin)
        for _ in range(2):
            stego = encode_picture(networks.encode, profile, stego, message, strength)
            tries += 1
            if not _holds(networks, profile, layout, stego, body):
                continue
            survives = profile is ROBUST and _holds(
                networks, profile, layout, _as_jpeg(stego), body
            )
            if survives or profile is not ROBUST:
                return _hidden(pixels, stego, body, layout, tries, survives=survives)
            exact = exact or (stego, tries)
    if exact is None:
        raise CannotHideError(
            "the text did not come back from this picture, so nothing was hidden: it may be too "
            "dark, too bright or too flat; a shorter text or another picture may do"
        )
    return _hidden(pixels, exact[0], body, layout, tries, survives=False)


def reveal(
    networks: Mapping[Profile, Networks], pixels: Pixels, passphrase: str | None = None
) -> Revealed:
    """The text that is hidden in a picture; the profile is found out.

    Args:
        networks: Of the profiles to look for.
        pixels: Uint8 [height, width, 3].
        passphrase: Of the text, None if it has none.

    Raises:
        NoMessageError: If nothing is hidden there.
        DamagedError: If something is, but it does not come back exactly.
        WrongPassphraseError: If the passphrase is another, missing, or one too many.
        StegoError: If the picture is too small or too large.
    """
    damaged: DamagedError | None = None
    # The profile with the smaller network comes first.
    for profile in sorted(networks, key=lambda profile: -profile.block):
        layout = profile.layout(*pixels.shape[:2])
        try:
            body, corrected = _read(networks[profile].decode, profile, layout, pixels)
        except NoMessageError:
            continue
        except DamagedError as error:
            damaged = error
            continue
        return Revealed(payload.unpack(body, passphrase), profile.name, corrected)
    if ROBUST in networks:
        found = _equalised(networks[ROBUST].decode, pixels)
        if isinstance(found, DamagedError):
            damaged = found
        elif found is not None:
            return Revealed(payload.unpack(found[0], passphrase), ROBUST.name, found[1])
    raise damaged or NoMessageError("no text is hidden here, or nothing of it is left")


def _equalised(decode: DecodeTiles, pixels: Pixels) -> tuple[Body, int] | DamagedError | None:
    """What `robust` reads after the surest change, at this size and at those it may have had."""
    damaged: DamagedError | None = None
    sizes = promising_sizes(decode, pixels, _MOST_SIZES)
    for rival in itertools.chain([pixels], (resized(pixels, size) for size in sizes)):
        guess = surest_change(decode, rival)
        if not guess.is_worthwhile:
            continue
        try:
            layout = ROBUST.layout(*rival.shape[:2])
            return _read(decode, ROBUST, layout, guess.change.apply(rival))
        except NoMessageError:
            continue
        except DamagedError as error:
            damaged = error
    return damaged


def _read(
    decode: DecodeTiles, profile: Profile, layout: Layout, pixels: Pixels
) -> tuple[Body, int]:
    return channel.read(layout, decode_picture(decode, profile, pixels))


def _holds(
    networks: Networks, profile: Profile, layout: Layout, pixels: Pixels, body: Body
) -> bool:
    try:
        return _read(networks.decode, profile, layout, pixels)[0] == body
    except (NoMessageError, DamagedError):
        return False


def _as_jpeg(pixels: Pixels) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=JPEG_QUALITY)
    return np.asarray(Image.open(file))


def _hidden(
    cover: Pixels, stego: Pixels, body: Body, layout: Layout, tries: int, *, survives: bool
) -> Hidden:
    return Hidden(
        pixels=stego,
        psnr=psnr(cover, stego),
        ssim=ssim(cover, stego),
        used=len(body.data),
        available=layout.capacity,
        tries=tries,
        survives_jpeg=survives,
    )
