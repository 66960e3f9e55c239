"""The textbook baseline: quantisation index modulation of DCT coefficients (Chen, Wornell, 2001).

Every coefficient goes all the way to the nearest lattice point of its bit; no learning, no second
try, no equaliser. Format and error correction are fourcast's, so that a row of the table shows
what the networks add.
"""

import numpy as np
import numpy.typing as npt
from scipy.fft import dctn, idctn

from fourcast_models.stego import channel, payload
from fourcast_models.stego.codec import ROBUST, Pixels

STEP = 26.0
"""Between two points that mean the same, in grey levels: about the PSNR of `robust`."""

_LUMA = np.array([0.299, 0.587, 0.114])
"""Of red, green and blue (ITU-R BT.601)."""

_DOWN, _ACROSS = np.array([(0, 1), (1, 0), (0, 2), (1, 1), (2, 0), (2, 1)]).T
"""The frequencies of a block of 8x8 that carry a bit."""

_Blocks = npt.NDArray[np.float64]


def hide(pixels: Pixels, text: str) -> Pixels:
    """The picture with a text in it, never read back.

    Raises:
        StegoError: If the text is too long or the picture too small or too large.
    """
    layout = ROBUST.layout(*pixels.shape[:2])
    message = channel.write(layout, payload.pack(text, None, layout.capacity))
    blocks = _blocks(pixels)
    bits = message.reshape(*blocks.shape[:2], -1)
    coefficients = blocks[..., _DOWN, _ACROSS]
    half = STEP / 2 * (bits == 1)
    moved = np.rint((coefficients - half) / STEP) * STEP + half
    change = np.zeros_like(blocks)
    change[..., _DOWN, _ACROSS] = np.where(bits == channel.KEEP, 0, moved - coefficients)
    luma = idctn(change, axes=(2, 3), norm="ortho").transpose(0, 2, 1, 3)
    height, width = 8 * blocks.shape[0], 8 * blocks.shape[1]
    changed = pixels.astype(np.float64)
    # The same for the three colours: their luma is then changed by just that much.
    changed[:height, :width] += luma.reshape(height, width, 1)
    stego: Pixels = np.rint(changed.clip(0, 255)).astype(np.uint8)
    return stego


def reveal(pixels: Pixels) -> str:
    """The text in a picture.

    Raises:
        StegoError: If there is none or it is damaged.
    """
    layout = ROBUST.layout(*pixels.shape[:2])
    places = _blocks(pixels)[..., _DOWN, _ACROSS] / STEP
    soft = -np.cos(2 * np.pi * places).ravel()
    return payload.unpack(channel.read(layout, soft)[0], None)


def _blocks(pixels: Pixels) -> _Blocks:
    """The DCT of every block's luma: float64 [rows, columns, 8, 8]."""
    luma = pixels @ _LUMA
    down, across = luma.shape[0] // 8, luma.shape[1] // 8
    parted = luma[: 8 * down, : 8 * across].reshape(down, 8, across, 8).transpose(0, 2, 1, 3)
    return np.asarray(dctn(parted, axes=(2, 3), norm="ortho"))
