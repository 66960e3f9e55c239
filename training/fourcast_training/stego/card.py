"""The model card of a steganography network, written from what was measured."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fourcast_models.stego.codec import IMAGE, MAX_SIDE, MIN_SIDE, STEGO, STRENGTH
from fourcast_training.loop import Progress
from fourcast_training.stego.data import Split
from fourcast_training.stego.evaluate import Report
from fourcast_training.stego.presets import TrainConfig

METRICS_FILE = "metrics.json"

_CARD = """\
# {name}, version {version}

The {side} of the profile `{profile}`, one of two networks that hide a text in a picture and read it
back. {purpose}

| tensor | | type and shape | meaning |
| --- | --- | --- | --- |
{tensors}

The networks carry raw bits, of which some come back wrong. Use them through
`fourcast_models.stego.hide`, which adds error correction, verifies what it hides, and gives a text
back exactly or not at all. Pictures of {min_side} to {max_side:,} pixels a side are cut into tiles.

A lattice code (quantisation index modulation, Chen and Wornell, 2001) on a block transform of
{block}x{block} pixels, whose transform, steps and amounts are learned, with residual blocks that
correct it; encoder and decoder have {parameters:,} parameters together. {training} Made by:

    {command}

## Test split

`fourcast-train stego --preset {preset} --evaluate` measures the published files the same way.

{report}
{slides}
## Data

{data}

SHA-256 of the splits:

{hashes}

## Limits

- {limit}
- Whoever looks for hidden texts with a trained detector may find them: a text is hidden from eyes,
  not from statistics. Only a passphrase keeps it secret.
- Cropping, turning and drawing over destroy the text; revealing then says so.

## Licence

Apache-2.0, as the rest of fourcast.
"""

_PURPOSES = {
    "capacity": "It carries much text in files that are stored without loss, such as PNG.",
    "robust": "It carries less text, but survives what messengers and web sites do to pictures.",
}

_LIMITS = {
    "capacity": "Any loss destroys the text: use `robust` where pictures are compressed. Storing "
    "bits in the last bit of each colour holds more and changes less, as long as nothing is lost.",
    "robust": "What it survives, and how often, stands in the table above; nothing else is "
    "promised.",
}


@dataclass(frozen=True)
class Result:
    """A finished run and what it scored on the test split.

    Attributes:
        command: What makes it again.
        config: Of the run.
        parameters: Of both networks.
        progress: Of the training; None if there was none.
        report: What was measured.
        data: The splits, "train", "validation" and "test".
    """

    command: str
    config: TrainConfig
    parameters: int
    progress: Progress | None
    report: Report
    data: Mapping[str, Split]


def write_card(version: int, result: Result, *, is_encoder: bool) -> str:
    """The card as Markdown."""
    config = result.config
    profile = config.rules
    message = (profile.message, "input", "bits of the blocks: 0, 1, or 2 for none")
    rows = (
        [
            (IMAGE, "input", "red, green, blue"),
            message,
            (STRENGTH, "input", "1 as trained; more is more robust and more visible, up to 1.5"),
            (STEGO, "output", "the tile with its bits; 1 is 255, to be clipped and rounded"),
        ]
        if is_encoder
        else [
            (IMAGE, "input", "red, green, blue"),
            (profile.probabilities, "output", "how probable it is that a bit is 1"),
        ]
    )
    tensors = [
        f"| `{spec.name}` | {way} | {'UINT8' if spec.dtype.itemsize == 1 else 'FP32'} "
        f"[N, {', '.join(map(str, spec.dims))}] | {meaning} |"
        for spec, way, meaning in rows
    ]
    images = config.data.images
    return _CARD.format(
        name=profile.encoder if is_encoder else profile.decoder,
        version=version,
        side="encoder" if is_encoder else "decoder",
        profile=profile.name,
        purpose=_PURPOSES[profile.name],
        tensors="\n".join(tensors),
        min_side=MIN_SIDE,
        max_side=MAX_SIDE,
        block=profile.block,
        parameters=result.parameters,
        training=_training(result),
        command=result.command,
        preset=config.preset,
        report=result.report.text(),
        slides=_slides(config.slides),
        data=(
            "Textures made by this project."
            if images is None
            else f"The photographs of a folder named `{images.name}`, split by photograph."
        )
        + " "
        + ", ".join(f"{len(split.pictures)} to {name}" for name, split in result.data.items())
        + ".",
        hashes="\n".join(f"- {name}: `{split.sha256}`" for name, split in result.data.items()),
        limit=_LIMITS[profile.name],
    )


def _training(result: Result) -> str:
    progress, config = result.progress, result.config
    if progress is None:
        return "Not trained: this is the classical code that training begins with."
    return (
        f"Trained for {progress.epoch} epochs of {config.steps} batches of "
        f"{config.loop.batch_size} tiles; the weights are those of epoch {progress.best_epoch}, "
        "the best on the validation split."
    )


def _slides(folder: Path) -> str:
    """The baseline's figures, if its run is there."""
    file = folder / METRICS_FILE
    if not file.exists():
        return ""
    figures = json.loads(file.read_text("utf-8"))
    return (
        "\nThe course's own autoencoder (`--preset slides`), 256 characters in 256x256 without "
        f"error correction, stored without loss: {figures['characters']:.2%} of the characters and "
        f"{figures['texts']:.1%} of the texts come back, at {figures['psnr']:.1f} dB.\n"
    )
