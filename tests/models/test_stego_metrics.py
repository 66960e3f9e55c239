"""PSNR and SSIM against their definitions, written out window by window."""

import math

import numpy as np
import pytest

from fourcast_models.stego.codec import Pixels
from fourcast_models.stego.metrics import psnr, ssim


def pair(height: int, width: int, sigma: float) -> tuple[Pixels, Pixels]:
    generator = np.random.default_rng(3)
    one = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    noisy = (one + generator.normal(0, sigma, one.shape)).clip(0, 255)
    return one, noisy.astype(np.uint8)


def slow_ssim(one: Pixels, other: Pixels) -> float:
    """Wang et al. (2004), equations 13 to 16, one window at a time."""
    grid = np.mgrid[-5:6, -5:6]
    weights = np.exp(-(grid**2).sum(axis=0) / (2 * 1.5**2))
    weights /= weights.sum()
    values = []
    for colour in range(3):
        for top in range(one.shape[0] - 10):
            for left in range(one.shape[1] - 10):
                x, y = (
                    p[top : top + 11, left : left + 11, colour].astype(float) for p in (one, other)
                )
                mx, my = (weights * x).sum(), (weights * y).sum()
                vx, vy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
                cov = (weights * (x - mx) * (y - my)).sum()
                c1, c2 = 2.55**2, 7.65**2
                values.append(
                    (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
                )
    return float(np.mean(values))


def test_ssim_is_that_of_the_paper() -> None:
    one, other = pair(24, 31, 20.0)
    assert ssim(one, other) == pytest.approx(slow_ssim(one, other), abs=1e-9)


def test_large_pictures_are_taken_in_parts() -> None:
    one, other = pair(300, 530, 20.0)
    # Three strips that overlap by a window count every place once.
    parts = [ssim(one[a : b + 10], other[a : b + 10]) * (b - a) for a, b in ((0, 90), (90, 290))]
    assert ssim(one, other) == pytest.approx(sum(parts) / 290, abs=1e-9)


def test_equal_pictures() -> None:
    one, _ = pair(20, 20, 0.0)
    assert ssim(one, one) == pytest.approx(1)
    assert psnr(one, one) == math.inf


def test_psnr_of_one_grey_level() -> None:
    black = np.zeros((4, 4, 3), dtype=np.uint8)
    assert psnr(black, black + np.uint8(1)) == pytest.approx(20 * math.log10(255))
    assert psnr(black, black + np.uint8(255)) == pytest.approx(0)
