"""Other people's libraries, asked over standard input and output; runs in their environment.

A request is a pickled tuple: the name of a function below and its arguments. The answer is a
pickled pair: whether it succeeded, and its result or what it raised, in words.
"""

import io
import pickle
import sys

import cv2
import numpy as np
from imwatermark import WatermarkDecoder, WatermarkEncoder
from PIL import Image
from stegano import lsb

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]

_SAMPLINGS = {
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
}


def save_jpeg(pixels: Pixels, quality: int, sampling: str) -> Pixels:
    """Through OpenCV's JPEG."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _SAMPLINGS[sampling]]
    return _through(pixels, ".jpg", options)


def save_png(pixels: Pixels) -> Pixels:
    """Through OpenCV's PNG."""
    return _through(pixels, ".png", [])


def hide_lsb(pixels: Pixels, text: bytes) -> Pixels:
    """Stegano's least significant bits."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    hidden = lsb.hide(file, text.decode("ascii"))
    return np.asarray(hidden.convert("RGB"))


def reveal_lsb(pixels: Pixels) -> bytes:
    """What stegano reads."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return bytes(lsb.reveal(file).encode("utf-8", "surrogatepass"))


def hide_watermark(pixels: Pixels, text: bytes, method: str) -> Pixels:
    """By invisible-watermark."""
    encoder = WatermarkEncoder()
    encoder.set_watermark("bytes", text)
    return np.array(encoder.encode(pixels[..., ::-1].copy(), method)[..., ::-1])


def reveal_watermark(pixels: Pixels, size: int, method: str) -> bytes:
    """What invisible-watermark reads; it must be told how many bytes there are."""
    decoder = WatermarkDecoder("bytes", 8 * size)
    return bytes(decoder.decode(pixels[..., ::-1].copy(), method))


def _through(pixels: Pixels, suffix: str, options: list[int]) -> Pixels:
    _, data = cv2.imencode(suffix, pixels[..., ::-1], options)
    return np.array(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


FUNCTIONS = {
    function.__name__: function
    for function in (save_jpeg, save_png, hide_lsb, reveal_lsb, hide_watermark, reveal_watermark)
}


def main() -> None:
    """Answer until standard input closes."""
    cv2.setNumThreads(1)
    answers = sys.stdout.buffer
    # Whatever the libraries print must not come between the answers.
    sys.stdout = sys.stderr
    while True:
        try:
            name, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        answer: tuple[bool, Pixels | bytes | str]
        try:
            answer = True, FUNCTIONS[name](*arguments)
        except Exception as error:  # noqa: BLE001 - whatever a library raises is its answer
            answer = False, f"{type(error).__name__}: {error}"
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
