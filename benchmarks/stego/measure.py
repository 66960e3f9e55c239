"""One method on one picture: what it looks like, and what comes back after every change."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.stego.changes import Change
from benchmarks.stego.methods import LostError, Method, RefusedError
from fourcast_models.stego.codec import Pixels
from fourcast_models.stego.metrics import psnr, ssim

EXACT, LOST, WRONG = "exact", "lost", "wrong"


@dataclass(frozen=True, slots=True)
class Record:
    """What was measured.

    Attributes:
        size: Bytes of the text.
        refused: Why nothing was hidden; empty if it was.
        psnr: In dB; 0 where nothing was hidden.
        ssim: At most 1; 0 where nothing was hidden.
        outcomes: By change, EXACT, LOST (the method says so) or WRONG (another text).
    """

    size: int
    refused: str
    psnr: float
    ssim: float
    outcomes: Mapping[str, str]


def measure(
    method: Method, name: str, cover: Pixels, changes: Mapping[str, Change], seed: int
) -> Record:
    """Hide a random text in a picture and look for it after every change.

    Args:
        method: The way.
        name: The picture's; text and noise follow from it and the seed.
        cover: Uint8 [height, width, 3].
        changes: What happens to it.
        seed: Any whole number from 0.
    """
    generator = np.random.default_rng([seed, zlib.crc32(f"{method.title} {name}".encode())])
    text = method.text(generator, *cover.shape[:2])
    size = len(text.encode())
    try:
        stego = method.hide(cover, text)
    except RefusedError as error:
        return Record(size, str(error), 0.0, 0.0, {})
    outcomes = {
        key: _outcome(method, change.apply(stego, generator), text)
        for key, change in changes.items()
        if method.changes or change.is_lossless
    }
    quality = psnr(cover, stego), ssim(cover, stego)
    return Record(size, "", *quality, outcomes)


def _outcome(method: Method, changed: Pixels, text: str) -> str:
    try:
        found = method.reveal(changed, len(text.encode()))
    except LostError:
        return LOST
    return EXACT if found == text else WRONG
