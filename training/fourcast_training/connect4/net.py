"""The two networks: the seed's convolution and dense layer, and a small residual network.

Both read the raw planes of `fourcast_models.connect4.codec` (uint8 [N, 2, 6, 7]) and compute
everything else inside the graph, so that nothing has to be prepared for the exported model.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from fourcast_models.connect4.board import COLUMNS, ROWS
from fourcast_training.growing import widen

OUTCOMES = 3
"""Win, draw and loss, in this order."""

OUTCOME_WEIGHT = 4.0
"""What a sure win of a column, and the lack of a sure loss, add to its logit when it is served. Two
heads err on different positions: on the validation split more values were kept than by the policy
alone, at the same share of best scores, whichever weight from 2 to 16 was tried."""

Architecture = Literal["slides", "residual"]


class Heads(NamedTuple):
    """What a network says, before any softmax.

    Attributes:
        policy: Logits of the columns, float32 [N, 7]; full columns are not masked.
        value: Logits of win, draw and loss for the side to move, float32 [N, 3], or None.
        outcomes: Logits of win, draw and loss after each column, for the side to move before it,
            float32 [N, 7, 3], or None.
    """

    policy: Tensor
    value: Tensor | None
    outcomes: Tensor | None


def build(architecture: Architecture, channels: int, blocks: int) -> nn.Module:
    """A network of this architecture; `slides` has one size and ignores the numbers."""
    return SlidesNet() if architecture == "slides" else ResidualNet(channels, blocks)


class SlidesNet(nn.Module):
    """The course's network: board as an image, convolution, dense layer, seven outputs.

    The slides leave the sizes open. Here the kernel is as large as a line of four.
    """

    FILTERS = 64
    HIDDEN = 128

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2, self.FILTERS, kernel_size=4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(self.FILTERS * (ROWS - 3) * (COLUMNS - 3), self.HIDDEN),
            nn.ReLU(),
            nn.Linear(self.HIDDEN, COLUMNS),
        )

    def forward(self, board: Tensor) -> Heads:
        """Logits for planes uint8 [N, 2, 6, 7]."""
        return Heads(self.layers(board.float()), None, None)


class BoardFeatures(nn.Module):
    """What a player sees at a glance, as planes computed from the stones.

    Planes, float32 [N, 7, 6, 7]: own stones, opponent's stones, empty cells, playable cells, own
    winning cells, opponent's winning cells (empty cells that complete four in a row, playable or
    not), and the row's parity, +1 where the side to move gets the cell if the columns fill up
    alternately, otherwise -1.
    """

    PLANES = 7

    def __init__(self) -> None:
        super().__init__()
        # Horizontal, vertical, falling and rising, in the corner of a square. Once for each
        # player's plane; `groups=2` below keeps the two apart.
        lines = torch.zeros(4, 1, 4, 4)
        lines[0, 0, 0, :] = lines[1, 0, :, 0] = 1
        lines[2, 0], lines[3, 0] = torch.eye(4), torch.eye(4).flip(0)
        self.lines = nn.Buffer(lines.repeat(2, 1, 1, 1), persistent=False)
        rows_from_bottom = torch.arange(ROWS).flip(0).view(1, 1, ROWS, 1)
        parity = (1 - 2 * (rows_from_bottom % 2)).expand(1, 1, ROWS, COLUMNS)
        self.parity = nn.Buffer(parity.float(), persistent=False)

    def forward(self, board: Tensor) -> Tensor:
        """The planes for stones uint8 [N, 2, 6, 7]."""
        stones = board.float()
        occupied = stones.sum(dim=1, keepdim=True)
        empty = 1 - occupied
        supported = functional.pad(occupied[:, :, 1:], (0, 0, 0, 1), value=1.0)
        # Lines may stick out of the board: if three cells of one hold stones, the fourth is outside
        # and cut off again, or an empty cell.
        three = functional.relu(functional.conv2d(stones, self.lines, padding=3, groups=2) - 2)
        winning = functional.conv_transpose2d(three, self.lines, padding=3, groups=2)
        winning_cells = winning.clamp(max=1) * empty
        plies = occupied.sum(dim=(2, 3), keepdim=True)
        mover_is_first = 1 - 2 * torch.remainder(plies, 2)
        parity = self.parity * mover_is_first
        return torch.cat([stones, empty, empty * supported, winning_cells, parity], dim=1)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation around a shortcut (He et al., 2015)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out, [N, channels, 6, 7]."""
        return functional.relu(x + self.layers(x))


