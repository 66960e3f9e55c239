"""What happens to pictures on their way, in forms that gradients pass through.

Everything here takes and gives float32 [N, 3, height, width] of 0 to 255, sides that are multiples
of 16. Which change a batch meets is drawn from torch's generator, which the loop seeds.
"""

import io
import math
from dataclasses import dataclass, fields

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from fourcast_training.stego.net import LUMA


@dataclass(frozen=True)
class NoiseConfig:
    """How often a batch meets each change, relative to each other."""

    nothing: float = 1.0
    """Saved without loss."""

    jpeg: float = 0.0
    """JPEG of quality 40 to 95, 4:2:0 or 4:4:4, by formula."""

    real_jpeg: float = 0.0
    """The same by Pillow; gradients pass as if nothing had happened."""

    webp: float = 0.0
    """WebP of quality 75 to 95 by Pillow, likewise."""

    gaussian: float = 0.0
    """Gaussian noise with a standard deviation of up to 4 grey levels."""

    resize: float = 0.0
    """Resized by 0.75 to 2 and back."""

    tone: float = 0.0
    """Brightness or contrast changed by up to 1 %: the equaliser has undone the rest."""


_QUALITIES = (40, 95)
_WEBP_QUALITIES = (75, 95)
_LARGEST_SIGMA = 4.0
_SCALES = (0.75, 2.0)
_TONES = 0.01

# ITU-T T.81, Annex K, tables K.1 and K.2.
_LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_COLOUR_TABLE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8 for _ in range(4)),
)


def disturb(images: Tensor, config: NoiseConfig) -> Tensor:
    """One change, drawn at random, of the whole batch; rounded to whole grey levels."""
    names = [field.name for field in fields(config)]
    weights = torch.tensor([getattr(config, name) for name in names])
    match names[int(torch.multinomial(weights, 1))]:
        case "jpeg":
            images = jpeg(images, _uniform(*_QUALITIES), halved_colour=_uniform(0, 1) < 0.6)
        case "real_jpeg":
            subsampling = 2 if _uniform(0, 1) < 0.6 else 0
            images = by_pillow(
                images, "JPEG", quality=int(_uniform(*_QUALITIES)), subsampling=subsampling
            )
        case "webp":
            images = by_pillow(images, "WEBP", quality=int(_uniform(*_WEBP_QUALITIES)))
        case "gaussian":
            images = images + torch.randn_like(images) * _uniform(0, _LARGEST_SIGMA)
        case "resize":
            images = resized_and_back(images, _uniform(*_SCALES))
        case "tone":
            gain = 1 + _uniform(-_TONES, _TONES)
            images = (images - 128) * gain + 128 + _uniform(-10, 10)
    return rounded(images.clamp(0, 255))


def rounded(values: Tensor) -> Tensor:
    """Whole numbers, with the gradient of the identity (straight-through; Bengio et al., 2013)."""
    return values + (values.round() - values).detach()


def jpeg(images: Tensor, quality: float, *, halved_colour: bool) -> Tensor:
    """What a JPEG file of these pictures would show, the rounding straight-through.

    Args:
        images: Float32 [N, 3, height, width].
        quality: 1 to 100, as libjpeg scales its tables.
        halved_colour: Whether the colour differences have half the resolution (4:2:0).
    """
    scale = 50 / quality if quality < 50 else 2 - quality / 50
    parts = _to_ycbcr(images)
    if halved_colour:
        colours = functional.avg_pool2d(parts[:, 1:], 2)
    else:
        colours = parts[:, 1:]
    luma = _coded(parts[:, :1], _LUMA_TABLE, scale)
    colours = _coded(colours, _COLOUR_TABLE, scale)
    if halved_colour:
        colours = functional.interpolate(colours, scale_factor=2, mode="bilinear")
    return _to_rgb(torch.cat((luma, colours), dim=1))


def by_pillow(images: Tensor, file_format: str, **options: int) -> Tensor:
    """Saved and loaded by Pillow, straight-through."""
    pixels = images.detach().clamp(0, 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    loaded = []
    for one in pixels:
        file = io.BytesIO()
        Image.fromarray(one).save(file, file_format, **options)
        loaded.append(np.asarray(Image.open(file).convert("RGB")))
    after = torch.from_numpy(np.stack(loaded)).permute(0, 3, 1, 2).to(images)
    return images + (after - images).detach()


def resized_and_back(images: Tensor, scale: float) -> Tensor:
    """Resized by this factor with a kernel drawn at random, and back with the same one."""
    mode = "bilinear" if _uniform(0, 1) < 0.5 else "bicubic"
    size = [round(side * scale) for side in images.shape[2:]]
    there = functional.interpolate(images, size, mode=mode, antialias=True)
    return functional.interpolate(there, images.shape[2:], mode=mode, antialias=True)


def _uniform(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))


def _coded(plane: Tensor, table: tuple[tuple[int, ...], ...], scale: float) -> Tensor:
    """Blocks of 8x8 through DCT, quantisation and back."""
    steps = (torch.tensor(table, dtype=torch.float32, device=plane.device) * scale).round()
    steps = steps.clamp(1, 255).view(1, 64, 1, 1)
    waves = _dct_waves().to(plane.device)
    n, colours, height, width = plane.shape
    single = (plane - 128).reshape(n * colours, 1, height, width)
    coefficients = functional.conv2d(single, waves, stride=8) / steps
    restored = functional.conv_transpose2d(rounded(coefficients) * steps, waves, stride=8)
    return restored.reshape(plane.shape) + 128


def _dct_waves() -> Tensor:
    """The 64 orthonormal waves: float32 [64, 1, 8, 8]."""
    places = torch.arange(8)
    waves = torch.cos(math.pi * (places + 0.5) * places[:, None] / 8) / 2
    waves[0] /= math.sqrt(2)
    return torch.einsum("ui,vj->uvij", waves, waves).reshape(64, 1, 8, 8)


def _to_ycbcr(images: Tensor) -> Tensor:
    """ITU-T T.871, colour differences around 128."""
    red, green, blue = images.unbind(1)
    luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    blueness = (blue - luma) / (2 - 2 * LUMA[2]) + 128
    redness = (red - luma) / (2 - 2 * LUMA[0]) + 128
    return torch.stack((luma, blueness, redness), dim=1)


def _to_rgb(parts: Tensor) -> Tensor:
    luma, blueness, redness = parts.unbind(1)
    red = luma + (2 - 2 * LUMA[0]) * (redness - 128)
    blue = luma + (2 - 2 * LUMA[2]) * (blueness - 128)
    green = (luma - LUMA[0] * red - LUMA[2] * blue) / LUMA[1]
    return torch.stack((red, green, blue), dim=1)
