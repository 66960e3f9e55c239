"""What a training run is made of, and the runs that have names."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from fourcast_models.stego.codec import PROFILES, Profile
from fourcast_training.loop import LoopConfig
from fourcast_training.stego.data import DataConfig
from fourcast_training.stego.net import LatticeConfig
from fourcast_training.stego.noise import NoiseConfig

PROGRAM = "fourcast-train stego"

Preset = Literal["capacity", "robust", "slides", "smoke"]


@dataclass(frozen=True)
class TrainConfig:
    """Train an encoder and a decoder that hide text in pictures, measure and publish both.

    A preset fills in every option below; options given beside it win.
    """

    preset: Preset = "capacity"
    """`capacity`: much text, for files that are stored without loss. `robust`: less, but it stands
    JPEG, noise and resizing. Both take about 50 minutes of one free core. `slides`: the
    course's own autoencoder, measured and not published; about 60 minutes. `smoke`: the whole path
    in half a minute, on textures."""

    evaluate: bool = False
    """Only measure: the models that `repository` holds, on the test split."""

    trained: bool = True
    """Whether to train at all. Without, the networks stay the classical lattice code that they
    begin as, which is measured and published just the same."""

    profile: Literal["capacity", "robust"] = "capacity"
    """What the networks are for; names the models."""

    repository: Path | None = None
    """Publish to this model repository; None is the project's own, models/repository."""

    publish: bool = True
    """Whether to publish at all."""

    folder: Path = Path("runs/stego-capacity")
    """Checkpoint, pictures, metrics.json. A killed run continues from here."""

    slides: Path = Path("runs/stego-slides")
    """Folder of a finished `slides` run whose figures are shown for comparison, if it is there."""

    steps: int = 250
    """Batches of an epoch."""

    psnr: float = 49.7
    """In dB. Fainter changes are not rewarded in training; stronger ones cost."""

    visibility: float = 2.0
    """Weight of that cost beside the cross-entropy of the bits."""

    pictures: int = 40
    """Pictures of the test split that the evaluation hides texts in."""

    lattice: LatticeConfig = field(default_factory=LatticeConfig)
    """The networks."""

    noise: NoiseConfig = field(default_factory=NoiseConfig)
    """What training does to pictures between encoder and decoder."""

    data: DataConfig = field(default_factory=DataConfig)
    """The pictures."""

    loop: LoopConfig = field(default_factory=LoopConfig)
    """The training loop."""

    @property
    def rules(self) -> Profile:
        """The profile itself."""
        return PROFILES[self.profile]


_LOOP = LoopConfig(epochs=80, batch_size=64, learning_rate=5e-4, optimizer="adam", average=0.999)
_CAPACITY_LATTICE = LatticeConfig(step=4.5, amount=1.0, width=24, blocks=2)
_ROBUST_NOISE = NoiseConfig(
    nothing=0.05, jpeg=0.4, real_jpeg=0.1, webp=0.2, gaussian=0.12, resize=0.08, tone=0.05
)

PRESETS: dict[Preset, TrainConfig] = {
    "capacity": TrainConfig(lattice=_CAPACITY_LATTICE, loop=_LOOP),
    "robust": TrainConfig(
        preset="robust",
        profile="robust",
        folder=Path("runs/stego-robust"),
        psnr=42.6,
        lattice=LatticeConfig(step=30.0, amount=0.8, width=48, blocks=2),
        noise=_ROBUST_NOISE,
        loop=_LOOP,
    ),
    "slides": TrainConfig(
        preset="slides",
        folder=Path("runs/stego-slides"),
        publish=False,
        loop=replace(_LOOP, epochs=22, learning_rate=1e-3, average=0.0, schedule="constant"),
    ),
    "smoke": TrainConfig(
        preset="smoke",
        profile="robust",
        folder=Path("runs/stego-smoke"),
        repository=Path("runs/stego-smoke/repository"),
        steps=5,
        psnr=42.6,
        pictures=1,
        lattice=LatticeConfig(step=30.0, amount=0.8, width=8, blocks=1),
        noise=_ROBUST_NOISE,
        data=DataConfig(textures=20),
        loop=replace(_LOOP, epochs=2, batch_size=4, average=0.9),
    ),
}
