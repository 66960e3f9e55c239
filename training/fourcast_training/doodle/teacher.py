"""Learning from a larger network's guesses as well as from labels (Hinton et al., 2015).

A label says "this is a pear". A trained network says "a pear, perhaps a light bulb, hardly an
apple", which is more than the label knows, and true of many drawings whose label is wrong or whose
drawer stopped early. A small network that learns to say the same about the same bent drawing
becomes better than one that sees labels alone (Beyer et al., 2022).
"""

import json
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from fourcast_training.doodle.augment import Picture
from fourcast_training.doodle.net import DoodleNet, folded

CHECKPOINT = "checkpoint.pt"


def read_teacher(folder: Path, picture: Picture, device: torch.device) -> DoodleNet:
    """The best weights of a finished or unfinished run, for guessing.

    Args:
        folder: Of the run.
        picture: What the pupil reads; the teacher must read the same.
        device: Where to put it.

    Raises:
        ValueError: If there is no run, or it reads another picture.
    """
    file = folder / CHECKPOINT
    if not file.exists():
        raise ValueError(f"--teacher {folder}: there is no {CHECKPOINT}; train that network first")
    content = torch.load(file, map_location="cpu", weights_only=True)
    seen, stem, widths, blocks, _ = json.loads(content["identity"])["network"]
    if seen != picture:
        raise ValueError(f"--teacher {folder} reads a {seen}, but this network reads a {picture}")
    network = DoodleNet(seen, stem, widths, blocks)
    network.load_state_dict(content["progress"]["best_weights"])
    return folded(network).requires_grad_(False).to(device)


def imitation_loss(logits: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of the pupil's guesses with the teacher's.

    Args:
        logits: The pupil's, float32 [N, 345].
        taught: The teacher's, float32 [N, 345].
        temperature: Both are divided by it, so that small probabilities count; the result is
            multiplied by its square, so that the gradient keeps its size.
    """
    target = torch.softmax(taught / temperature, dim=1)
    return functional.cross_entropy(logits / temperature, target) * temperature**2
