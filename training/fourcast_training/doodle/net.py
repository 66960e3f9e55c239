"""One residual network for all doodle models; what differs is its size and the picture it reads.

Plain 3x3 convolutions: depthwise ones have fewer weights, but processors spend more time on moving
their data than on their sums. Most of the work of a convolution lies where the picture is large and
most of the weights where it is small, so the network halves the picture three times, to 4x4, and
doubles its channels each time: wide where that is cheap.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fourcast_models.doodle.codec import CATEGORIES
from fourcast_models.doodle.strokes import SIDE
from fourcast_training.doodle.augment import Picture
from fourcast_training.growing import widen

Views = Literal[1, 2, 8]
"""The picture alone; with its mirror image; both of them moved towards each of the four corners."""

MEAN, SPREAD = 0.25, 0.4
"""Of the ink in an average picture, 0 to 1: the network sees values around 0."""


class DoodleNet(nn.Module):
    """Logits of the categories for pictures of 28x28 pixels, or of 56x56 with two channels."""

    def __init__(
        self,
        picture: Picture,
        stem: int,
        widths: Sequence[int],
        blocks: Sequence[int],
        dropout: float = 0.0,
    ) -> None:
        """Build the network with random weights.

        Args:
            picture: "bitmap" for uint8 [N, 28, 28], "raster" for uint8 [N, 2, 56, 56].
            stem: Channels of the first convolution, at 28x28.
            widths: Channels of each stage; every stage halves the picture.
            blocks: Residual blocks of each stage.
            dropout: Share of the features before the last layer that are left out in training.
        """
        super().__init__()
        is_bitmap = picture == "bitmap"
        layers: list[nn.Module] = [
            nn.Conv2d(1 if is_bitmap else 2, stem, 3, 1 if is_bitmap else 2, 1, bias=False),
            nn.BatchNorm2d(stem),
            nn.ReLU(inplace=True),
        ]
        before = stem
        for width, count in zip(widths, blocks, strict=True):
            for number in range(count):
                layers.append(ResidualBlock(before, width, halves=number == 0))
                before = width
        self.trunk = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(before, len(CATEGORIES))

    def grow_from(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of a network that may be narrower and have fewer blocks.

        It then guesses as that one does, see `growing`. A new block begins as the identity, its
        last normalisation being zero and what its shortcut passes on never negative.

        Args:
            weights: The `state_dict` of a network that reads the same kind of picture.

        Raises:
            RuntimeError: If it is larger in any way, or reads another kind.
        """
        parts: dict[str, dict[str, Tensor]] = {}
        for name, weight in weights.items():
            part, _, inner = name.removeprefix("trunk.").partition(".")
            parts.setdefault(part, {})[inner] = weight
        if parts["0"]["weight"].shape[1] != self.get_parameter("trunk.0.weight").shape[1]:
            raise RuntimeError("size mismatch: it reads another kind of picture")
        widen(self.head, parts.pop("head"))
        theirs = list(parts.values())
        for layer in self.trunk:
            names = layer.state_dict().keys()
            if isinstance(layer, ResidualBlock) and not (theirs and names == theirs[0].keys()):
                nn.init.zeros_(layer.get_parameter("layers.4.weight"))
            elif names:
                widen(layer, theirs.pop(0))
        if theirs:
            raise RuntimeError(f"{len(theirs)} of its layers find no place in this network")

    def forward(self, picture: Tensor) -> Tensor:
        """Logits float32 or bfloat16 [N, 345]."""
        x = picture.float() / 255
        x = (x.unsqueeze(1) if x.dim() == 3 else x) - MEAN
        # The memory layout in which convolutions are fastest; the numbers are the same.
        x = (x / SPREAD).contiguous(memory_format=torch.channels_last)
        x = self.trunk(x).mean(dim=(2, 3))
        logits: Tensor = self.head(self.dropout(x))
        return logits


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation around a shortcut (He et al., 2015).

    A block that halves the picture averages it in the shortcut (He et al., 2018) rather than leave
    three of four pixels unread.
    """

    def __init__(self, before: int, width: int, *, halves: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(before, width, 3, 2 if halves else 1, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        shortcut: list[nn.Module] = []
        if halves:
            shortcut.append(Halving())
        if before != width:
            shortcut += [nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width)]
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        """Float32 [N, channels, H, W] in, the same or half the size out."""
        return functional.relu(self.layers(x) + self.shortcut(x))


class Halving(nn.Module):
    """Means of 2x2 pixels; what stands alone at the edge of an odd side counts twice.

    That is `nn.AvgPool2d(2, ceil_mode=True)`, of which onnxruntime's integer version is wrong.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Float32 [N, channels, H, W] in, half the size out, rounded up."""
        return functional.avg_pool2d(functional.pad(x, (0, 1, 0, 1), mode="replicate"), 2)


class ServedNet(nn.Module):
    """A trained network as it is exported: calibrated probabilities.

    The logits of several views of the picture are averaged: most things look the same in a mirror,
    and as many pixels further on. Then they are divided by a temperature (Guo et al., 2017), so
    that of the guesses with a probability of 0.8 about 80 % are right.
    """

    def __init__(self, network: nn.Module, temperature: float, views: Views) -> None:
        super().__init__()
        self.network = network
        self.views = views
        self.temperature = nn.Buffer(torch.tensor(temperature))

    def forward(self, picture: Tensor) -> tuple[Tensor]:
        """`probabilities` float32 [N, 345]."""
        return (torch.softmax(self.logits(picture) / self.temperature, dim=1),)

    def logits(self, picture: Tensor) -> Tensor:
        """The averaged logits before the temperature, float32 [N, 345]."""
        # As bytes: a graph can move uint8, and float values would take four times the memory.
        seen = _moved(picture) if self.views == 8 else [picture]
        if self.views > 1:
            seen += [one.flip(-1) for one in seen]
        logits: Tensor = self.network(torch.cat(seen)).float()
        return logits.view(self.views, -1, logits.shape[1]).mean(dim=0)


def _moved(picture: Tensor) -> list[Tensor]:
    """The picture moved towards each of its corners, by one pixel of a bitmap."""
    side = picture.shape[-1]
    step = side // SIDE
    padded = functional.pad(picture, (step, step, step, step))
    ends = (0, 2 * step)
    return [padded[..., y : y + side, x : x + side] for y in ends for x in ends]


def folded(network: DoodleNet) -> DoodleNet:
    """A copy for inference, each batch normalisation folded into the convolution before it."""
    copied = copy.deepcopy(network).eval()
    for sequence in [module for module in copied.modules() if isinstance(module, nn.Sequential)]:
        layers = list(sequence)
        for place in range(len(layers) - 1):
            convolution, norm = layers[place], layers[place + 1]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                sequence[place] = fuse_conv_bn_eval(convolution, norm)
                sequence[place + 1] = nn.Identity()
    return copied


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature with the least cross-entropy, from 0.05 to 20.

    Args:
        logits: Float32 [N, 345].
        labels: Int64 [N].
    """
    # The loss has one minimum in the logarithm of the temperature: halve the interval around it.
    low, high = -3.0, 3.0
    for _ in range(40):
        thirds = (2 * low + high) / 3, (low + 2 * high) / 3
        left, right = (
            functional.cross_entropy(logits / torch.tensor(t).exp(), labels).item() for t in thirds
        )
        if left < right:
            high = thirds[1]
        else:
            low = thirds[0]
    return float(torch.tensor((low + high) / 2).exp())
