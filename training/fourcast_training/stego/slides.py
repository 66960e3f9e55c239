"""The course's own autoencoder, as the honest baseline: nothing here knows of lattices.

The slides fix the task (an encoder embeds ASCII text into a 256x256 picture, a decoder reads it
back; random pictures, random text), the losses (mean squared error on the picture, categorical
cross-entropy on the text), Adam with a rate of 0.001 and batches of 64, but not the layers. Here a
character stands for 16x16 pixels, so a picture holds 256 of them, and all layers are convolutions,
so that training may look at parts of a picture.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

CHARACTERS = 128
"""ASCII."""

CELL = 16
"""The side of a character's square, in pixels."""

_WIDTH, _EMBEDDING = 32, 16

_PICTURE_WEIGHT = 100.0
"""Of the mean squared error, on a scale where white is 1, beside the cross-entropy in nats."""


class SlidesNet(nn.Module):
    """Encoder and decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = nn.Embedding(CHARACTERS, _EMBEDDING * CELL)
        self.embed = nn.Sequential(
            nn.Conv2d(3 + _EMBEDDING, _WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_WIDTH, 3, 3, padding=1),
        )
        self.read = nn.Sequential(
            nn.Conv2d(3, _WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_WIDTH, 2 * _WIDTH, 4, stride=4),
            nn.ReLU(),
            nn.Conv2d(2 * _WIDTH, 4 * _WIDTH, 4, stride=4),
            nn.ReLU(),
            nn.Conv2d(4 * _WIDTH, CHARACTERS, 1),
        )

    def hide(self, pictures: Tensor, text: Tensor) -> Tensor:
        """Float32 [N, 3, H, W] of 0 to 1, of the same and int64 [N, H / 16, W / 16]."""
        # 16 numbers for each of a square's 16 rows of 4x4 pixels.
        planes = self.letters(text).permute(0, 3, 1, 2)
        planes = functional.pixel_shuffle(planes, 4)
        planes = functional.interpolate(planes, scale_factor=4)
        stego: Tensor = self.embed(torch.cat((pictures, planes), dim=1)).sigmoid()
        return stego

    def forward(self, pictures: Tensor) -> Tensor:
        """What the decoder reads: logits [N, 128, H / 16, W / 16]."""
        logits: Tensor = self.read(pictures)
        return logits


@dataclass(frozen=True)
class SlidesFigures:
    """How good it is on whole pictures.

    Attributes:
        characters: Share that came back, 0 to 1.
        texts: Share of texts of 256 characters that came back exactly.
        psnr: Mean, in dB.
    """

    characters: float
    texts: float
    psnr: float


def loss(network: SlidesNet, tiles: Tensor, text: Tensor) -> Tensor:
    """Mean squared error and categorical cross-entropy of uint8 [N, H, W, 3] and its text."""
    pictures = tiles.permute(0, 3, 1, 2).float() / 255
    stego = network.hide(pictures, text)
    read = functional.cross_entropy(network(stego), text)
    return _PICTURE_WEIGHT * functional.mse_loss(stego, pictures) + read


@torch.inference_mode()
def measure(network: SlidesNet, tiles: Tensor, text: Tensor) -> SlidesFigures:
    """The figures on pictures, uint8 [N, H, W, 3], rounded as a PNG file would hold them."""
    pictures = tiles.permute(0, 3, 1, 2).float() / 255
    stego = (network.hide(pictures, text) * 255).round() / 255
    is_right = network(stego).argmax(dim=1) == text
    errors = (stego - pictures).square().mean(dim=(1, 2, 3)).clamp(min=1e-9)
    return SlidesFigures(
        characters=float(is_right.float().mean()),
        texts=float(is_right.flatten(1).all(dim=1).float().mean()),
        psnr=float((-10 * errors.log10()).mean()),
    )
