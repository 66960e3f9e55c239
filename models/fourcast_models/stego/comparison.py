"""Cover, stego picture and what lies between them, side by side, for people to look at."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fourcast_models.stego.codec import Pixels
from fourcast_models.stego.metrics import psnr

AMPLIFIED = 20
"""By which differences are multiplied to be seen; grey is none."""

_SIDE, _GAP, _CAPTION = 512, 16, 40
"""Of the square that holds a picture, between and around squares, and above them, in pixels."""

_FONT_SIZE = 20

_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


def side_by_side(cover: Pixels, stego: Pixels) -> Pixels:
    """The two pictures and their amplified difference, with the PSNR.

    Small pictures are enlarged by a whole number, pixel for pixel. Of large ones some pixels are
    left out: an average would hide what changed.

    Args:
        cover: Uint8 [height, width, 3].
        stego: Of the same shape.

    Returns:
        Uint8, about [584, 1600, 3]; lower where the pictures are broad.
    """
    step = -(-max(cover.shape[:2]) // _SIDE)
    seen = [picture[::step, ::step] for picture in (cover, stego)]
    difference = seen[1].astype(np.int16) - seen[0]
    amplified = (128 + AMPLIFIED * difference).clip(0, 255).astype(np.uint8)
    captions = (
        "picture given",
        f"with the text, PSNR {psnr(cover, stego):.1f} dB",
        f"difference, x{AMPLIFIED}",
    )
    enlarged = _SIDE // max(seen[0].shape[:2])
    height, width = (enlarged * side for side in seen[0].shape[:2])
    sheet = Image.new("RGB", (4 * _GAP + 3 * _SIDE, _CAPTION + height + 2 * _GAP), _WHITE)
    canvas = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_FONT_SIZE)
    for number, (pixels, caption) in enumerate(zip((*seen, amplified), captions, strict=True)):
        left = _GAP + number * (_SIDE + _GAP)
        canvas.text((left + _SIDE // 2, _GAP + _CAPTION // 2), caption, _BLACK, font, anchor="mm")
        image = Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST)
        sheet.paste(image, (left + (_SIDE - width) // 2, _GAP + _CAPTION))
    return np.asarray(sheet)
