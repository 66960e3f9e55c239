"""Bytes to the bits that a picture carries and back: header, error correction, order.

A picture has a number of slots, one for each bit that it can carry. The bits stand in them in an
order that spreads neighbours over the whole picture: bit j is in slot j * stride mod slots. They
are, in turn:

1. the header's codeword, repeated `Layout.copies` times, the word's 48 bits being::

    byte 0      version (high four bits) and flags (low four)
    bytes 1..3  length of the body in bytes, big-endian
    bytes 4..5  CRC-16 (CCITT, start value FFFF) of bytes 0 to 3

2. the codewords of the body, bit by bit in turn. Codeword c of m carries the body's bytes c, c + m,
   c + 2m, ...; zero bytes follow up to the word's length. These are known to who has read the
   header, so they are not sent. In their slots stands the codeword once more, from its start, as
   often as there is room (`repeats`), or nothing is changed there: `KEEP`.

All bits are whitened by SHAKE-128 of a public seed, so that the code of a short text does not show.
"""

import binascii
import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fourcast_models.stego import ldpc
from fourcast_models.stego.errors import DamagedError, NoMessageError
from fourcast_models.stego.ldpc import Bits, Code
from fourcast_models.stego.payload import Body, is_intact

FORMAT_VERSION = 1

KEEP = 2
"""The bit of a slot in which nothing is to be changed."""

_HEADER_WORD, _HEADER_LENGTH = 48, 128
_SLOTS_PER_COPY, _MOST_COPIES = 2500, 8
_ITERATIONS = 40


