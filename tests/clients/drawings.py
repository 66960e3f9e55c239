"""Drawings for the tests, and the pictures of them."""

import io

from PIL import Image, ImageDraw

Points = list[tuple[float, float]]

LINE: Points = [(0, 0), (90, 10)]
HOOK: Points = [(30, 90), (80, 20), (85, 90)]
DOT: Points = [(50, 50)]


def picture(*strokes: Points, form: str = "PNG") -> bytes:
    """An image file with the strokes in black on white."""
    image = Image.new("L", (200, 200), 255)
    for points in strokes:
        line = [(50 + x, 50 + y) for x, y in points]
        ImageDraw.Draw(image).line(line, fill=0, width=6)
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()
