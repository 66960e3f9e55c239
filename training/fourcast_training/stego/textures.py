"""Pictures made here, for training and tests without photographs.

Each mixes, with colours, scales and contrasts of its own: a gradient that may reach black and
white, clouds whose spectrum falls like a photograph's, stripes, shapes with hard edges, and grain.
"""

import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from fourcast_models.stego.codec import Pixels

SIDE = 256

_Plane = npt.NDArray[np.float64]


def texture(generator: np.random.Generator) -> Pixels:
    """One picture: uint8 [256, 256, 3]."""
    ground = _gradient(generator)
    amount = generator.uniform(5, 60)
    coloured = ground + amount * _clouds(generator)[..., None] * generator.uniform(0.5, 1, 3)
    if generator.random() < 0.5:
        coloured = coloured + generator.uniform(5, 30) * _stripes(generator)[..., None]
    if generator.random() < 0.6:
        coloured = _with_shapes(coloured, generator)
    coloured = coloured + generator.normal(0, generator.uniform(0.5, 6), (SIDE, SIDE, 1))
    picture: Pixels = np.rint(coloured.clip(0, 255)).astype(np.uint8)
    return picture


def _gradient(generator: np.random.Generator) -> _Plane:
    """A plane of colour from one corner to the other: float64 [256, 256, 3]."""
    angle = generator.uniform(0, 2 * math.pi)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    along = np.cos(angle) * x + np.sin(angle) * y + 0.5
    start, end = generator.uniform(-10, 265, (2, 3))
    plane: _Plane = start + (end - start) * along[..., None]
    return plane


def _clouds(generator: np.random.Generator) -> _Plane:
    """Noise whose amplitude falls with frequency: float64 [256, 256], standard deviation 1."""
    frequencies = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
    frequencies[0, 0] = np.inf
    phases = generator.uniform(0, 2 * math.pi, frequencies.shape)
    spectrum = np.exp(1j * phases) / frequencies ** generator.uniform(0.7, 2.0)
    clouds = np.fft.irfft2(spectrum, (SIDE, SIDE))
    scaled: _Plane = clouds / clouds.std()
    return scaled


def _stripes(generator: np.random.Generator) -> _Plane:
    angle = generator.uniform(0, math.pi)
    period = math.exp(generator.uniform(math.log(3), math.log(64)))
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    waves: _Plane = np.sin(2 * math.pi * (np.cos(angle) * x + np.sin(angle) * y) / period)
    hard: _Plane = np.sign(waves)
    return hard if generator.random() < 0.5 else waves


def _with_shapes(coloured: _Plane, generator: np.random.Generator) -> _Plane:
    image = Image.fromarray(coloured.clip(0, 255).astype(np.uint8))
    canvas = ImageDraw.Draw(image)
    for _ in range(int(generator.integers(1, 12))):
        left, top = (int(v) for v in generator.integers(-40, SIDE, 2))
        right, bottom = (
            left + int(generator.integers(8, 150)),
            top + int(generator.integers(8, 150)),
        )
        colour = tuple(int(v) for v in generator.integers(0, 256, 3))
        draw = canvas.ellipse if generator.random() < 0.5 else canvas.rectangle
        draw((left, top, right, bottom), fill=colour)
    return np.asarray(image, dtype=np.float64)
