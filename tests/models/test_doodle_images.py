"""Photographs and screenshots to the data set's bitmap, compared with the strokes' own."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fourcast_models.doodle.images import bitmap_of, decode
from fourcast_models.doodle.strokes import DrawingError, EmptyDrawingError, draw, prepare
from fourcast_models.images import MAX_PIXELS

HOUSE = [
    [(0, 40), (0, 100), (100, 100), (100, 40), (0, 40)],
    [(0, 40), (50, 0), (100, 40)],
    [(40, 100), (40, 70), (60, 70), (60, 100)],
]


def picture(
    *,
    size: tuple[int, int] = (400, 400),
    scale: float = 2.5,
    at: tuple[float, float] = (70, 70),
    pen: int = 16,
    ink: int = 0,
    paper: int = 255,
) -> Image.Image:
    """The house with round caps, in grey."""
    image = Image.new("L", size, paper)
    canvas = ImageDraw.Draw(image)
    for stroke in HOUSE:
        points = [(at[0] + scale * x, at[1] + scale * y) for x, y in stroke]
        canvas.line(points, fill=ink, width=pen)
        for x, y in points:
            canvas.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=ink)
    return image


def difference(image: Image.Image) -> float:
    """Grey levels RMS between the image path and the stroke path."""
    expected = draw(prepare(HOUSE)).astype(np.float64)
    return float(np.sqrt(np.square(bitmap_of(image) - expected).mean()))


CLOSE = 34.0
"""Grey levels RMS; an empty bitmap is 109 from the house, and the house moved by a pixel 80."""


@pytest.mark.parametrize(
    "image",
    [
        picture(),
        picture(ink=255, paper=0),
        picture(ink=200, paper=90),
        picture(at=(110, 10)),
        picture(scale=1.0, pen=6, at=(200, 250)),
        picture(pen=8),
        picture(pen=32),
        picture(size=(1600, 900), scale=6.0, pen=40, at=(400, 100)),
        picture(size=(80, 80), scale=0.6, pen=4, at=(10, 10)),
        picture().convert("RGB"),
        picture().convert("1"),
        picture().convert("P"),
        picture().convert("I;16"),
    ],
)
def test_a_picture_becomes_what_its_strokes_become(image: Image.Image) -> None:
    assert difference(image) < CLOSE


def test_uneven_light_and_grain_are_borne() -> None:
    rng = np.random.default_rng(0)
    grey = np.asarray(picture(ink=60, paper=230), dtype=np.float64)
    light = np.linspace(0.55, 1.0, 400)[:, None] * np.linspace(1.0, 0.8, 400)
    photographed = (grey * light + rng.normal(0, 8, grey.shape)).clip(0, 255).astype(np.uint8)
    assert difference(Image.fromarray(photographed)) < CLOSE


def test_specks_do_not_move_the_drawing() -> None:
    image = picture()
    canvas = ImageDraw.Draw(image)
    for x, y in ((5, 5), (390, 12), (20, 380), (394, 391)):
        canvas.ellipse((x - 2, y - 2, x + 2, y + 2), fill=0)
    assert difference(image) < CLOSE


def test_what_is_filled_in_stays_filled() -> None:
    image = Image.new("L", (300, 300), 255)
    canvas = ImageDraw.Draw(image)
    canvas.line([(30, 150), (270, 150)], fill=0, width=12)
    canvas.ellipse((100, 100, 200, 200), fill=0)
    bitmap = bitmap_of(image)
    assert (bitmap[12:16, 12:16] == 255).all()
    assert (bitmap[11:17, 3:6].max(axis=0) > 200).all()
    assert bitmap[11:17, 4].astype(int).sum() < 2.2 * 255


def test_more_filled_in_than_drawn_stays_filled() -> None:
    # Most of what lies in the middle lies in the middle of the bar.
    image = Image.new("L", (300, 300), 255)
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((30, 130, 270, 170), fill=0)
    canvas.line([(40, 150), (40, 60), (110, 60)], fill=0, width=14)
    bitmap = bitmap_of(image)
    rows = np.flatnonzero(bitmap[:, 16] > 127)
    assert len(rows) >= 4
    assert (bitmap[rows[0] : rows[-1] + 1, 6:24] == 255).all()
    assert bitmap[rows[0] - 5, :8].astype(int).sum() < 2.4 * 255


def test_a_spot_alone_is_a_filled_circle() -> None:
    image = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(image).ellipse((40, 40, 80, 80), fill=0)
    bitmap = bitmap_of(image)
    y, x = np.mgrid[:28, :28] - 13.5
    radius = np.hypot(x, y)
    assert (bitmap[radius < 10] == 255).all()
    assert (bitmap[radius > 14] == 0).all()


@pytest.mark.parametrize("paper", [0, 128, 255])
def test_an_empty_picture_is_refused(paper: int) -> None:
    with pytest.raises(EmptyDrawingError, match="nothing stands out from its background"):
        bitmap_of(Image.new("L", (100, 80), paper))


def test_an_evenly_lit_sheet_with_grain_is_empty() -> None:
    rng = np.random.default_rng(0)
    light = np.linspace(120, 220, 300)[:, None] + rng.normal(0, 3, (300, 300))
    with pytest.raises(EmptyDrawingError):
        bitmap_of(Image.fromarray(light.astype(np.uint8)))


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 2), (2000, 4)])
def test_odd_sizes_are_answered_or_refused(size: tuple[int, int]) -> None:
    image = Image.new("L", size, 255)
    with pytest.raises(EmptyDrawingError):
        bitmap_of(image)
    image.paste(0, (0, 0, -(-size[0] // 8), size[1]))
    try:
        assert bitmap_of(image).max() > 200
    except EmptyDrawingError:
        assert size[0] == 1  # all ink, so no background


def test_a_picture_too_large_is_refused() -> None:
    with pytest.raises(DrawingError, match=f"at most {MAX_PIXELS:,}"):
        bitmap_of(Image.new("1", (8192, 8193)))


def encoded(image: Image.Image, form: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_files_are_read(form: str) -> None:
    assert difference(decode(encoded(picture(), form))) < CLOSE


@pytest.mark.parametrize("ink", [(0, 0, 0, 255), (255, 255, 255, 255), (220, 30, 30, 255)])
def test_a_transparent_background_is_background(ink: tuple[int, int, int, int]) -> None:
    image = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    image.paste(ink, mask=Image.eval(picture(), lambda grey: 255 - grey))
    assert difference(decode(encoded(image, "PNG"))) < CLOSE


def test_a_photograph_is_turned_upright() -> None:
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held sideways: turn by 90 degrees clockwise
    picture().transpose(Image.Transpose.ROTATE_90).save(stream, "JPEG", exif=exif)
    assert difference(decode(stream.getvalue())) < CLOSE


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a PNG, JPEG, WebP, GIF or BMP file"),
        (b"<svg></svg>", "not a PNG, JPEG, WebP, GIF or BMP file"),
        (encoded(picture(), "PNG")[:200], "the image is damaged"),
        (encoded(Image.new("1", (8192, 8193)), "PNG"), "8192 x 8193 pixels: at most"),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(DrawingError, match=words):
        decode(data)
