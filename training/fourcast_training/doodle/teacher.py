"""Learning from a published network's guesses as well as from labels (Hinton et al., 2015).

A label says "this is a pear". A trained network says "a pear, perhaps a light bulb, hardly an
apple", which is more than the label knows, and true of many drawings whose label is wrong or whose
drawer stopped early. A network that learns to say the same about the same bent drawing becomes
better than one that sees labels alone (Beyer et al., 2022). The teacher may see more than its
pupil: the order of the strokes, where the pupil has a bitmap, and all of a drawing, where the pupil
has to guess from its beginning.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fourcast_models.doodle.codec import BITMAP, PROBABILITIES, RASTER
from fourcast_models.repository import read_model
from fourcast_training.doodle.augment import Guess, Picture
from fourcast_training.export import open_onnx

_BATCH = 64
"""Pictures at a time: more would not fit into a processor's caches."""


@dataclass(frozen=True)
class PublishedTeacher:
    """A version of a doodle model in a repository.

    Attributes:
        weights: Its file.
        picture: What it reads.
    """

    weights: Path
    picture: Picture

    def open(self) -> Guess:
        """The model as a function of pictures."""
        run = open_onnx(self.weights, threads=1)
        spec = BITMAP if self.picture == "bitmap" else RASTER

        def guess(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
            parts = np.split(pictures, range(_BATCH, len(pictures), _BATCH))
            guesses = [run({spec.name: part})[PROBABILITIES.name] for part in parts]
            return np.concatenate(guesses).astype(np.float16)

        return guess

    @property
    def sha256(self) -> str:
        """Of the weights."""
        return hashlib.sha256(self.weights.read_bytes()).hexdigest()


def read_teacher(repository: Path, name: str) -> PublishedTeacher:
    """The newest version of a model.

    Args:
        repository: That has it.
        name: The model's.

    Raises:
        RepositoryError: If it is not there.
        ValueError: If it is no doodle model.
    """
    model = read_model(repository, name)
    reads = {BITMAP: "bitmap", RASTER: "raster"}
    picture = reads.get(model.config.inputs[0])
    if picture is None or model.config.outputs != (PROBABILITIES,):
        raise ValueError(f"--teacher {name}: no doodle model; those read a drawing and name it")
    return PublishedTeacher(
        model.weights(model.versions[0]), "bitmap" if picture == "bitmap" else "raster"
    )


def taught_loss(logits: Tensor, by_label: Tensor, taught: Tensor, share: float) -> Tensor:
    """The loss by labels mixed with the cross-entropy of the teacher's guesses.

    Args:
        logits: Float32 [N, 345].
        by_label: The loss of each picture by its label, float32 [N].
        taught: The teacher's probabilities, float [N, 345]; zeros where it has seen nothing, and
            the label counts alone.
        share: Of the teacher where it has, 0 to 1.

    Returns:
        Float32 [N].
    """
    imitation = -(taught.float() * torch.log_softmax(logits, dim=1)).sum(dim=1)
    shares = torch.where(taught.amax(dim=1) > 0, share, 0.0)
    return (1 - shares) * by_label + shares * imitation
