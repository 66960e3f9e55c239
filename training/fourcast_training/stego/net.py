"""A lattice code with learned parts: the encoder and the decoder of a profile.

Quantisation index modulation with distortion compensation (Chen and Wornell, 2001). A block
transform, at first a DCT of a luma or colour difference, gives every block a few coefficients. The
points at which a coefficient means 0 lie one lattice step apart, those at which it means 1 halfway
between them. The encoder moves each coefficient a part of the way (`amount`) to the nearest point
of its bit; not all the way, because at equal visibility a wider lattice that is met only roughly
stands more noise than a narrow one that is met exactly. The decoder looks at the cosine and sine of
a coefficient's place between the points.

All of that is a network from the start: transforms, steps and amounts are learned, and residual
blocks on both sides, zero at first, see the neighbouring blocks and correct what the classical code
gets wrong. So it works before the first step of training and can only improve.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from fourcast_models.stego.channel import KEEP
from fourcast_models.stego.codec import ROBUST, TILE, Profile

LUMA = (0.299, 0.587, 0.114)
"""Of red, green and blue (ITU-R BT.601), as JPEG has it."""

_DIFFERENCES = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
"""Red and blue; what they have of luma and of each other is taken away."""

Carrier = tuple[int, int, int]
"""A colour (0 luma, 1 and 2 differences), a vertical and a horizontal frequency in half periods."""

_ROBUST_CARRIERS: tuple[Carrier, ...] = (
    (0, 0, 1),
    (0, 1, 0),
    (0, 0, 2),
    (0, 1, 1),
    (0, 2, 0),
    (0, 2, 1),
)
"""The lowest frequencies but the mean: JPEG keeps them best, and it keeps little colour."""

_CAPACITY_CARRIERS: tuple[Carrier, ...] = (
    *((colour, down, across) for colour in (1, 2) for down in (2, 3) for across in range(4)),
    (0, 3, 3),
)
"""Colour first: the eye and SSIM mind it least; high frequencies hide in the grain."""


_TRANSFORM_SCALE, _STEP_SCALE = 2**-7, 2**-3
"""Of what is learned of the lattice; see `Lattice`. Exact in float32, as which the exporter writes
every constant."""


@dataclass(frozen=True)
class LatticeConfig:
    """Where the lattice code begins, and how large the learned parts are."""

    step: float = 30.0
    """The lattice step at first, in grey levels of an orthonormal coefficient."""

    amount: float = 0.8
    """The part of the way to the lattice point at first, 0 to 1."""

    width: int = 32
    """Channels of the residual blocks."""

    blocks: int = 2
    """Residual blocks on each side."""


class Lattice(nn.Module):
    """Tiles to coefficients in lattice steps, and back; encoder and decoder share one.

    What is learned are changes of the classical transform, zero at first and scaled down: a
    coefficient sums hundreds of pixels, so a step of the optimiser that suits other layers would
    move strong ones by several lattice points at once. Transforms stay blind to the mean.
    """

    def __init__(self, profile: Profile, config: LatticeConfig) -> None:
        super().__init__()
        self.block = profile.block
        carriers = _ROBUST_CARRIERS if profile is ROBUST else _CAPACITY_CARRIERS
        analysis, synthesis = _transform(profile.block, carriers)
        self.first_analysis = nn.Buffer(analysis)
        self.first_synthesis = nn.Buffer(synthesis)
        self.analysis_change = nn.Parameter(torch.zeros_like(analysis))
        self.synthesis_change = nn.Parameter(torch.zeros_like(synthesis))
        self.first_step = torch.tensor(config.step).item()  # exact in float32, too
        self.step_change = nn.Parameter(torch.zeros(1, len(carriers), 1, 1))
        # In flat pictures all coefficients are 0. With a lattice point there, or halfway between
        # two, the last bit of a sum would decide.
        golden = (math.sqrt(5) - 1) / 2
        shifts = torch.tensor([(golden * (i + 1)) % 1 * 0.4 + 0.05 for i in range(len(carriers))])
        self.shift = nn.Buffer(shifts.view(1, -1, 1, 1))

    @property
    def step(self) -> Tensor:
        """Float64 [1, C, 1, 1], in grey levels."""
        return self.first_step * torch.exp(_STEP_SCALE * self.step_change.double())

    def units(self, image: Tensor) -> Tensor:
        """Float64 [N, C, g, g] of [N, 64, 64, 3] of 0 to 255: where on its lattice each one is.

        In float64, because a coefficient may be a hundred steps from 0: what the decoder needs,
        its place between two points, would then be lost in the last bits of a float32. (No scalar
        factor stands beside the product: onnxruntime would merge it in as a float32.)
        """
        grid = TILE // self.block
        blocks = image.reshape(-1, grid, self.block, grid, self.block, 3).permute(0, 1, 3, 5, 2, 4)
        flat = blocks.reshape(-1, grid, grid, 3 * self.block**2).double()
        change = self.analysis_change.double()
        change = change - change.mean(dim=(2, 3), keepdim=True)
        analysis = (self.first_analysis + _TRANSFORM_SCALE * change).flatten(1)
        coefficients = (flat @ analysis.T).permute(0, 3, 1, 2)
        return coefficients / self.step + self.shift

    def change(self, units: Tensor) -> Tensor:
        """What moves coefficients by so many steps: float32 [N, 3, 64, 64] of [N, C, g, g]."""
        synthesis = self.first_synthesis + _TRANSFORM_SCALE * self.synthesis_change
        moved = units * (self.step / 255).float()
        return functional.conv_transpose2d(moved, synthesis, stride=self.block)


class Corrections(nn.Module):
    """Residual blocks over the grid of blocks, without normalisation; zero at first."""

    def __init__(self, inputs: int, outputs: int, config: LatticeConfig) -> None:
        super().__init__()
        width = config.width
        self.stem = nn.Conv2d(inputs, width, 3, padding=1)
        self.first = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1) for _ in range(config.blocks)
        )
        self.second = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(config.blocks))
        self.head = nn.Conv2d(width, outputs, 1)
        for layer in (*self.second, self.head):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Float32 [N, outputs, g, g] of [N, inputs, g, g]."""
        x = self.stem(features)
        for first, second in zip(self.first, self.second, strict=True):
            x = x + second(functional.relu(first(functional.relu(x))))
        corrections: Tensor = self.head(functional.relu(x))
        return corrections


