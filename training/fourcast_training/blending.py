"""A network between two of one family: what it was, and what it became in further training.

Wortsman et al., "Robust fine-tuning of zero-shot models" (CVPR 2022): along the line between the
weights before and after, a network keeps most of what it could do and gains most of what it has
learnt, and is often better than both ends.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

_BATCH = 345


@torch.no_grad()
def blend(network: nn.Module, earlier: Mapping[str, Tensor], share: float, inputs: Tensor) -> None:
    """Move a trained network back towards what it was.

    Args:
        network: Trained; changed in place, and left in evaluation mode.
        earlier: Its `state_dict` before.
        share: Of the trained weights, 0 to 1.
        inputs: Some hundred, [N, ...], on which its normalisations are measured anew: means and
            deviations of a blend are not the blend of the means and deviations.
    """
    for name, own in network.state_dict().items():
        if own.is_floating_point():
            own.lerp_(earlier[name].to(own), 1 - share)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    network.train()
    for part in torch.split(inputs, _BATCH):
        network(part)
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
    network.eval()
