"""The model card of a doodle network, written from what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fourcast_models.doodle import codec
from fourcast_training.doodle.augment import TRAINED_SCRIBBLES
from fourcast_training.doodle.drawings import Drawings
from fourcast_training.doodle.net import Views
from fourcast_training.doodle.presets import TrainConfig
from fourcast_training.doodle.report import Report
from fourcast_training.loop import Progress
from fourcast_training.published import made_by

CARD = """\
# {name}, version {version}

Names what is drawn in a doodle: one of the 345 categories of Quick, Draw!. {reads}

| tensor | | type and shape | meaning |
| --- | --- | --- | --- |
| `{input}` | input | UINT8 {input_shape} | {input_meaning} |
| `probabilities` | output | FP32 [N, 345] | how probable each category is, in the order of \
`fourcast_models/doodle/categories.txt` |

Inputs are drawn by `fourcast_models.doodle.strokes` from strokes{or_images}. A picture that was
merely shrunk is read much worse.

{parameters:,} parameters in plain residual blocks{training_run}.
{beginning}{views}{integers}The probabilities are calibrated by a temperature of
{temperature:.3f}, fitted on the validation split. Made by the following command, with seed
{split_seed} for the split and seed {training_seed} for the training:

    {command}

## Test split

{drawings} drawings, as many of each category, that neither training nor the choice of the epoch nor
the temperature saw. MAP@3 counts 1 for a right first guess, 1/2 for a second, 1/3 for a third.
`fourcast-train doodle --preset {preset} --evaluate` prints all this again from the published file,
with the time of a guess.

{report}

## Data

The Quick, Draw! Dataset by Google, CC BY 4.0: {training} drawings to train on, {fewest} to {most}
of a category. Scribbles of the kinds {trained}
were shown in training, with every category as probable; other kinds, letters and digits were not.
SHA-256 of the splits:

{hashes}

## Limits

- Some drawings of the data set are wrong or unfinished: no network can be right on all of them, and
  people are not either.
- It always answers with categories of the list. A low top probability says that it may be none.
- A photograph must show the drawing on paper of one colour that fills the picture.

## Licence

Apache-2.0, as the rest of fourcast. The drawings it learnt from are Google's, CC BY 4.0.
"""

VIEWS: dict[Views, str] = {
    1: "",
    2: "Guesses for the picture and for its mirror image are averaged.\n",
    8: "Guesses for the picture and for its mirror image, each a pixel nearer to each corner, are\n"
    "averaged.\n",
}


@dataclass(frozen=True)
class Result:
    """A finished run and what it scored on the test split.

    Attributes:
        command: What makes it again.
        config: Of the run.
        parameters: Of the network.
        temperature: By which its logits are divided.
        progress: Of the training.
        report: What was measured.
        data: The splits, "train", "validation" and "test".
    """

    command: str
    config: TrainConfig
    parameters: int
    temperature: float
    progress: Progress
    report: Report
    data: Mapping[str, Drawings]


def write_card(version: int, result: Result) -> str:
    """The card as Markdown."""
    config = result.config
    is_bitmap = config.picture == "bitmap"
    spec = codec.BITMAP if is_bitmap else codec.RASTER
    training = result.data["train"].labels
    counts = np.bincount(training)[np.unique(training)]
    return CARD.format(
        name=config.name,
        version=version,
        reads=(
            "It reads the data set's 28x28 bitmap, so it needs no strokes and reads images too."
            if is_bitmap
            else "It reads a larger picture drawn from the strokes that also shows their order."
        ),
        input=spec.name,
        input_shape=f"[N, {', '.join(map(str, spec.dims))}]",
        input_meaning=(
            "0 background, 255 ink"
            if is_bitmap
            else "channel 0 ink, channel 1 ink that fades from the first point to the last"
        ),
        or_images=", or by `fourcast_models.doodle.images` from images" if is_bitmap else "",
        parameters=result.parameters,
        training_run=(
            f", trained for {result.progress.epoch} epochs of {config.per_class}\npictures a "
            f"category; the weights are those of epoch {result.progress.best_epoch}, the best on "
            "the validation split"
            if result.progress.epoch
            else ", trained no further here"
        ),
        beginning=(
            f"It began as an earlier network, `{config.begin_with}`{made_by(config.begin_with)}"
            f"{_blended(config.blend)}.\n"
            if config.begin_with
            else ""
        ),
        views=VIEWS[config.views],
        integers=(
            "The file's sums are done in integers of eight bits, and everything below is measured "
            "of the file.\n"
            if config.quantised
            else ""
        ),
        temperature=result.temperature,
        split_seed=config.data.seed,
        training_seed=config.loop.seed,
        command=result.command,
        drawings=result.report.figures.drawings,
        preset=config.preset,
        report=result.report.text(),
        training=len(training),
        trained=", ".join(f"`{kind}`" for kind in TRAINED_SCRIBBLES),
        fewest=counts.min(),
        most=counts.max(),
        hashes="\n".join(f"- {split}: `{d.sha256}`" for split, d in result.data.items()),
    )


def _blended(share: float) -> str:
    """What was published of the training, if not all of it."""
    if share == 1:
        return ""
    return (
        f";\nthe weights are the mean of those then ({1 - share:.0%}) and of those after training "
        f"({share:.0%})"
    )
