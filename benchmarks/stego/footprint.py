"""Time and memory of hiding and revealing, in a process of its own with one thread.

Time is the processor's, which is what passes on an otherwise idle core and what others on this
machine hardly change.

python -m benchmarks.stego.footprint --models DIR --profile robust --side 256 --times 30
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from benchmarks.stego.networks import published_networks
from fourcast_models.stego import hide
from fourcast_models.stego.codec import PROFILES, Pixels
from fourcast_models.stego.pictures import Picture, read_picture, write_png
from fourcast_training.stego.data import DataConfig, load
from fourcast_training.stego.evaluate import full_text
from fourcast_training.stego.textures import texture

_LONGEST_TEXT = 100_000
"""Characters; a longer one says nothing more about memory."""

_WARM_UP = 2


@dataclass(frozen=True)
class Footprint:
    """What was measured.

    Attributes:
        hide_ms: Median of hiding with verification, from pixels to pixels, in milliseconds of one
            processor.
        reveal_ms: Median of revealing, from pixels to text.
        mebibytes: The process's memory at most, from the file of a picture to the text from the
            file with it, above what it had with the networks loaded.
        exact: Whether every text came back.
    """

    hide_ms: float
    reveal_ms: float
    mebibytes: float
    exact: bool


def footprint(
    models: Path, profile: str, side: int, times: int, pictures: Path | None = None
) -> Footprint:
    """Measure in a child process.

    Raises:
        RuntimeError: If it fails; its words stand on standard error.
    """
    command = [sys.executable, "-m", "benchmarks.stego.footprint"]
    command += ["--models", str(models), "--profile", profile]
    command += ["--side", str(side), "--times", str(times)]
    command += ["--pictures", str(pictures)] if pictures else []
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    done = subprocess.run(
        command, env={**os.environ, **threads}, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"measuring {profile} at {side}x{side} failed; the reason stands above")
    return Footprint(**json.loads(done.stdout))


@dataclass(frozen=True, kw_only=True)
class Child:
    """Measure, and print the figures as JSON."""

    models: Path
    """The model repository."""

    profile: Literal["capacity", "robust"]
    """What is measured."""

    side: int
    """Of the pictures, in pixels."""

    times: int
    """How many pictures."""

    pictures: Path | None = None
    """Where the pictures come from: the test split of a folder of photographs; None makes textures
    and repeats them as often as needed."""

    def run(self) -> Footprint:
        """Measure."""
        profile = PROFILES[self.profile]
        networks = published_networks(self.models)
        generator = np.random.default_rng(0)
        photographs = load(DataConfig(images=self.pictures))["test"] if self.pictures else None
        loaded = _peak()
        hiding, revealing, exact = [], [], True
        for number in range(self.times + _WARM_UP if self.times > 1 else 1):
            tile = (
                photographs.pictures[7 * number % len(photographs.pictures)]
                if photographs
                else texture(np.random.default_rng([7, number]))
            )
            cover = read_picture(write_png(Picture(_cover(self.side, tile)))).pixels
            room = profile.layout(self.side, self.side).capacity
            text = full_text(generator, min(room, _LONGEST_TEXT))
            start = time.process_time()
            hidden = hide.hide(networks[profile], profile, cover, text)
            hiding.append(time.process_time() - start)
            stego = write_png(Picture(hidden.pixels))
            del hidden
            pixels = read_picture(stego).pixels
            start = time.process_time()
            exact &= hide.reveal(networks, pixels).text == text
            revealing.append(time.process_time() - start)
        skipped = _WARM_UP if self.times > 1 else 0
        return Footprint(
            hide_ms=1000 * float(np.median(hiding[skipped:])),
            reveal_ms=1000 * float(np.median(revealing[skipped:])),
            mebibytes=_peak() - loaded,
            exact=exact,
        )


def _peak() -> float:
    """Of this process's memory so far, in MiB.

    As Linux says it: what getrusage says counts what the parent had before this program began.
    """
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _cover(side: int, tile: Pixels) -> Pixels:
    """The tile, repeated as often as needed."""
    repeats = -(-side // min(tile.shape[:2]))
    return np.ascontiguousarray(np.tile(tile, (repeats, repeats, 1))[:side, :side])


if __name__ == "__main__":
    print(json.dumps(asdict(tyro.cli(Child).run())))
