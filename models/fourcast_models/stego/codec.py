"""Pictures to the networks' tensors and back: profiles, tiles, slots.

The networks see tiles of 64x64 pixels, each by itself, so that a picture of any size is a batch and
training sees just what serving sees. A tile that reaches over the picture's right or lower edge is
filled with the pixels of that edge. A network divides its tile into square blocks and carries a few
bits in each, its *slots*; the picture's slots are those of the blocks that lie wholly inside it,
row by row, from left to right, and within a block in the order of the network's last axis.

The encoder's answer is not rounded: a value within float error of a half would be rounded to one
grey level here and to another there, and golden replay could not tell that from a broken model.
`encode_picture` rounds and clips instead.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fourcast_models.model_config import TensorSpec
from fourcast_models.stego.channel import KEEP, Layout, Rules
from fourcast_models.stego.errors import StegoError

CODEC_VERSION = 1
"""Stamped into exported models; raise it when tiles, slots or the channel's format change."""

TILE = 64
"""The side of a tile, in pixels."""

MIN_SIDE, MAX_SIDE = 64, 8192
"""Of a picture, in pixels."""

_MOST_TILES = 64
"""That go through a network in one call, so that memory does not grow with the picture."""

_SUREST = np.float32(1e-6)
"""No probability is closer to 0 or 1: the log-odds stay finite."""

Pixels = npt.NDArray[np.uint8]
"""Uint8 [height, width, 3], red, green and blue."""

EncodeTiles = Callable[
    [Pixels, npt.NDArray[np.uint8], npt.NDArray[np.float32]], npt.NDArray[np.float32]
]
"""An encoder: IMAGE, the profile's `message` and STRENGTH to STEGO."""

DecodeTiles = Callable[[Pixels], npt.NDArray[np.float32]]
"""A decoder: IMAGE to the profile's `probabilities`."""

IMAGE = TensorSpec("image", np.dtype(np.uint8), (TILE, TILE, 3))
"""Red, green, blue."""

STRENGTH = TensorSpec("strength", np.dtype(np.float32), (1,))
"""1 hides as the network was trained to; more is more robust and more visible. Up to 1.5."""

STEGO = TensorSpec("stego", np.dtype(np.float32), (TILE, TILE, 3))
"""The tile with its bits; 1 is 255, not clipped, not rounded."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A way to hide.

    Attributes:
        name: What people call it.
        block: Side of a block, in pixels.
        carriers: Bits in a block.
        rules: How the channel protects what they carry.
    """

    name: str
    block: int
    carriers: int
    rules: Rules

    @property
    def grid(self) -> tuple[int, int, int]:
        """Blocks down and across a tile, and bits in each."""
        return TILE // self.block, TILE // self.block, self.carriers

    @property
    def message(self) -> TensorSpec:
        """Bits, 0 or 1, or KEEP where the block's coefficient is to stay as it is."""
        return TensorSpec("message", np.dtype(np.uint8), self.grid)

    @property
    def probabilities(self) -> TensorSpec:
        """How probable a 1 is."""
        return TensorSpec("probabilities", np.dtype(np.float32), self.grid)

    @property
    def encoder(self) -> str:
        """The encoder's name in the repository."""
        return f"stego_{self.name}_encoder"

    @property
    def decoder(self) -> str:
        """The decoder's name in the repository."""
        return f"stego_{self.name}_decoder"

    def layout(self, height: int, width: int) -> Layout:
        """What a picture of this size carries.

        Raises:
            StegoError: If a side is out of range.
        """
        if not (MIN_SIDE <= height <= MAX_SIDE and MIN_SIDE <= width <= MAX_SIDE):
            raise StegoError(
                f"the picture has {width} x {height} pixels: each side must have {MIN_SIDE} to "
                f"{MAX_SIDE:,}"
            )
        return Layout((height // self.block) * (width // self.block) * self.carriers, self.rules)


CAPACITY = Profile("capacity", 4, 17, Rules(rate=0.888, longest=70_000, repeats=False))
"""For files that are stored without loss: 7,600 bytes in 256x256."""

ROBUST = Profile("robust", 8, 6, Rules(rate=0.556, longest=8192, repeats=True))
"""For pictures that are compressed, resized or brightened: 400 bytes in 256x256."""

PROFILES = {profile.name: profile for profile in (CAPACITY, ROBUST)}


def encode_picture(
    encode: EncodeTiles,
    profile: Profile,
    picture: Pixels,
    message: npt.NDArray[np.uint8],
    strength: float,
) -> Pixels:
    """The picture with its bits, of the same size.

    Args:
        encode: The profile's encoder.
        profile: The way.
        picture: Uint8 [height, width, 3].
        message: Uint8 [slots] of 0, 1 and KEEP.
        strength: See STRENGTH.
    """
    height, width = picture.shape[:2]
    block = profile.block
    blocks = message.reshape(height // block, width // block, profile.carriers)
    stego = np.empty_like(picture)
    for rows in _bands(height, width):
        tiles = split(picture[rows], TILE)
        part = blocks[rows.start // block : rows.stop // block]
        down, across = -(-(rows.stop - rows.start) // TILE), -(-width // TILE)
        whole = np.full(
            (down * TILE // block, across * TILE // block, profile.carriers), KEEP, dtype=np.uint8
        )
        whole[: part.shape[0], : part.shape[1]] = part
        strengths = np.full((len(tiles), *STRENGTH.dims), strength, dtype=np.float32)
        answer = encode(tiles, split(whole, TILE // block), strengths)
        joined = _join(answer, down, across)[: rows.stop - rows.start, :width]
        stego[rows] = np.rint(np.clip(joined * np.float32(255), 0, 255))
    return stego


def decode_picture(
    decode: DecodeTiles, profile: Profile, picture: Pixels
) -> npt.NDArray[np.float16]:
    """The log-odds of a 1 in each slot: float16 [slots].

    Float16 because the largest pictures have 70 million slots.
    """
    height, width = picture.shape[:2]
    block = profile.block
    soft = np.empty((height // block, width // block, profile.carriers), dtype=np.float16)
    for rows in _bands(height, width):
        down, across = -(-(rows.stop - rows.start) // TILE), -(-width // TILE)
        joined = _join(decode(split(picture[rows], TILE)), down, across)
        part = soft[rows.start // block : rows.stop // block]
        probable = joined[: part.shape[0], : part.shape[1]].clip(_SUREST, 1 - _SUREST)
        part[:] = np.log(probable / (1 - probable))
    return soft.ravel()


def split(array: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Tiles of this side, row by row: [N, side, side, C] of [height, width, C], edges repeated."""
    height, width, channels = array.shape
    down, across = -(-height // side), -(-width // side)
    missing = ((0, down * side - height), (0, across * side - width), (0, 0))
    array = np.pad(array, missing, mode="edge")
    tiles = array.reshape(down, side, across, side, channels).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(tiles.reshape(-1, side, side, channels))


def _join(tiles: npt.NDArray[np.float32], down: int, across: int) -> npt.NDArray[np.float32]:
    _, side, _, channels = tiles.shape
    rows = tiles.reshape(down, across, side, side, channels).transpose(0, 2, 1, 3, 4)
    return rows.reshape(down * side, across * side, channels)


def _bands(height: int, width: int) -> Iterator[slice]:
    """The rows of pixels that go through a network together."""
    step = TILE * max(1, _MOST_TILES // -(-width // TILE))
    return (slice(start, min(start + step, height)) for start in range(0, height, step))
