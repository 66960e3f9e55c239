"""Thousands of pictures without a text, with another one's or with half a one: never a wrong text.

Every picture goes the way that it goes in the service: from the bytes of a file to a text, or to an
error with a status.
"""

import io
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from benchmarks.stego import qim
from fourcast_models.images import MAX_PIXELS
from fourcast_models.stego import hide
from fourcast_models.stego.codec import CAPACITY, ROBUST, Pixels, Profile
from fourcast_models.stego.errors import StegoError
from fourcast_models.stego.hide import Networks
from fourcast_services.errors import FieldError, describe
from fourcast_services.stego_wire import read_image
from fourcast_training.stego.attacks import noisy, saved
from fourcast_training.stego.data import Split
from fourcast_training.stego.evaluate import full_text

SIDE = 128
"""Of the pictures: small ones, so that there can be many."""

WRONG_TEXT = "a wrong text"
EXACT = "the exact text"

_HIDDEN = 12
"""Pictures with a text for each profile; what is done to them differs every time."""

_PASSPHRASE = "correct horse"


@dataclass(frozen=True, slots=True)
class Case:
    """A file to reveal.

    Attributes:
        data: The file.
        texts: What may come back.
        passphrase: Given with it.
    """

    data: bytes
    texts: tuple[str, ...] = ()
    passphrase: str | None = None


@dataclass(frozen=True, slots=True)
class _Hidden:
    pixels: Pixels
    text: str