class ResidualNet(nn.Module):
    """Board features, residual blocks, and heads for policy, value and the columns' outcomes."""

    HEAD_CHANNELS = 16
    VALUE_HIDDEN = 64

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.features = BoardFeatures()
        self.trunk = nn.Sequential(
            nn.Conv2d(BoardFeatures.PLANES, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            *(ResidualBlock(channels) for _ in range(blocks)),
        )
        self.head = nn.Sequential(
            nn.Conv2d(channels, self.HEAD_CHANNELS, 1, bias=False),
            nn.BatchNorm2d(self.HEAD_CHANNELS),
            nn.ReLU(),
            nn.Flatten(),
        )
        width = self.HEAD_CHANNELS * ROWS * COLUMNS
        self.policy = nn.Linear(width, COLUMNS)
        self.outcomes = nn.Linear(width, COLUMNS * OUTCOMES)
        self.value = nn.Sequential(
            nn.Linear(width, self.VALUE_HIDDEN), nn.ReLU(), nn.Linear(self.VALUE_HIDDEN, OUTCOMES)
        )

    def grow_from(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of a network that may have fewer channels and blocks: see `growing`.

        A new block begins as the identity, its last normalisation being zero and what its shortcut
        passes on never negative.

        Args:
            weights: The `state_dict` of a residual network.

        Raises:
            RuntimeError: If it is larger in any way, or of another kind.
        """
        wanted = set(self.state_dict())
        for place, layer in enumerate(self.trunk):
            prefix = f"trunk.{place}."
            if isinstance(layer, ResidualBlock) and not any(n.startswith(prefix) for n in weights):
                nn.init.zeros_(layer.get_parameter("layers.4.weight"))
                wanted = {name for name in wanted if not name.startswith(prefix)}
        if weights.keys() != wanted:
            raise RuntimeError("not all of its layers are those of this network")
        widen(self, {**self.state_dict(), **weights})  # new blocks stay as they are

    def forward(self, board: Tensor) -> Heads:
        """Logits for planes uint8 [N, 2, 6, 7]."""
        # The memory layout in which convolutions are fastest; the numbers are the same.
        planes = self.features(board).contiguous(memory_format=torch.channels_last)
        x = self.head(self.trunk(planes))
        return Heads(self.policy(x), self.value(x), self.outcomes(x).view(-1, COLUMNS, OUTCOMES))


class ServedNet(nn.Module):
    """A trained network as it is exported: probabilities, and never a full column.

    Input `board` uint8 [N, 2, 6, 7]. Output `policy` float32 [N, 7], which sums to 1 over the
    columns that are not full and is exactly 0 on full ones, and, if the network has it, `value`
    float32 [N, 3]: win, draw, loss for the side to move. What the network expects after each column
    counts in its policy, too (OUTCOME_WEIGHT).
    """

    def __init__(self, network: nn.Module, *, mirrors: bool) -> None:
        """Serve a network.

        Args:
            network: Gives `Heads`.
            mirrors: Whether what it says of the board and of its mirror image is averaged.
        """
        super().__init__()
        self.network = network
        self.mirrors = mirrors

    def forward(self, board: Tensor) -> tuple[Tensor, ...]:
        """Policy, and value if there is one."""
        heads: Heads = self.network(torch.cat([board, board.flip(3)]) if self.mirrors else board)
        logits, value = heads.policy, heads.value
        if heads.outcomes is not None:
            outcomes = torch.softmax(heads.outcomes, dim=2)
            logits = logits + OUTCOME_WEIGHT * (outcomes[:, :, 0] - outcomes[:, :, 2])
        if self.mirrors:
            own, mirrored = logits.view(2, -1, COLUMNS)
            logits = (own + mirrored.flip(1)) / 2
            value = None if value is None else value.view(2, -1, OUTCOMES).mean(dim=0)
        free = 1 - board[:, :, 0].float().sum(dim=1)
        policy = torch.softmax(logits - 1e9 * (1 - free), dim=1) * free
        return (policy,) if value is None else (policy, torch.softmax(value, dim=1))
