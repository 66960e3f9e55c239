"""The network before training: random weights, or those of an earlier run or published version."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from fourcast_models.connect4 import codec
from fourcast_models.repository import WEIGHTS_FILE
from fourcast_training.connect4.data import quotas, shares_of
from fourcast_training.connect4.net import build
from fourcast_training.connect4.presets import TrainConfig
from fourcast_training.connect4.random_play import random_positions
from fourcast_training.loop import best_weights
from fourcast_training.published import fill, read_weights

_POSITIONS = 2048
"""On which the normalisations of a published network are measured."""


def beginning(config: TrainConfig) -> nn.Module:
    """The network before training.

    Raises:
        ValueError: If `begin_with` has none, or one of another kind or size.
    """
    torch.manual_seed(config.loop.seed)
    network = build(config.architecture, config.channels, config.blocks)
    if config.begin_with is not None:
        try:
            _begin_with(network, config.begin_with)
        except (KeyError, RuntimeError):
            raise ValueError(
                f"--begin-with: the network in {config.begin_with} is none of --architecture "
                f"{config.architecture} --channels {config.channels} --blocks {config.blocks}"
            ) from None
    return network


def _begin_with(network: nn.Module, earlier: Path) -> None:
    file = earlier / WEIGHTS_FILE
    if not file.exists():
        network.load_state_dict(best_weights(earlier))
        return
    wanted = quotas(_POSITIONS, shares_of("train", first_ply=0))
    found = random_positions(np.random.default_rng(0), wanted, np.zeros(0, np.int64))
    planes = codec.encode_bits(found.mover, found.occupied)
    fill(network, read_weights(file), torch.from_numpy(planes))