class Rejections:
    """Makes the files, reveals them and counts what comes back."""

    def __init__(self, networks: Mapping[Profile, Networks], covers: Split, seed: int) -> None:
        """Hide the texts that are to be damaged.

        Args:
            networks: Of both profiles.
            covers: Pictures of at least SIDE on each side.
            seed: All follows from it.
        """
        self._networks = networks
        self._covers = [p for p in covers.pictures if min(p.shape[:2]) >= SIDE]
        self._seed = seed
        self._robust = [self._hide(ROBUST, number) for number in range(_HIDDEN)]
        self._capacity = [self._hide(CAPACITY, number) for number in range(_HIDDEN)]
        self._sealed = [self._hide(ROBUST, number, _PASSPHRASE) for number in range(2)]
        self._kinds: dict[str, Callable[[np.random.Generator], Case]] = {
            "clean, PNG": lambda g: Case(_png(self._cover(g))),
            "clean, JPEG": lambda g: Case(_jpeg(self._cover(g), g, 20, 96)),
            "foreign, least significant bits": self._foreign_bits,
            "foreign, DCT-QIM": self._foreign_lattice,
            "damaged robust, overwritten": lambda g: self._overwritten(g, self._robust),
            "damaged robust, JPEG": self._damaged_by_jpeg,
            "damaged robust, noise": self._damaged_by_noise,
            "damaged robust, cropped": lambda g: self._cropped(g, self._robust),
            "damaged capacity, overwritten": lambda g: self._overwritten(g, self._capacity),
            "damaged capacity, cropped": lambda g: self._cropped(g, self._capacity),
            "damaged capacity, JPEG": self._capacity_as_jpeg,
            "two robust texts in one picture": lambda g: self._spliced(g, self._robust),
            "two capacity texts in one picture": lambda g: self._spliced(g, self._capacity),
            "truncated file": self._truncated,
            "wrong, missing or needless passphrase": self._wrong_passphrase,
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """What is done to pictures."""
        return tuple(self._kinds)

    def count(self, start: int, stop: int) -> dict[str, dict[str, int]]:
        """What became of the cases with these numbers: by kind, the number of each outcome."""
        counts: dict[str, Counter[str]] = {}
        for number in range(start, stop):
            kind = self.kinds[number % len(self.kinds)]
            case = self._kinds[kind](np.random.default_rng([self._seed, number]))
            counts.setdefault(kind, Counter())[self._outcome(case)] += 1
        return {kind: dict(counter) for kind, counter in counts.items()}

    def _outcome(self, case: Case) -> str:
        try:
            pixels = read_image(case.data, MAX_PIXELS).pixels
            text = hide.reveal(self._networks, pixels, case.passphrase).text
        except (StegoError, FieldError) as error:
            return describe(error, "Reveal").code.name
        return EXACT if text in case.texts else WRONG_TEXT

    def _cover(self, generator: np.random.Generator) -> Pixels:
        picture = self._covers[generator.integers(len(self._covers))]
        top, left = (generator.integers(side - SIDE + 1) for side in picture.shape[:2])
        return np.ascontiguousarray(picture[top : top + SIDE, left : left + SIDE])

    def _hide(self, profile: Profile, number: int, passphrase: str | None = None) -> _Hidden:
        """A picture with a text; of other covers where one refuses."""
        for attempt in range(100):
            generator = np.random.default_rng([self._seed, number, attempt, len(profile.name)])
            room = profile.layout(SIDE, SIDE).capacity
            share = generator.uniform(0.1, 1) if passphrase is None else 0.1
            text = full_text(generator, max(20, int(share * room)))
            try:
                cover = self._cover(generator)
                found = hide.hide(self._networks[profile], profile, cover, text, passphrase)
            except StegoError:
                continue
            return _Hidden(found.pixels, text)
        raise ValueError("no text can be hidden in any of these pictures")

    def _foreign_bits(self, generator: np.random.Generator) -> Case:
        cover = self._cover(generator)
        bits = generator.integers(0, 2, cover.shape, dtype=np.uint8)
        return Case(_png(cover & np.uint8(254) | bits))

    def _foreign_lattice(self, generator: np.random.Generator) -> Case:
        text = full_text(generator, ROBUST.layout(SIDE, SIDE).capacity)
        return Case(_png(qim.hide(self._cover(generator), text)), (text,))

    def _overwritten(self, generator: np.random.Generator, pool: list[_Hidden]) -> Case:
        hidden = _any(pool, generator)
        pixels = hidden.pixels.copy()
        down, across = generator.integers(8, SIDE, 2)
        top, left = generator.integers(0, SIDE - down), generator.integers(0, SIDE - across)
        other = self._cover(generator)
        pixels[top : top + down, left : left + across] = other[:down, :across]
        return Case(_png(pixels), (hidden.text,))

    def _damaged_by_jpeg(self, generator: np.random.Generator) -> Case:
        hidden = _any(self._robust, generator)
        return Case(_jpeg(hidden.pixels, generator, 3, 45), (hidden.text,))

    def _damaged_by_noise(self, generator: np.random.Generator) -> Case:
        hidden = _any(self._robust, generator)
        pixels = noisy(generator.uniform(4, 40))(hidden.pixels, generator)
        return Case(_png(pixels), (hidden.text,))

    def _cropped(self, generator: np.random.Generator, pool: list[_Hidden]) -> Case:
        hidden = _any(pool, generator)
        top, left = generator.integers(0, SIDE - 64, 2)
        return Case(_png(np.ascontiguousarray(hidden.pixels[top:, left:])), (hidden.text,))

    def _capacity_as_jpeg(self, generator: np.random.Generator) -> Case:
        hidden = _any(self._capacity, generator)
        return Case(_jpeg(hidden.pixels, generator, 60, 100), (hidden.text,))

    def _spliced(self, generator: np.random.Generator, pool: list[_Hidden]) -> Case:
        one, other = _any(pool, generator), _any(pool, generator)
        pixels = one.pixels.copy()
        row = generator.integers(1, SIDE)
        pixels[row:] = other.pixels[row:]
        return Case(_png(pixels), (one.text, other.text))

    def _truncated(self, generator: np.random.Generator) -> Case:
        hidden = _any(self._robust, generator)
        data = _png(hidden.pixels) if generator.random() < 0.5 else _webp(hidden.pixels)
        return Case(data[: int(generator.uniform(0, 0.999) * len(data))], (hidden.text,))

    def _wrong_passphrase(self, generator: np.random.Generator) -> Case:
        if generator.random() < 0.3:
            return Case(_png(_any(self._capacity, generator).pixels), (), _PASSPHRASE)
        given = None if generator.random() < 0.5 else "battery staple"
        return Case(_png(_any(self._sealed, generator).pixels), (), given)


def _any(pool: list[_Hidden], generator: np.random.Generator) -> _Hidden:
    return pool[generator.integers(len(pool))]


def _png(pixels: Pixels) -> bytes:
    return _file(pixels, "PNG", compress_level=1)


def _webp(pixels: Pixels) -> bytes:
    return _file(pixels, "WEBP", quality=90)


def _jpeg(pixels: Pixels, generator: np.random.Generator, low: int, high: int) -> bytes:
    changed = saved("JPEG", quality=int(generator.integers(low, high)))(pixels, generator)
    return _png(changed)


def _file(pixels: Pixels, form: str, **options: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()
