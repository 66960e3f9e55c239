"""What a training run is made of, and the runs that have names."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from fourcast_training.connect4.data import DataConfig
from fourcast_training.connect4.net import Architecture
from fourcast_training.loop import LoopConfig

PROGRAM = "fourcast-train connect4"

Preset = Literal["default", "practised", "slides", "smoke"]


@dataclass(frozen=True)
class TrainConfig:
    """Label positions, train a network, measure it on the test split and publish it.

    A preset fills in every option below; options given beside it win.
    """

    preset: Preset = "default"
    """`default`: from the labels. `practised`: the default's network, once it is finished, made
    wider and trained further with games of its own. `slides`: the course's own network and recipe,
    for comparison, not published. `smoke`: the whole path in a minute or two, on late positions."""

    evaluate: bool = False
    """Only measure: the model that `repository` holds, on the test split and on `sets`."""

    sets: Path | None = None
    """With --evaluate: a folder of public sets, files such as Test_L3_R1.txt, of lines
    "moves score". Their columns are labelled first; positions of few stones take long."""

    name: str = "connect4"
    """The model's name in the repository."""

    repository: Path | None = None
    """Publish to this model repository; None is the project's own, models/repository."""

    publish: bool = True
    """Whether to publish at all."""

    folder: Path = Path("runs/connect4-default")
    """Checkpoint, curves.png, metrics.json. A killed run continues from here."""

    begin_with: Path | None = None
    """Folder of a finished run, or of a published version such as models/repository/connect4/7:
    train its network further, on the labels and on games of its own against perfect play, see
    practice.py. It grows if `--channels` or `--blocks` say so; with `--loop.epochs 0` it is
    published as it is."""

    practice_games: int = 3000
    """With --begin-with: how many. A thousand take three to six minutes of a core."""

    beside: tuple[Path, ...] = ()
    """Folders of finished runs whose figures the card shows for comparison, if they are there."""

    architecture: Architecture = "residual"
    """`residual` or `slides`, see net.py."""

    channels: int = 64
    """Width of the residual network."""

    blocks: int = 5
    """Residual blocks, of two convolutions each."""

    target: Literal["scores", "best_column"] = "scores"
    """What the policy learns: a distribution over columns that follows their scores, so that
    equally good ones share it, or the leftmost best column (sparse categorical cross-entropy)."""

    temperature: float = 0.5
    """Of the distribution over scores: a column one point below the best gets exp(-1/temperature)
    of its share."""

    quantised: bool = True
    """Whether the published file does its sums in integers of eight bits: half of the size."""

    mirror: bool = True
    """Show every position at random as it is or in a mirror, and let the published network average
    what it says of both."""

    easy_share: float = 1 / 3
    """Share of the easy positions that an epoch shows, drawn anew for each, so that most of the
    time is for the others. Easy are positions of many stones or, with --begin-with, those that the
    network it begins with is sure of: all but a few of a hundred."""

    data: DataConfig = field(default_factory=DataConfig)
    """The labels."""

    loop: LoopConfig = field(default_factory=LoopConfig)
    """The training loop."""


_LOOP = LoopConfig(
    batch_size=256,
    learning_rate=6e-3,
    optimizer="muon",
    weight_decay=0.02,
    precision="auto",
)

PRESETS: dict[Preset, TrainConfig] = {
    "default": TrainConfig(
        beside=(Path("runs/connect4-slides"),),
        loop=replace(_LOOP, epochs=5),
    ),
    "practised": TrainConfig(
        preset="practised",
        folder=Path("runs/connect4-practised"),
        begin_with=Path("runs/connect4-default"),
        beside=(Path("runs/connect4-default"), Path("runs/connect4-slides")),
        channels=76,
        easy_share=0.15,
        loop=replace(_LOOP, epochs=12),
    ),
    "slides": TrainConfig(
        preset="slides",
        publish=False,
        folder=Path("runs/connect4-slides"),
        architecture="slides",
        target="best_column",
        quantised=False,
        mirror=False,
        easy_share=1.0,
        loop=LoopConfig(
            epochs=512,
            batch_size=64,
            learning_rate=0.001,
            schedule="constant",
            optimizer="adam",
            patience=10,
        ),
    ),
    "smoke": TrainConfig(
        preset="smoke",
        folder=Path("runs/connect4-smoke"),
        repository=Path("runs/connect4-smoke/repository"),
        channels=16,
        blocks=2,
        easy_share=1.0,
        data=DataConfig(
            train=3000,
            random=0,
            validation=500,
            test=500,
            first_ply=24,
            openings=0.0,
            games=0.0,
            folder=Path("runs/connect4-smoke/data"),
        ),
        loop=LoopConfig(epochs=4, batch_size=64, learning_rate=4e-3),
    ),
}
