"""What is measured of a pair of networks: visibility, bit errors, texts that come back."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fourcast_models.stego import channel, hide, payload
from fourcast_models.stego.codec import ROBUST, Pixels, Profile, decode_picture
from fourcast_models.stego.errors import CannotHideError, StegoError, TextTooLongError
from fourcast_models.stego.hide import Networks
from fourcast_models.stego.ldpc import Bits
from fourcast_training.stego.attacks import LOSSLESS, LOSSY
from fourcast_training.stego.data import Split

_SEED = 20


@dataclass(frozen=True)
class Row:
    """Pictures after one change.

    Attributes:
        exact: Share of the texts that came back, 0 to 1.
        wrong: Texts that came back otherwise; there must be none.
        errors: Share of wrong bits before any correction, without the equaliser; None where the
            picture has another size.
    """

    exact: float
    wrong: int
    errors: float | None


@dataclass(frozen=True)
class Report:
    """What was measured on the test split, with random texts that fill the pictures.

    Attributes:
        profile: Of the networks.
        pictures: How many were measured.
        refused: In how many of them nothing could be hidden.
        psnr: Of each picture, in dB.
        ssim: Of each picture.
        tries: Calls of the encoder, on average.
        rows: By change.
        milliseconds: Medians of hiding (with verification) and of revealing from the PNG's pixels.
    """

    profile: Profile
    pictures: int
    refused: int
    psnr: list[float]
    ssim: list[float]
    tries: float
    rows: Mapping[str, Row]
    milliseconds: tuple[float, float] = field(compare=False)

    def metrics(self) -> dict[str, float]:
        """Figures for the file's metadata."""
        return {
            "psnr_mean": float(np.mean(self.psnr)),
            "psnr_min": min(self.psnr),
            "ssim_mean": float(np.mean(self.ssim)),
            "ssim_min": min(self.ssim),
            **{f"exact {name}": row.exact for name, row in self.rows.items()},
        }

    def text(self) -> str:
        """All of it but the time in Markdown."""
        capacity = hide.capacity(self.profile, 256, 256)
        lines = [
            f"{self.pictures} pictures, {self.refused} of them refused; a 256x256 picture holds "
            f"{capacity:,} bytes of text that cannot be compressed.",
            "",
            "| | mean | minimum |",
            "| --- | ---: | ---: |",
            f"| PSNR, dB | {np.mean(self.psnr):.2f} | {min(self.psnr):.2f} |",
            f"| SSIM | {np.mean(self.ssim):.4f} | {min(self.ssim):.4f} |",
            "",
            f"The encoder was asked {self.tries:.1f} times a picture.",
            "",
            "| change | exact texts | wrong texts | wrong bits before correction |",
            "| --- | ---: | ---: | ---: |",
        ]
        for name, row in self.rows.items():
            errors = "" if row.errors is None else f"{row.errors:.3%}"
            lines.append(f"| {name} | {row.exact:.1%} | {row.wrong} | {errors} |")
        return "\n".join(lines)

    def time(self) -> str:
        """The time in words."""
        first, second = self.milliseconds
        return (
            f"Hiding with verification takes {first:.1f} ms in the median, revealing {second:.1f} "
            "ms, from pixels to pixels or text."
        )


def evaluate(networks: Networks, profile: Profile, split: Split, pictures: int) -> Report:
    """Hide texts in the first pictures of a split and read them back after every change.

    Raises:
        ValueError: If nothing could be hidden in any of them.
    """
    generator = np.random.default_rng(_SEED)
    attacks = LOSSY if profile is ROBUST else LOSSLESS
    exact = dict.fromkeys(attacks, 0)
    wrong = dict.fromkeys(attacks, 0)
    errors: dict[str, list[float]] = {name: [] for name in attacks}
    psnr, ssim, tries, hiding, revealing = [], [], [], [], []
    # Evenly over the split, so that few pictures are not the crops of one photograph.
    places = np.linspace(0, len(split.pictures) - 1, min(pictures, len(split.pictures)))
    chosen = [split.pictures[round(place)] for place in places]
    for cover in chosen:
        layout = profile.layout(*cover.shape[:2])
        text = full_text(generator, layout.capacity)
        start = time.perf_counter()
        try:
            hidden = hide.hide(networks, profile, cover, text)
        except CannotHideError:
            continue
        hiding.append(time.perf_counter() - start)
        psnr.append(hidden.psnr)
        ssim.append(hidden.ssim)
        tries.append(hidden.tries)
        message = channel.write(layout, payload.pack(text, None, layout.capacity))
        start = time.perf_counter()
        hide.reveal({profile: networks}, hidden.pixels)
        revealing.append(time.perf_counter() - start)
        for name, attack in attacks.items():
            changed = attack(hidden.pixels, generator)
            if changed.shape == cover.shape:
                errors[name].append(_bit_errors(networks, profile, changed, message))
            try:
                found = hide.reveal({profile: networks}, changed).text
            except StegoError:
                continue
            exact[name] += found == text
            wrong[name] += found != text
    if not psnr:
        raise ValueError(f"nothing could be hidden in any of {len(chosen)} pictures")
    rows = {
        name: Row(
            exact[name] / len(chosen),
            wrong[name],
            float(np.mean(errors[name])) if errors[name] else None,
        )
        for name in attacks
    }
    return Report(
        profile=profile,
        pictures=len(chosen),
        refused=len(chosen) - len(psnr),
        psnr=psnr,
        ssim=ssim,
        tries=float(np.mean(tries)),
        rows=rows,
        milliseconds=(1000 * float(np.median(hiding)), 1000 * float(np.median(revealing))),
    )


def full_text(generator: np.random.Generator, capacity: int) -> str:
    """Random printable ASCII, as long as fits after compression."""
    letters = generator.integers(32, 127, 2 * capacity + 16, dtype=np.uint8).tobytes().decode()
    low, high = 0, len(letters)
    while low < high:
        middle = (low + high + 1) // 2
        try:
            payload.pack(letters[:middle], None, capacity)
        except TextTooLongError:
            high = middle - 1
        else:
            low = middle
    return letters[:low]


def _bit_errors(networks: Networks, profile: Profile, pixels: Pixels, message: Bits) -> float:
    """The share of wrong bits among those that were written."""
    sent = message != channel.KEEP
    read = decode_picture(networks.decode, profile, pixels)[sent] > 0
    return float((read != (message[sent] == 1)).mean())