class Encoder(nn.Module):
    """A tile, its bits and a strength to the tile that carries them."""

    def __init__(self, profile: Profile, config: LatticeConfig, lattice: Lattice) -> None:
        super().__init__()
        self.lattice = lattice
        carriers = profile.carriers
        self.amount = nn.Parameter(torch.full((1, carriers, 1, 1), config.amount))
        self.corrections = Corrections(5 * carriers, 3 * profile.block**2, config)

    def forward(self, image: Tensor, message: Tensor, strength: Tensor) -> Tensor:
        """Float32 [N, 64, 64, 3], where 1 is 255; see codec.py for the inputs."""
        tiles = image.permute(0, 3, 1, 2).float() / 255
        bits = message.permute(0, 3, 1, 2)
        kept = (bits != KEEP).float()
        half = (bits == 1).float() * 0.5
        units = self.lattice.units(image)
        missing = (torch.round(units - half) + half - units).float()
        scale = strength.view(-1, 1, 1, 1)
        amount = (self.amount * scale).clamp(0, 1)
        angle = _angle(units)
        features = (missing * kept, kept, angle.sin(), angle.cos(), (4 * half - 1) * kept)
        change = self.lattice.change(missing * amount * kept)
        correction = self.corrections(torch.cat(features, dim=1)) * scale
        correction = correction * kept.amax(dim=1, keepdim=True)
        stego: Tensor = tiles + change + functional.pixel_shuffle(correction, self.lattice.block)
        return stego.permute(0, 2, 3, 1)


class Decoder(nn.Module):
    """A tile to the log-odds of its bits."""

    def __init__(self, profile: Profile, config: LatticeConfig, lattice: Lattice) -> None:
        super().__init__()
        self.lattice = lattice
        carriers = profile.carriers
        self.sharpness = nn.Parameter(torch.full((1, carriers, 1, 1), 4.0))
        self.corrections = Corrections(2 * carriers, carriers, config)

    def forward(self, image: Tensor) -> Tensor:
        """Logits, float32 [N, g, g, C], of tiles, uint8 or, in training, float32 of 0 to 255."""
        angle = _angle(self.lattice.units(image))
        cosine, sine = angle.cos(), angle.sin()
        corrections = self.corrections(torch.cat((cosine, sine), dim=1))
        logits: Tensor = corrections - self.sharpness * cosine
        return logits.permute(0, 2, 3, 1)


class Pair(nn.Module):
    """Encoder and decoder, trained together."""

    def __init__(self, profile: Profile, config: LatticeConfig) -> None:
        super().__init__()
        lattice = Lattice(profile, config)
        self.encoder = Encoder(profile, config, lattice)
        self.decoder = Decoder(profile, config, lattice)


class ServedEncoder(nn.Module):
    """The encoder as it is exported: a tuple of outputs."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, image: Tensor, message: Tensor, strength: Tensor) -> tuple[Tensor]:
        """The encoder's answer."""
        return (self.encoder(image, message, strength),)


class ServedDecoder(nn.Module):
    """The decoder as it is exported: a tuple of outputs.

    Probabilities, because errors of float32 in a logit of 20 exceed what golden replay allows.
    """

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """How probable a 1 is."""
        return (self.decoder(image).sigmoid(),)


def _angle(units: Tensor) -> Tensor:
    """Float32 of float64 places, -pi to pi; 0 at the points that mean 0."""
    return 2 * math.pi * (units - torch.round(units)).float()


def _transform(block: int, carriers: tuple[Carrier, ...]) -> tuple[Tensor, Tensor]:
    """Analysis and synthesis, both float32 [C, 3, block, block].

    Analysis times synthesis is the identity. The synthesis is the shortest change that does so,
    which for luma alone is a third less of squared error than to change all three colours alike.
    """
    places = torch.arange(block, dtype=torch.float64)
    waves = torch.stack(
        [torch.cos(math.pi * (places + 0.5) * f / block) for f in range(block)]
    ) * math.sqrt(2 / block)
    waves[0] /= math.sqrt(2)
    colours = torch.tensor([LUMA, *_DIFFERENCES], dtype=torch.float64)
    # Differences are made orthonormal; luma stays what JPEG calls luma.
    luma = colours[0] / colours[0].norm()
    for i in (1, 2):
        for other in (luma, *colours[1:i]):
            colours[i] -= (colours[i] @ other) * other
        colours[i] /= colours[i].norm()
    analysis = torch.stack(
        [
            torch.einsum("c,i,j->cij", colours[colour], waves[down], waves[across])
            for colour, down, across in carriers
        ]
    )
    rows = analysis.flatten(1)
    synthesis = torch.linalg.pinv(rows).T.reshape(analysis.shape)
    return analysis.float(), synthesis.float()
