"""The network before training: random weights, or those of an earlier run or published version."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fourcast_models.connect4 import codec
from fourcast_models.repository import WEIGHTS_FILE
from fourcast_training.connect4.data import quotas, shares_of
from fourcast_training.connect4.net import ResidualNet, build
from fourcast_training.connect4.presets import TrainConfig
from fourcast_training.connect4.random_play import random_positions
from fourcast_training.loop import best_weights
from fourcast_training.published import fill, read_weights

_POSITIONS = 2048
"""On which the normalisations of a published network are measured."""


def beginning(config: TrainConfig) -> nn.Module:
    """The network before training.

    Raises:
        ValueError: If `begin_with` has none, or one of another kind, or a larger one.
    """
    torch.manual_seed(config.loop.seed)
    network = build(config.architecture, config.channels, config.blocks)
    if config.begin_with is not None:
        try:
            weights = _weights(config.begin_with)
            if isinstance(network, ResidualNet):
                network.grow_from(weights)
            else:
                network.load_state_dict(weights)
        except (KeyError, RuntimeError):
            raise ValueError(
                f"--begin-with: the network in {config.begin_with} is none of --architecture "
                f"{config.architecture} of up to --channels {config.channels} and --blocks "
                f"{config.blocks}"
            ) from None
    return network


def _weights(earlier: Path) -> Mapping[str, Tensor]:
    """The state of an earlier network, from its run or from what was published."""
    file = earlier / WEIGHTS_FILE
    if not file.exists():
        return best_weights(earlier)
    weights = read_weights(file)
    blocks = sum(name.endswith("layers.0.weight") for name in weights)
    network = ResidualNet(len(weights["trunk.0.weight"]), blocks)
    wanted = quotas(_POSITIONS, shares_of("train", first_ply=0))
    found = random_positions(np.random.default_rng(0), wanted, np.zeros(0, np.int64))
    planes = codec.encode_bits(found.mover, found.occupied)
    fill(network, weights, torch.from_numpy(planes))
    return network.state_dict()
