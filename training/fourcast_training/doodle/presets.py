"""What a training run is made of, and the runs that have names."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from fourcast_training.doodle.augment import AugmentConfig, Picture
from fourcast_training.doodle.data import DataConfig
from fourcast_training.doodle.net import Views
from fourcast_training.loop import LoopConfig

PROGRAM = "fourcast-train doodle"

Preset = Literal["default", "small", "strokes", "smoke"]


@dataclass(frozen=True)
class TrainConfig:
    """Train a network that names doodles, measure it on the test split and publish it.

    A preset fills in every option below; options given beside it win.
    """

    preset: Preset = "default"
    """`default`: reads bitmaps, taught by the published `doodle_strokes`; about 120 minutes of two
    cores with bfloat16. `strokes`: reads larger pictures that show the order of the strokes; about
    80 minutes. `small`: bitmaps, for little computers, taught like the first; about 35 minutes of
    two cores. `smoke`: the whole path in a minute, on shapes drawn by this project, without the
    data set. Cores without bfloat16 take 1.6 times as long."""

    evaluate: bool = False
    """Only measure: the model that `repository` holds, on the test split. Takes some minutes, most
    of them for made-up photographs."""

    name: str = "doodle"
    """The model's name in the repository."""

    repository: Path | None = None
    """Publish to this model repository; None is the project's own, models/repository."""

    publish: bool = True
    """Whether to publish at all."""

    folder: Path = Path("runs/doodle-default")
    """Checkpoint, pictures, metrics.json. A killed run continues from here."""

    begin_with: Path | None = None
    """Begin with another network in place of random weights: that of the run in this folder, or of
    a published version, such as models/repository/doodle/5. To train on, to learn other drawings,
    or to grow by more `--blocks` or larger `--widths`; with `--loop.epochs 0`, to publish it as it
    is, in integers for example. Its split must be this one's, or it has seen drawings of the
    test."""

    blend: float = 1.0
    """With --begin-with: the share of the trained weights in those that are published; the rest are
    those that it began with. A network that was trained further, but not for long, may gain more
    from 0.4 than from all."""

    beside: tuple[Path, ...] = tuple(Path(f"runs/doodle-drawings/{n}") for n in (100, 200, 400))
    """Folders of finished runs whose figures are shown for comparison, if they are there. Those of
    the default come from `python -m benchmarks.doodle_drawings`, and tell what more drawings would
    give."""

    picture: Picture = "bitmap"
    """What the network reads: `bitmap` 28x28, or `raster` 56x56 with a channel for the order."""

    stem: int = 32
    """Channels of the first convolution."""

    widths: tuple[int, ...] = (64, 128, 256)
    """Channels of each stage, see net.py."""

    blocks: tuple[int, ...] = (1, 1, 1)
    """Residual blocks of each stage."""

    dropout: float = 0.0
    """Share of the features before the last layer that are left out in training."""

    views: Views = 8
    """Of how many views of a picture the published model averages its guesses: 1 is the picture, 2
    are that and its mirror image, 8 are both moved by a pixel towards each corner. It costs as many
    times the work."""

    quantised: bool = True
    """Whether the published file does its sums in integers of eight bits: a third of the size, less
    than half of the time."""

    label_smoothing: float = 0.1
    """Share of each target that is spread over all categories."""

    teacher: str | None = None
    """A published doodle model of `repository`, from whose guesses this one learns, too; it may
    read another kind of picture."""

    teacher_share: float = 0.7
    """Of the loss that measures how far the guesses are from the teacher's; the rest is labels."""

    imaged: int = 0
    """Training drawings of each category that are shown as the image path sees them, too, so that
    screenshots and photographs are read as well as strokes; for `bitmap` only."""

    per_class: int = 100
    """Pictures of each category in an epoch; an epoch is not a pass over the data."""

    reuse: int = 3
    """Epochs that use one set of augmented pictures before it is drawn anew."""

    jobs: int = -1
    """Processes that draw pictures; -1 is one less than there are cores, 0 draws in this one."""

    image_drawings: int = 5
    """Drawings of each category that the evaluation turns into screenshots and photographs; 0 goes
    without, and without letters."""

    scribbles: int = 500
    """Scribbles of each kind that the evaluation shows."""

    augment: AugmentConfig = field(default_factory=AugmentConfig)
    """How much drawings vary in training."""

    data: DataConfig = field(default_factory=DataConfig)
    """The drawings."""

    loop: LoopConfig = field(default_factory=LoopConfig)
    """The training loop."""


_LOOP = LoopConfig(
    batch_size=128,
    learning_rate=1e-2,
    weight_decay=0.05,
    average=0.999,
    precision="auto",
)

_AUGMENT = AugmentConfig(unfinished=0.4, scribbles=0.06)

_AUGMENT_BITMAPS = replace(_AUGMENT, thick=0.1)

PRESETS: dict[Preset, TrainConfig] = {
    "default": TrainConfig(
        widths=(96, 192, 384),
        teacher="doodle_strokes",
        imaged=40,
        augment=_AUGMENT_BITMAPS,
        loop=replace(_LOOP, epochs=70),
    ),
    "strokes": TrainConfig(
        preset="strokes",
        name="doodle_strokes",
        folder=Path("runs/doodle-strokes"),
        beside=(),
        picture="raster",
        widths=(96, 192, 384),
        augment=_AUGMENT,
        loop=replace(_LOOP, epochs=45),
    ),
    "small": TrainConfig(
        preset="small",
        name="doodle_small",
        folder=Path("runs/doodle-small"),
        beside=(),
        stem=24,
        widths=(48, 96, 184),
        teacher="doodle_strokes",
        imaged=12,
        augment=_AUGMENT_BITMAPS,
        loop=replace(_LOOP, epochs=50),
    ),
    "smoke": TrainConfig(
        preset="smoke",
        folder=Path("runs/doodle-smoke"),
        repository=Path("runs/doodle-smoke/repository"),
        beside=(),
        stem=8,
        widths=(16, 32, 64),
        per_class=40,
        jobs=1,
        imaged=2,
        image_drawings=1,
        scribbles=50,
        data=DataConfig(generated=100, validation=10, test=20),
        loop=LoopConfig(
            epochs=6, batch_size=32, learning_rate=4e-3, weight_decay=0.02, average=0.95
        ),
    ),
}
