"""How well a detector that the project trains tells pictures with a text from those without."""

import zlib

import numpy as np

from benchmarks.stego.methods import Method, RefusedError
from fourcast_models.stego.codec import Pixels
from fourcast_training.stego.data import Split
from fourcast_training.stego.detector import area_under_curve, train_detector


def detect(method: Method, training: Split, test: Split, seed: int) -> float:
    """The area under the curve on pictures that the detector did not see; a half is guessing.

    Each picture is there twice, without and with a text of the method's.

    Raises:
        ValueError: If the method hides nothing in any of them.
    """
    detector = train_detector(*_pairs(method, training, seed))
    covers, stegos = _pairs(method, test, seed)
    return area_under_curve(detector.scores(covers), detector.scores(stegos))


def _pairs(method: Method, split: Split, seed: int) -> tuple[list[Pixels], list[Pixels]]:
    covers, stegos = [], []
    for name, cover in zip(split.names, split.pictures, strict=True):
        generator = np.random.default_rng([seed, zlib.crc32(f"{method.title} {name}".encode())])
        try:
            stego = method.hide(cover, method.text(generator, *cover.shape[:2]))
        except RefusedError:
            continue
        covers.append(cover)
        stegos.append(stego)
    return covers, stegos