@dataclass(frozen=True, slots=True)
class Rules:
    """How a profile protects what it carries.

    Attributes:
        rate: Share of a body's codeword that is its word.
        longest: Bits of a codeword at most.
        repeats: Whether the slots that a short body leaves repeat it.
    """

    rate: float
    longest: int
    repeats: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands where.

    Attributes:
        slots: Bits that the picture carries.
        rules: The profile's.
    """

    slots: int
    rules: Rules

    @property
    def copies(self) -> int:
        """How often the header's codeword is there."""
        return max(1, min(_MOST_COPIES, self.slots // _SLOTS_PER_COPY))

    @property
    def codewords(self) -> int:
        """Of the body."""
        return -(-(self.slots - self.copies * _HEADER_LENGTH) // self.rules.longest)

    @property
    def length(self) -> int:
        """Bits of one of them."""
        return (self.slots - self.copies * _HEADER_LENGTH) // max(1, self.codewords)

    @property
    def word_bytes(self) -> int:
        """Bytes that one of them carries."""
        return max(0, int(self.length * self.rules.rate) // 8)

    @property
    def capacity(self) -> int:
        """Bytes that a body may have."""
        return self.codewords * self.word_bytes


def write(layout: Layout, body: Body) -> Bits:
    """The bits for all slots: uint8 [slots] of 0, 1 and KEEP.

    Raises:
        ValueError: If the body is larger than the layout's capacity.
    """
    if len(body.data) > layout.capacity:
        raise ValueError(f"{len(body.data)} bytes do not fit into {layout.capacity}")
    message = np.full(layout.slots, KEEP, dtype=np.uint8)
    start = bytes([FORMAT_VERSION << 4 | body.flags]) + len(body.data).to_bytes(3, "big")
    word = np.unpackbits(np.frombuffer(start + _crc(start), dtype=np.uint8))
    header = ldpc.encode(_header_code(), word)
    places = _header_places(layout)
    message[places] = np.tile(header, layout.copies) ^ _whitening(len(places), "header")
    for number in range(layout.codewords):
        part = body.data[number :: layout.codewords]
        word = np.unpackbits(np.frombuffer(part.ljust(layout.word_bytes, b"\0"), dtype=np.uint8))
        code = _body_code(layout)
        bits = ldpc.encode(code, word)
        sent, spare = _sent_and_spare(code, len(part))
        if layout.rules.repeats:
            bits[spare] = bits[np.resize(sent, len(spare))]
            bits ^= _whitening(code.length, "body")
        else:
            bits ^= _whitening(code.length, "body")
            bits[spare] = KEEP
        message[_body_places(layout, number)] = bits
    return message


def read(layout: Layout, soft: npt.NDArray[np.floating]) -> tuple[Body, int]:
    """The body, its check verified, and how many bits were corrected.

    Args:
        layout: What stands where.
        soft: Float [slots], positive for 1, negative for 0, larger where surer.

    Raises:
        NoMessageError: If there is no header.
        DamagedError: If there is one, but the body cannot be restored.
    """
    flags, length = _read_header(layout, soft)
    parts = []
    corrected = 0
    for number in range(layout.codewords):
        part_length = len(range(number, length, layout.codewords))
        code = _body_code(layout)
        signs = 1 - 2 * _whitening(code.length, "body").astype(np.float32)
        values = soft[_body_places(layout, number)].astype(np.float32) * signs
        sent, spare = _sent_and_spare(code, part_length)
        if layout.rules.repeats:
            copies = np.bincount(np.resize(sent, len(spare)), values[spare], code.length)
            values += copies.astype(np.float32)
        level = float(np.sqrt(np.square(values[sent]).mean())) or 1.0
        values /= np.float32(level)
        values[spare] = ldpc.KNOWN_ZERO
        found = ldpc.decode(code, values, _ITERATIONS)
        if found is None:
            raise DamagedError("a text is hidden here, but too much of it is damaged")
        parts.append(np.packbits(found[0]).tobytes()[:part_length])
        corrected += found[1]
    data = bytearray(length)
    for number, part in enumerate(parts):
        data[number :: layout.codewords] = part
    body = Body(flags, bytes(data))
    if not is_intact(body):
        raise DamagedError("a text is hidden here, but it is damaged")
    return body, corrected


def _read_header(layout: Layout, soft: npt.NDArray[np.floating]) -> tuple[int, int]:
    """Flags and length of the body."""
    nothing = NoMessageError("no text is hidden here, or nothing of it is left")
    if layout.capacity == 0:
        raise nothing
    places = _header_places(layout)
    signs = 1 - 2 * _whitening(len(places), "header").astype(np.float32)
    values = (soft[places].astype(np.float32) * signs).reshape(layout.copies, -1).sum(axis=0)
    found = ldpc.decode(_header_code(), values, _ITERATIONS)
    if found is None:
        raise nothing
    header = np.packbits(found[0]).tobytes()
    version, flags, length = header[0] >> 4, header[0] & 15, int.from_bytes(header[1:4], "big")
    if _crc(header[:4]) != header[4:] or not 0 < length <= layout.capacity:
        raise nothing
    if version != FORMAT_VERSION:
        raise DamagedError(f"the text is hidden in format {version}, not in {FORMAT_VERSION}")
    return flags, length


def _crc(data: bytes) -> bytes:
    return binascii.crc_hqx(data, 0xFFFF).to_bytes(2, "big")


def _header_code() -> Code:
    return ldpc.make_code(_HEADER_WORD, _HEADER_LENGTH)


def _body_code(layout: Layout) -> Code:
    return ldpc.make_code(8 * layout.word_bytes, layout.length)


def _sent_and_spare(
    code: Code, part_bytes: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The places in a codeword that are sent, and those of the zeros behind a short word."""
    places = np.arange(code.length)
    return np.delete(places, slice(8 * part_bytes, code.word)), places[8 * part_bytes : code.word]


def _header_places(layout: Layout) -> npt.NDArray[np.int64]:
    return _slots_of(layout.slots, np.arange(layout.copies * _HEADER_LENGTH))


@lru_cache(maxsize=4)
def _body_places(layout: Layout, number: int) -> npt.NDArray[np.int64]:
    first = layout.copies * _HEADER_LENGTH + number
    return _slots_of(layout.slots, first + layout.codewords * np.arange(layout.length))


def _slots_of(slots: int, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return numbers * _stride(slots) % slots


@lru_cache(maxsize=64)
def _stride(slots: int) -> int:
    """About the golden section, which spreads any run evenly, and without a factor of slots."""
    stride = max(1, int(slots * (math.sqrt(5) - 1) / 2))
    while math.gcd(stride, slots) > 1:
        stride += 1
    return stride


@lru_cache(maxsize=16)
def _whitening(bits: int, purpose: str) -> Bits:
    seed = f"fourcast stego {purpose}".encode()
    stream = hashlib.shake_128(seed).digest(-(-bits // 8))
    white = np.unpackbits(np.frombuffer(stream, dtype=np.uint8))[:bits]
    white.setflags(write=False)
    return white
